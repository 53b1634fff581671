"""Operating points: every load of every run with its rate, latencies and cost, for the figures of trade-offs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from profiler.metrics.catalogue import placed
from profiler.reports.compare import readings
from profiler.reports.compare.entries import Entry, load
from profiler.reports.compare.readings import Part, Reading
from profiler.results.points import describe_load, load_of
from profiler.stats.estimates import Estimate
from profiler.stats.pareto import Standing, standings

LATENCIES: tuple[tuple[str, str, str], ...] = tuple(
    (spec.id, quantile, f"{spec.short_label} {quantile}")
    for spec in placed(lambda shown: shown.compared and shown.has_percentiles)
    for quantile in spec.shown.statistics
)
"""Metric, quantile, and what the two are called."""


@dataclass(frozen=True)
class Operating:
    """One load of one run."""

    entry: Entry
    load: str
    part: Part

    @cached_property
    def rate(self) -> Reading:
        """Tokens/s."""
        return readings.rate(self.part)

    @cached_property
    def cost(self) -> Reading:
        """Price of a million tokens, in its currency."""
        return readings.cost(self.part)

    def latency(self, metric: str, statistic: str) -> Reading:
        """One of the latencies, ms."""
        return readings.of_metric(self.part, metric, statistic)


def operating(entries: Sequence[Entry]) -> tuple[list[Operating], int]:
    """Return every load, the lowest of each run first, and how many loads were left out because they are INVALID."""
    points, left_out = [], 0
    for entry in entries:
        if not entry.summary.points:
            points.append(Operating(entry, load(entry.manifest), entry.summary))
            continue
        for point in sorted(entry.summary.points, key=lambda point: load_of(point.point)):
            if point.verdict is not None and point.verdict.level == "INVALID" and not entry.is_invalid:
                left_out += 1
            else:
                points.append(Operating(entry, describe_load(point.point), point))
    return points, left_out


@dataclass(frozen=True)
class Priced:
    """An operating point with a cost and a latency, and whether it is on the Pareto front of those."""

    point: Operating
    latency: Estimate
    cost: Estimate
    standing: Standing


def priced(points: Sequence[Operating], currency: str, metric: str, statistic: str) -> list[Priced]:
    """Return the points that have both, in one currency, with their standing among each other."""
    known = [
        (point, _estimate(point.latency(metric, statistic)), _estimate(point.cost))
        for point in points
        if point.cost.kind == currency
    ]
    both = [(point, latency, cost) for point, latency, cost in known if latency is not None and cost is not None]
    found = standings([(latency, cost) for _, latency, cost in both])
    return [Priced(*parts, standing) for parts, standing in zip(both, found, strict=True)]


def currencies(points: Sequence[Operating]) -> list[str]:
    """Return the currencies in which there are costs, in the order of the runs."""
    return list(dict.fromkeys(point.cost.kind for point in points if not point.cost.is_missing))


def _estimate(reading: Reading) -> Estimate | None:
    """An estimate to place a point by; one without an interval stands by its value alone."""
    if reading.found is not None:
        return reading.found
    return None if reading.value is None else Estimate.exact(reading.value)
