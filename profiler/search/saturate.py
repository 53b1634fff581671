"""From one request in flight upwards, until throughput stops growing; and where a curve of throughput bends."""

from collections.abc import Sequence

from profiler.number_format import scale
from profiler.results.manifest import Point
from profiler.results.points import at_concurrency, load_of, unit_of, value_of
from profiler.results.summary import Conclusion, PointSummary, Scalar
from profiler.results.tokens import tokens_of
from profiler.workloads.schema import Saturate

KNEE_SHARE = 0.95  # of the greatest throughput that was seen
_STEP = 2


class SaturateSearch:
    """Doubles the requests in flight; it ends at the first step that gains too little."""

    def __init__(self, load: Saturate) -> None:
        """Take the limits from the workload."""
        self._load = load

    def next_point(self, measured: Sequence[PointSummary]) -> Point | None:
        """Return the next step."""
        if not measured:
            return at_concurrency(1)
        concurrency = measured[-1].point.concurrency or 1
        if concurrency >= self._load.max_concurrency or not self._still_grows(measured):
            return None
        return at_concurrency(min(concurrency * _STEP, self._load.max_concurrency))

    def _still_grows(self, measured: Sequence[PointSummary]) -> bool:
        metric = tokens_of(measured).rate
        *before, last = [value_of(summary, metric) for summary in measured]
        if last is None:
            return False
        known = [value for value in before if value is not None]
        return not known or last >= max(known) * (1 + self._load.min_gain_ratio)

    def conclude(self, measured: Sequence[PointSummary]) -> Conclusion | None:
        """Name the knee."""
        return knee(measured)


def knee(measured: Sequence[PointSummary]) -> Conclusion | None:
    """Return the lowest load whose throughput is within 5 % of the greatest one.

    More load than that only makes requests wait. A load at which requests fail is beyond what the server can do,
    however fast it answers the few that are left. `high` is the next load that was measured: `None` where the knee is
    the last one, so that throughput may still grow beyond it.
    """
    tokens = tokens_of(measured)
    by_load = sorted(measured, key=lambda summary: load_of(summary.point))
    known = [(summary.point, value) for summary in by_load if (value := value_of(summary, tokens.rate)) is not None]
    if not known:
        return None
    failing = [summary.point for summary in by_load if _fails(summary)]
    served = [(point, value) for point, value in known if point not in failing] or known
    greatest = max(value for _, value in served)
    point, value = next((point, value) for point, value in served if value >= KNEE_SHARE * greatest)
    higher = [other for other in [*(each for each, _ in known), *failing] if load_of(other) > load_of(point)]
    beyond = min(higher, key=load_of, default=None)
    unit = unit_of(point)
    metric = next(summary for summary in measured if summary.point == point).metrics[tokens.rate]
    shown = scale(value, "tokens/s", interval=metric.interval if isinstance(metric, Scalar) else None)
    sentence = (
        f"Throughput reaches {shown.number(value)} {tokens.kind} tokens/s, within 5 % of the greatest seen, "
        f"at {load_of(point):g} {unit}"
    )
    if beyond is None:
        sentence += "; no higher load was measured, so it may still grow."
    else:
        sentence += f"; requests fail at {load_of(beyond):g}." if beyond in failing else "."
    return Conclusion(
        kind="knee",
        metric=tokens.rate,
        unit=unit,
        point=point.name,
        low=load_of(point),
        high=load_of(beyond) if beyond else None,
        sentence=sentence,
    )


def _fails(summary: PointSummary) -> bool:
    """Whether more requests failed than the measurement of a load may have."""
    findings = summary.verdict.findings if summary.verdict else []
    return any(found.rule == "errors" and found.level == "INVALID" for found in findings)
