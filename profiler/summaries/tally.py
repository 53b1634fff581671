"""What the requests of each measured phase add up to: part by part, so that several processes can share the work.

Whoever goes through a part of the requests notes what matters of them (`NotedTally`), and the whole takes the parts in
order (`append`). What depends on the order of requests, sums of fractions above all, is only noted in a part and added
up in the whole, so that the outcome is the same to the last digit however requests are parted.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from profiler.aggregation.languages import LanguageTotals
from profiler.aggregation.pauses import NotedPauses, Pauses
from profiler.aggregation.reads import Reads
from profiler.aggregation.request import streaming_ns
from profiler.aggregation.totals import EngineTotals, Totals
from profiler.aggregation.windows import NOWHEN, Burst, Window
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import NotMeasuredError, PerRequest, Pooled
from profiler.results.records import Outcome, RequestRecord, ServerTimings
from profiler.stats.pieces import Pieces
from profiler.stats.values import Values
from profiler.workloads.schema import Slo

_PER_REQUEST = [spec for spec in METRICS.values() if isinstance(spec, PerRequest) and not spec.of_burst]
_OF_BURST = [spec for spec in METRICS.values() if isinstance(spec, PerRequest) and spec.of_burst]
_POOLED = [spec for spec in METRICS.values() if isinstance(spec, Pooled)]
_VALUED = [spec.id for spec in (*_PER_REQUEST, *_OF_BURST, *_POOLED)]


_Noting = tuple[Callable[[RequestRecord], float], Callable[[float], None]]  # what is computed, and where it is noted


class NotedTally:
    """What the requests of a part of a measured phase are, for a `Tally` to take them in order."""

    def __init__(self) -> None:
        """Begin with no request."""
        self.totals = Totals.noted()
        self.single = {spec.id: array("d") for spec in (*_PER_REQUEST, *_OF_BURST)}  # one value of each request
        self.pooled: dict[str, Pieces] = {}
        self.pauses = NotedPauses()
        self.languages: dict[str, LanguageTotals] = {}
        self._reads = Reads()
        self._each = self._noting(_PER_REQUEST)

    def take(self, request: RequestRecord, slo: Slo, *, is_steady: bool) -> None:
        """Note one request."""
        self.totals.count(request)
        if is_steady:
            self.totals.take(request, slo)
        if request.outcome is Outcome.OK:
            self.pauses.take(request, is_steady)
            if is_steady:
                self._reads.take(request)
                _note(self._each, request)
                self._take_language(request)

    def take_first(self, request: RequestRecord) -> None:
        """Note one request that the load began with."""
        _note(self._noting(_OF_BURST), request)

    def finish(self) -> None:
        """Look at all reads together, once every request is in."""
        self.pooled = {spec.id: spec.compute(self._reads) for spec in _POOLED}
        self.pauses.find_long(self._reads)
        del self._reads, self._each

    def _take_language(self, request: RequestRecord) -> None:
        if request.language is not None:
            self.languages.setdefault(request.language, LanguageTotals.noted()).take(request)

    def _noting(self, specs: Sequence[PerRequest]) -> Sequence[_Noting]:
        return [(spec.compute, self.single[spec.id].append) for spec in specs]


def _note(each: Sequence[_Noting], request: RequestRecord) -> None:
    for compute, note in each:
        try:
            note(compute(request))
        except NotMeasuredError:
            continue


class Tally:
    """What the requests of one measured phase add up to."""

    def __init__(self, exact: int) -> None:
        """Begin with no request; `exact` is how many values of a metric are kept one by one."""
        self.totals = Totals()
        self.engine = EngineTotals()
        self.values: Mapping[str, Values] = {name: Values(exact) for name in _VALUED}
        self.pauses = Pauses(exact)
        self.languages: dict[str, LanguageTotals] = {}

    def append(self, later: NotedTally) -> None:
        """Add all requests of a part, which came later."""
        noted: dict[str, array[float] | Pieces] = {**later.single, **later.pooled}
        for name, values in noted.items():
            self.values[name].append(values)
        self._append_sums(later)

    def append_sums(self, later: "Tally") -> None:
        """Add all but the values of metrics of another phase, which came later."""
        self.engine.add(later.engine)
        self._append_sums(later)

    def _append_sums(self, later: "Tally | NotedTally") -> None:
        self.totals.add(later.totals)
        self.pauses.append(later.pauses)
        for language, totals in later.languages.items():
            self.languages.setdefault(language, LanguageTotals()).add(totals)


class Together(Mapping[str, Values]):
    """The values of several phases together, put together for one metric at a time since each may have a million."""

    def __init__(self, tallies: Sequence[Tally], exact: int) -> None:
        """Take phases in the order of time; `exact` is how many values of a metric are kept one by one."""
        self._tallies, self._exact = tallies, exact

    def __getitem__(self, name: str) -> Values:
        """Return the values of a metric."""
        whole = Values(self._exact)
        for tally in self._tallies:
            whole.append(tally.values[name])
        return whole

    def __iter__(self) -> Iterator[str]:
        """Yield the names of all metrics that have values."""
        return iter(_VALUED)

    def __len__(self) -> int:
        """Return how many metrics have values."""
        return len(_VALUED)


class Slices:
    """The steady window of a repeat in parts of equally many requests, as if each were a small repeat."""

    def __init__(self, window: Window) -> None:
        """Cut a window."""
        self.windows = window.slices
        self.totals = [Totals() for _ in self.windows]

    @classmethod
    def of_part(cls, window: Window) -> "Slices":
        """Return some that take the requests of a part, for the whole to `append`."""
        noted = cls(window)
        noted.totals = [Totals.noted() for _ in noted.windows]
        return noted

    def take(self, request: RequestRecord, slo: Slo) -> None:
        """Add a request of a part to the slice that it was sent in."""
        number = bisect_right(self.windows, request.begun_ns, key=_start_ns) - 1
        if number >= 0 and self.windows[number].holds(request.begun_ns):
            self.totals[number].count(request)
            self.totals[number].take(request, slo)

    def append(self, later: "Slices") -> None:
        """Add all requests of a part, which came later."""
        for ours, theirs in zip(self.totals, later.totals, strict=True):
            ours.add(theirs)


def _start_ns(window: Window) -> int:
    return window.start_ns


class Told:
    """What the engine's own timings of requests are compared with, in order of finishing."""

    def __init__(self) -> None:
        """Begin with no request."""
        self.phases: list[str | None] = []  # the tally that it belongs to; None where the request does not count
        self.streamed_ns: list[int | None] = []  # from the first token to the last; None of one that failed
        self.timings: list[ServerTimings | None] = []  # where the answer told them

    def take(self, phase: str | None, streamed_ns: int | None, timings: ServerTimings | None) -> None:
        """Add one request."""
        self.phases.append(phase)
        self.streamed_ns.append(streamed_ns)
        self.timings.append(timings)


class Sorter:
    """Knows to which tally a request belongs: by its phase, and by whether it was sent in the steady window."""

    def __init__(
        self, windows: Mapping[str, Window], sliced: Mapping[str, Window], bursts: Mapping[str, Burst], slo: Slo
    ) -> None:
        """Name the window of each measured phase, those windows that are sliced, and the bursts by phase."""
        self._windows, self._sliced, self._bursts, self._slo = windows, sliced, bursts, slo

    def part(self, requests: Iterable[RequestRecord]) -> "SortedPart":
        """Go through a part of the requests."""
        found = SortedPart({}, {}, Told())
        for request in requests:
            self._take(request, found)
        for tally in found.tallies.values():
            tally.finish()
        return found

    def _take(self, request: RequestRecord, found: "SortedPart") -> None:
        phase, begun_ns, is_ok = request.phase, request.begun_ns, request.outcome is Outcome.OK
        is_steady = self._windows.get(phase, NOWHEN).holds(begun_ns)
        if phase in self._windows:
            found.tally(phase).take(request, self._slo, is_steady=is_steady)
        if phase in self._sliced:
            found.slices_of(phase, self._sliced[phase]).take(request, self._slo)
        burst = self._bursts.get(phase)
        if burst and is_ok and begun_ns <= burst.until_ns:
            found.tally(burst.phase).take_first(request)
        streamed_ns = streaming_ns(request) if is_steady and is_ok else None
        found.told.take(phase if is_steady else None, streamed_ns, request.server_timings)


class SortedPart(NamedTuple):
    """What the requests of a part amount to."""

    tallies: dict[str, NotedTally]  # by phase
    slices: dict[str, Slices]
    told: Told  # of every request

    def tally(self, phase: str) -> NotedTally:
        """Return the tally of a phase; a new one where it has none yet."""
        if phase not in self.tallies:
            self.tallies[phase] = NotedTally()
        return self.tallies[phase]

    def slices_of(self, phase: str, window: Window) -> Slices:
        """Return the slices of a phase; new ones where it has none yet."""
        if phase not in self.slices:
            self.slices[phase] = Slices.of_part(window)
        return self.slices[phase]
