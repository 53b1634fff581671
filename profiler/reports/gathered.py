"""All that a page draws of a run's requests, gathered in two passes with memory that does not grow with them."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from profiler.aggregation.observations import cut_to_point, measured_phases
from profiler.aggregation.reads import Reads
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
from profiler.results.records import Outcome, RequestRecord, Sample, Timed
from profiler.shared_work import in_order
from profiler.stats.pieces import Pieces
from profiler.stats.values import Values
from profiler.units import NS_PER_S, ns_to_s

_MOST_FAILURES = 10
Rank = tuple[int, int]  # in which order requests are drawn: when it was sent, and its index
_PER_REQUEST = [spec for name in LATENCIES if isinstance(spec := METRICS[name], PerRequest)]


class Extent:
    """From when to when a run's requests lasted, and how many were measured: the first pass."""

    def __init__(self, manifest: Manifest, parts: Sequence[Iterable[RequestRecord]], samples: Sequence[Sample]) -> None:
        """Look at every request; `manifest` is cut to the point that is drawn."""
        self.counts = Counter({phase.name: 0 for phase in measured_phases(manifest)})
        self.measured_end_ns = 0
        self.last_ns = max((sample.t_ns for sample in samples), default=0)
        lowest: dict[str, list[Rank]] = {name: [] for name in self.counts}
        for spans in in_order(_spans_of_phases, parts):
            self.last_ns = max([self.last_ns, *(span.last_ns for span in spans.values())])
            for phase in spans.keys() & self.counts.keys():
                self.counts[phase] += spans[phase].requests
                self.measured_end_ns = max(self.measured_end_ns, spans[phase].last_ns)
                lowest[phase] = sorted(lowest[phase] + spans[phase].lowest)[:MOST_ROWS]
        firsts_ns = [ranks[0][0] for ranks in lowest.values() if ranks]
        self.zero_ns = min(firsts_ns) if firsts_ns else _earliest_ns(manifest, samples)
        rows_each = max(1, MOST_ROWS // max(1, len(firsts_ns)))
        self.last_rows = {phase: ranks[:rows_each][-1] for phase, ranks in lowest.items() if ranks}


def _rank(request: Timed) -> Rank:
    return start_ns(request), request.index


class _SpanOfPhase(NamedTuple):
    """The requests of one phase: how many, the ranks of the first ones, when the last was over."""

    requests: int
    lowest: list[Rank]
    last_ns: int


def _spans_of_phases(requests: Iterable[RequestRecord]) -> dict[str, _SpanOfPhase]:
    found: dict[str, tuple[list[Rank], list[int]]] = {}
    for request in times_of(requests):
        ranks, ends_ns = found.setdefault(request.phase, ([], []))
        ranks.append(_rank(request))
        ends_ns.append(request.finished_ns)
    return {
        phase: _SpanOfPhase(len(ranks), sorted(ranks)[:MOST_ROWS], max(ends_ns))
        for phase, (ranks, ends_ns) in found.items()
    }


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


def _gather_part(extent: Extent, requests: Iterable[RequestRecord]) -> "_Part":
    part = _Part(extent)
    for request in requests:
        part.take(request)
    part.finish()
    return part


class _Part:
    """What is gathered of a part of the requests."""

    def __init__(self, extent: Extent) -> None:
        self.latencies_ms: dict[str, array[float] | Pieces] = {name: array("d") for name in LATENCIES}
        self.gaps = Gaps(extent)
        self.failures = First(_MOST_FAILURES)
        self.drawn: list[RequestRecord] = []
        self._last_rows = extent.last_rows
        self._reads, self._sent_ns = Reads(), array("q")

    def take(self, request: RequestRecord) -> None:
        """Add one request."""
        if request.outcome is not Outcome.OK:
            self.failures.take(request)
        last_row = self._last_rows.get(request.phase)
        if last_row is None:
            return
        if _rank(request) <= last_row:
            self.drawn.append(request)
        if request.outcome is Outcome.OK:
            self._take_latencies(request)

    def finish(self) -> None:
        """Look at all reads together, once every request is in."""
        gaps_ms = itl_ms(self._reads)
        self.latencies_ms["itl_ms"] = gaps_ms
        self.gaps.take(self._sent_ns, self._reads.arrivals_ns, gaps_ms)
        self._reads, self._sent_ns = Reads(), array("q")

    def _take_latencies(self, request: RequestRecord) -> None:
        self._reads.take(request)
        self._sent_ns.append(start_ns(request))
        for spec in _PER_REQUEST:
            self.latencies_ms[spec.id].extend(spec.values(request))


class Gathered:
    """What the figures and the list of failures show; of several points, that of the headline."""

    def __init__(self, extent: Extent) -> None:
        """Begin with no request."""
        self.extent = extent
        self.latencies_ms = {name: Values(has_interval=False) for name in LATENCIES}
        self.gaps = Gaps(extent)
        self.failures = First(_MOST_FAILURES)
        self._drawn: list[RequestRecord] = []

    def append(self, later: _Part) -> None:
        """Add what was gathered of the next requests of the run."""
        for name, values in later.latencies_ms.items():
            self.latencies_ms[name].append(values)
        self.gaps.append(later.gaps)
        self.failures.append(later.failures)
        self._drawn += later.drawn

    def timeline(self) -> Timeline:
        """The first requests of each repeat, as many as can be told apart on a page."""
        by_phase: dict[str, list[RequestRecord]] = {}
        for request in sorted(self._drawn, key=_rank):
            by_phase.setdefault(request.phase, []).append(request)
        groups = list(by_phase.values())[:MOST_ROWS]
        rows = [row(request, start_ns(group[0])) for group in groups for request in group]
        ticks = sum(len(drawn.token_s) for drawn in rows)
        return Timeline(tuple(rows), self.extent.counts.total(), ticks <= MOST_TICKS)


class First:
    """Keeps the requests of the lowest indexes and counts them all."""

    def __init__(self, most: int) -> None:
        """Begin with none, to keep at most `most`."""
        self._most = most
        self._kept: list[RequestRecord] = []
        self.total = 0

    def take(self, request: RequestRecord) -> None:
        """Look at one more request."""
        self.total += 1
        self._kept.append(request)
        if len(self._kept) >= 2 * self._most:
            self._cut()

    def append(self, others: "First") -> None:
        """Look at those that another one has kept."""
        self.total += others.total
        self._kept += others._kept
        self._cut()

    def sorted(self) -> list[RequestRecord]:
        """Return those that were kept, by index."""
        self._cut()
        return list(self._kept)

    def _cut(self) -> None:
        self._kept = sorted(self._kept, key=_index)[: self._most]


def _index(request: RequestRecord) -> int:
    return request.index


class Gaps:
    """The gaps between tokens over the run: one by one while they are few, in slices of time beyond."""

    def __init__(self, extent: Extent) -> None:
        """Begin with none."""
        self._zero_ns = extent.zero_ns
        self._slicer = Slicer(0.0, ns_to_s(extent.measured_end_ns - extent.zero_ns))
        self._points: list[Point] = []
        self.total = 0

    def take(self, sent_ns: Sequence[int], arrivals_ns: Pieces, gaps_ms: Pieces) -> None:
        """Add the gaps of requests sent then, each gap at the moment at which it ended."""
        ends_ns = arrivals_ns.after_first([begun_ns - self._zero_ns for begun_ns in sent_ns])
        self._slicer.extend(ends_ns.over(NS_PER_S), gaps_ms)
        self.total += len(gaps_ms.values)
        if self.total <= MOST_DOTS:
            self._points += zip(map(rounded_s, ends_ns.values), gaps_ms.values, strict=True)

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
