"""The highest load at which a server keeps its promises: bracketed by doubling, narrowed by bisection.

A load qualifies when every repeat does, and fails when none does. Where repeats disagree the limit is near, and the
load stays inside the interval that the search ends in. It takes for granted that more load is never easier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Literal

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency, at_rate, load_of
from profiler.results.summary import Conclusion, PointSummary, Scalar
from profiler.workloads.schema import SloSearch

METRIC = "slo_attainment_ratio"

Judged = Literal["qualifies", "mixed", "fails"]


@dataclass(frozen=True)
class Edges:
    """The measured loads around the limit, `None` where there is none yet."""

    low: float | None  # the highest below which everything qualifies
    above_low: float | None  # the next one, which does not
    below_high: float | None  # the one below `high`, which does not fail
    high: float | None  # the lowest above which everything fails


class SloLimitSearch:
    """Finds the edges of the interval that the limit lies in."""

    def __init__(self, load: SloSearch, repeats: int) -> None:
        """Take target and resolution from the workload."""
        self._load = load
        self._repeats = repeats

    def next_point(self, measured: Sequence[PointSummary]) -> Point | None:
        """Return the load that halves what is not known yet."""
        if len(measured) >= self._load.max_points:
            return None
        wanted = self._next_load(measured)
        return None if wanted is None else self._point(wanted)

    def _next_load(self, measured: Sequence[PointSummary]) -> float | None:
        if not measured:
            return self._rounded(self._load.start)
        edges, loads = self._edges(measured), [load_of(summary.point) for summary in measured]
        if edges.low is None:
            return self._unless_measured(min(loads) / 2, loads)
        if edges.high is None:
            return self._unless_measured(min(max(loads) * 2, self._load.highest), loads)
        return self._between(edges.low, edges.above_low) or self._between(edges.below_high, edges.high)

    def _between(self, low: float | None, high: float | None) -> float | None:
        """Return the geometric middle of two loads, or `None` where they are close enough."""
        if low is None or high is None or high <= low * (1 + self._load.resolution_ratio):
            return None
        middle = self._rounded(sqrt(low * high))
        if self._load.over == "concurrency":
            middle = max(middle, low + 1)  # the middle of 2 and 4 is 3
        return middle if low < middle < high else None

    def _unless_measured(self, load: float, loads: Sequence[float]) -> float | None:
        wanted = self._rounded(load)
        return None if wanted in loads else wanted

    def _rounded(self, load: float) -> float:
        """Return a load that can be put on: whole requests in flight, or a rate of three digits."""
        return float(max(1, floor(load))) if self._load.over == "concurrency" else float(f"{load:.3g}")

    def _point(self, load: float) -> Point:
        return at_concurrency(ceil(load)) if self._load.over == "concurrency" else at_rate(load)

    def conclude(self, measured: Sequence[PointSummary]) -> Conclusion | None:
        """Return the interval that the limit lies in."""
        if not measured:
            return None
        edges = self._edges(measured)
        unit = "requests/s" if self._load.over == "rate" else "in flight"
        return Conclusion(
            kind="slo-limit",
            metric=METRIC,
            unit=unit,
            point=None if edges.low is None else self._point(edges.low).name,
            low=edges.low,
            high=edges.high,
            sentence=_sentence(edges, unit, f"{self._load.attainment_ratio:.4g} of the requests"),
        )

    def _edges(self, measured: Sequence[PointSummary]) -> Edges:
        """Look at every repeat of every load."""
        ratio, repeats = self._load.attainment_ratio, self._repeats
        return edges_of({load_of(summary.point): judged(summary, ratio, repeats) for summary in measured})


def edges_of(by_load: Mapping[float, Judged]) -> Edges:
    """Return where loads stop to qualify, and from where on all fail; more load is never easier."""
    loads = sorted(by_load)
    good = next((i for i, load in enumerate(loads) if by_load[load] != "qualifies"), len(loads))
    bad = next((i for i in range(len(loads), 0, -1) if by_load[loads[i - 1]] != "fails"), 0)
    return Edges(
        low=loads[good - 1] if good else None,
        above_low=loads[good] if good < len(loads) else None,
        below_high=loads[bad - 1] if bad else None,
        high=loads[bad] if bad < len(loads) else None,
    )


def judged(summary: PointSummary, attainment_ratio: float, repeats: int) -> Judged:
    """Look at every repeat; one without a value had no request that could be judged, and failed."""
    metric = summary.metrics.get(METRIC)
    shares = metric.per_repeat if isinstance(metric, Scalar) else []
    kept = sum(share >= attainment_ratio for share in shares)
    if kept == 0:
        return "fails"
    return "qualifies" if kept >= repeats else "mixed"


def _sentence(edges: Edges, unit: str, share: str) -> str:
    if edges.low is None:
        lowest = "no load that was tried" if edges.high is None else f"not even {edges.high:g} {unit}"
        return f"At {lowest}, at least {share} met every SLO in every repeat."
    if edges.high is None:
        return f"At least {share} met every SLO up to {edges.low:g} {unit}, the highest load that was tried."
    return (
        f"At least {share} met every SLO in every repeat up to {edges.low:g} {unit}, and in none from "
        f"{edges.high:g} on: the limit lies in between."
    )
