"""Which load comes next: those of a list, or what a search chooses from what has been measured so far."""

from collections.abc import Callable, Sequence
from typing import Protocol

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency, at_rate, of_replay
from profiler.results.summary import Conclusion, PointSummary
from profiler.search.saturate import SaturateSearch, knee
from profiler.search.slo import SloLimitSearch
from profiler.search.tune import TuneSearch
from profiler.search.variants import variants_of
from profiler.workloads.schema import ClosedLoop, Load, OpenLoop, Replay, Saturate, SloSearch, Workload


class Search(Protocol):
    """Decides which load comes next."""

    def next_point(self, measured: Sequence[PointSummary]) -> Point | None:
        """Return the next load, given what was measured, in the order of measuring; `None` at the end."""
        ...

    def conclude(self, measured: Sequence[PointSummary]) -> Conclusion | None:
        """Say what the loads amount to; `None` where there is but one load, or none has an answer."""
        ...


class Sweep:
    """Given loads, one after the other; they amount to the knee of their throughput."""

    def __init__(self, points: Sequence[Point]) -> None:
        """Take the loads in the order of measuring."""
        self._points = points

    def next_point(self, measured: Sequence[PointSummary]) -> Point | None:
        """Return the first load that has not been measured."""
        return self._points[len(measured)] if len(measured) < len(self._points) else None

    def conclude(self, measured: Sequence[PointSummary]) -> Conclusion | None:
        """Name the knee."""
        return knee(measured) if len(self._points) > 1 else None


class _AtEachVariant:
    """The search of a load at one variant after the other; it amounts to no single load."""

    def __init__(self, workload: Workload) -> None:
        """Take variants and load from the workload."""
        self._searches = [(variant, _search_for(workload.load, workload.repeats)) for variant in variants_of(workload)]

    def next_point(self, measured: Sequence[PointSummary]) -> Point | None:
        """Return the next load of the first variant that has one left."""
        for variant, search in self._searches:
            found = search.next_point([one for one in measured if variant.is_of(one.point)])
            if found is not None:
                return variant.at(found)
        return None

    def conclude(self, measured: Sequence[PointSummary]) -> Conclusion | None:
        """Return what the loads of the only variant amount to; `None` where there are several."""
        return self._searches[0][1].conclude(measured) if len(self._searches) == 1 else None


def search_for(workload: Workload, has_time: Callable[[], bool] = lambda: True) -> Search:
    """Return the search that a workload asks for; one within a time asks `has_time` before it goes on."""
    if workload.tune is not None:
        return TuneSearch(workload.tune, variants_of(workload), _points(workload.load)[0], has_time)
    return _AtEachVariant(workload)


def _search_for(load: Load, repeats: int) -> Search:
    if isinstance(load, Saturate):
        return SaturateSearch(load)
    if isinstance(load, SloSearch):
        return SloLimitSearch(load, repeats)
    return Sweep(_points(load))


def load_count(workload: Workload) -> int | None:
    """Return how many loads a run of this workload measures; `None` where a search chooses them."""
    if isinstance(workload.load, Saturate | SloSearch) or workload.tune is not None:
        return None
    return len(_points(workload.load)) * len(variants_of(workload))


def first_point(workload: Workload) -> Point:
    """Return the first point that a run of this workload measures."""
    point = search_for(workload).next_point([])
    assert point is not None  # noqa: S101 - every workload has a load
    return point


def is_one_point(workload: Workload) -> bool:
    """Whether a run of this workload measures a single load, known from the start."""
    return load_count(workload) == 1


def most_in_flight(workload: Workload) -> int:
    """Return how many requests the client may ever have in flight at once; 1 where it only follows a schedule."""
    load = workload.load
    if isinstance(load, Saturate):
        return load.max_concurrency
    if isinstance(load, SloSearch):
        return int(load.highest) if load.over == "concurrency" else 1
    return max(point.concurrency or 1 for point in _points(load))


def _points(load: Load) -> list[Point]:
    if isinstance(load, ClosedLoop):
        several = load.concurrency if isinstance(load.concurrency, list) else [load.concurrency]
        return [at_concurrency(concurrency) for concurrency in several]
    if isinstance(load, OpenLoop):
        rates = load.rate_rps if isinstance(load.rate_rps, list) else [load.rate_rps]
        return [at_rate(rate_rps) for rate_rps in rates]
    if isinstance(load, Replay):
        return [of_replay()]
    raise TypeError(f"a {load.shape} chooses its points by itself")
