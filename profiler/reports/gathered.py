"""All that a page draws of a run's requests, gathered in two passes with memory that does not grow with them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from profiler.aggregation.observations import cut_to_point, measured_phases
from profiler.aggregation.windows import times_of
from profiler.metrics.catalogue import METRICS
from profiler.metrics.latency import itl_ms
from profiler.metrics.registry import PerRequest
from profiler.reports.series import (
    MOST_DOTS,
    MOST_ROWS,
    MOST_TICKS,
    Point,
    Slice,
    Slicer,
    Timeline,
    rounded_s,
    row,
    start_ns,
)
from profiler.reports.tables import LATENCIES
from profiler.results.folder import parts_of
from profiler.results.manifest import Manifest
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.shared_work import in_order
from profiler.stats.values import Values
from profiler.units import each_ns_to_s, ns_to_s

_MOST_FAILURES = 10
_PER_REQUEST = [spec for name in LATENCIES if isinstance(spec := METRICS[name], PerRequest)]


class Extent:
    """From when to when a run's requests lasted, and how many were measured: the first pass."""

    def __init__(self, manifest: Manifest, parts: Sequence[Iterable[RequestRecord]], samples: Sequence[Sample]) -> None:
        """Look at every request; `manifest` is cut to the point that is drawn."""
        self.counts = Counter({phase.name: 0 for phase in measured_phases(manifest)})
        self.measured_end_ns = 0
        self.last_ns = max((sample.t_ns for sample in samples), default=0)
        firsts_ns: list[int] = []
        for spans in in_order(_spans_of_phases, parts):
            self.last_ns = max([self.last_ns, *(span.last_ns for span in spans.values())])
            for phase in spans.keys() & self.counts.keys():
                self.counts[phase] += spans[phase].requests
                self.measured_end_ns = max(self.measured_end_ns, spans[phase].last_ns)
                firsts_ns.append(spans[phase].first_ns)
        self.zero_ns = min(firsts_ns) if firsts_ns else _earliest_ns(manifest, samples)


class _SpanOfPhase(NamedTuple):
    """The requests of one phase: how many, when the first was sent, when the last was over."""

    requests: int
    first_ns: int
    last_ns: int


def _spans_of_phases(requests: Iterable[RequestRecord]) -> dict[str, _SpanOfPhase]:
    found: dict[str, _SpanOfPhase] = {}
    for request in times_of(requests):
        begun_ns, end_ns = start_ns(request), request.finished_ns
        known, first_ns, last_ns = found.get(request.phase, (0, begun_ns, end_ns))
        found[request.phase] = _SpanOfPhase(known + 1, min(first_ns, begun_ns), max(last_ns, end_ns))
    return found


def _earliest_ns(manifest: Manifest, samples: Sequence[Sample]) -> int:
    """Return the earliest thing known of a run without a measured request."""
    known = [phase.start_ns for phase in manifest.phases] + [sample.t_ns for sample in samples]
    return min(known, default=0)


def gather(
    manifest: Manifest, headline: str | None, requests: Iterable[RequestRecord], samples: Sequence[Sample]
) -> "Gathered":
    """Return what a page draws of a run's requests, which are gone through twice, by several processes where many."""
    parts = parts_of(requests)
    extent = Extent(cut_to_point(manifest, headline or ""), parts, samples)
    whole = Gathered(extent)
    for part in in_order(partial(_gather_part, extent), parts):
        whole.append(part)
    return whole


def _gather_part(extent: Extent, requests: Iterable[RequestRecord]) -> "Gathered":
    part = Gathered(extent)
    for request in requests:
        part.take(request)
    return part


class Gathered:
    """What the figures and the list of failures show; of several points, that of the headline."""

    def __init__(self, extent: Extent) -> None:
        """Begin with no request."""
        self.extent = extent
        self.latencies_ms = {name: Values() for name in LATENCIES}
        self.gaps = Gaps(self.extent)
        self.failures = First(_MOST_FAILURES)
        self._firsts = {name: First(self._rows_each) for name, count in self.extent.counts.items() if count}

    def append(self, later: "Gathered") -> None:
        """Add what was gathered of other requests of the run."""
        for name, values in later.latencies_ms.items():
            self.latencies_ms[name].append(values)
        self.gaps.append(later.gaps)
        self.failures.append(later.failures)
        for phase, first in later._firsts.items():
            self._firsts[phase].append(first)

    def timeline(self) -> Timeline:
        """The first requests of each repeat, as many as can be told apart on a page."""
        groups = sorted((first.sorted() for first in self._firsts.values()), key=_order_of_first)
        rows = [row(request, start_ns(group[0])) for group in groups[:MOST_ROWS] for request in group]
        ticks = sum(len(drawn.token_s) for drawn in rows)
        return Timeline(tuple(rows), self.extent.counts.total(), ticks <= MOST_TICKS)

    @property
    def _rows_each(self) -> int:
        return max(1, MOST_ROWS // max(1, sum(count > 0 for count in self.extent.counts.values())))

    def take(self, request: RequestRecord) -> None:
        """Add one request."""
        if request.outcome is not Outcome.OK:
            self.failures.take(request, (request.index,))
        if request.phase not in self._firsts:
            return
        self._firsts[request.phase].take(request, (start_ns(request), request.index))
        if request.outcome is Outcome.OK:
            self._take_latencies(request)

    def _take_latencies(self, request: RequestRecord) -> None:
        gaps_ms = itl_ms(request)
        self.gaps.take(request, gaps_ms)
        self.latencies_ms["itl_ms"].extend(gaps_ms)
        for spec in _PER_REQUEST:
            self.latencies_ms[spec.id].extend(spec.values(request))


Rank = tuple[int, ...]


class First:
    """Keeps the requests of the lowest ranks and counts them all."""

    def __init__(self, most: int) -> None:
        """Begin with none, to keep at most `most`."""
        self._most = most
        self._kept: list[tuple[Rank, RequestRecord]] = []
        self.total = 0

    def take(self, request: RequestRecord, rank: Rank) -> None:
        """Look at one more request."""
        self.total += 1
        self._kept.append((rank, request))
        if len(self._kept) >= 2 * self._most:
            self._cut()

    def append(self, others: "First") -> None:
        """Look at those that another one has kept."""
        self.total += others.total
        self._kept += others._kept
        self._cut()

    def sorted(self) -> list[RequestRecord]:
        """Return those that were kept, by rank."""
        self._cut()
        return [request for _, request in self._kept]

    def _cut(self) -> None:
        self._kept = sorted(self._kept, key=_rank_of)[: self._most]


def _rank_of(kept: tuple[Rank, RequestRecord]) -> Rank:
    return kept[0]


def _order_of_first(group: list[RequestRecord]) -> Rank:
    return start_ns(group[0]), group[0].index


class Gaps:
    """The gaps between tokens over the run: one by one while they are few, in slices of time beyond."""

    def __init__(self, extent: Extent) -> None:
        """Begin with none."""
        self._zero_ns = extent.zero_ns
        self._slicer = Slicer(0.0, ns_to_s(extent.measured_end_ns - extent.zero_ns))
        self._points: list[Point] = []
        self.total = 0

    def take(self, request: RequestRecord, gaps_ms: Sequence[float]) -> None:
        """Add the gaps of one request, each at the moment at which it ended."""
        if not gaps_ms:
            return
        base_ns, arrivals_ns = start_ns(request) - self._zero_ns, request.token_arrivals_ns
        self.total += len(gaps_ms)
        first_s, last_s = ns_to_s(base_ns + arrivals_ns[1]), ns_to_s(base_ns + arrivals_ns[-1])
        if self.total > MOST_DOTS and self._slicer.extend_one(first_s, last_s, gaps_ms):
            return
        ends_ns = [base_ns + arrival_ns for arrival_ns in arrivals_ns[1:]]
        self._slicer.extend(each_ns_to_s(ends_ns), gaps_ms)
        if self.total <= MOST_DOTS:
            self._points += zip(map(rounded_s, ends_ns), gaps_ms, strict=True)

    def append(self, later: "Gaps") -> None:
        """Add those of other requests."""
        self._slicer.append(later._slicer)
        self.total += later.total
        self._points = [] if self.total > MOST_DOTS else self._points + later._points

    def points(self) -> list[Point] | None:
        """Return every gap (ms) in order of time; `None` where there are too many to draw."""
        return sorted(self._points) if self.total <= MOST_DOTS else None

    def slices(self) -> list[Slice]:
        """Return the gaps (ms) by slices of time."""
        return self._slicer.slices()
