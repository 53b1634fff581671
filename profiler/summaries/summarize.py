"""From records to a summary: pure, so that the same files always give the same bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from profiler.aggregation.observations import NO_OUTPUT, Observations
from profiler.aggregation.scores import Scores
from profiler.aggregation.windows import FEWEST_REQUESTS, FEWEST_ROUNDS
from profiler.energy.account import Account
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import (
    NO_VALUE,
    Measurement,
    MetricSpec,
    NotMeasuredError,
    PerAnswer,
    PerCorrectAnswer,
    PerRequest,
    PerRun,
)
from profiler.results.manifest import FORMAT_VERSION, Manifest, Point
from profiler.results.points import points_of
from profiler.results.records import EnergyReading, RequestRecord, Sample
from profiler.results.summary import (
    Conclusion,
    Distribution,
    EnergyAccount,
    Metric,
    NotMeasured,
    PointSummary,
    Scalar,
    Summary,
)
from profiler.servers.timings import EngineTiming
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import SEVERAL_REPEATS, parts_half_width, repeats_half_width
from profiler.stats.proportions import proportion_interval
from profiler.stats.quantiles import QUANTILES, SLOW_TAIL, quantile, sample_floor
from profiler.stats.ranges import Range
from profiler.stats.values import APPROXIMATION, Ordered, Values
from profiler.summaries.capacity import capacity_sentence
from profiler.summaries.collect import Collected
from profiler.summaries.languages import languages_of
from profiler.summaries.scored import CORRECT, of_answers, per_correct
from profiler.wire_audit.audit import Audit

_COUNTED_IN_WINDOWS = {"throughput", "energy", "cost"}  # groups whose metrics are of steady windows, and of any part
_DIVIDE_BY_RATES = {
    "cost"
}  # not energy: joules for a token times tokens per second are the watts that stand beside them
NO_BURST = "no burst: one slot, slots that began one by one, or an open loop"
_SHARES = QUANTILES | SLOW_TAIL


def summarize(
    manifest: Manifest,
    requests: Iterable[RequestRecord],
    samples: Sequence[Sample],
    engine_timings: Iterable[EngineTiming | None],
    wire: Audit | None = None,
    headline: str | None = None,
    wall: Sequence[EnergyReading] = (),
    scores: Scores | None = None,
) -> Summary:
    """Compute every metric of a run; of several points, `headline` (the last one unless given) stands for all."""
    points = summarize_points(manifest, requests, samples, engine_timings, wire, wall, scores)
    return compose(manifest, points, headline)


def summarize_points(
    manifest: Manifest,
    requests: Iterable[RequestRecord],
    samples: Sequence[Sample],
    engine_timings: Iterable[EngineTiming | None],
    wire: Audit | None = None,
    wall: Sequence[EnergyReading] = (),
    scores: Scores | None = None,
) -> list[PointSummary]:
    """Compute every metric of each point, in the order of measuring; a plain run has one.

    `requests`, in order of finishing, are gone through twice, the timings once, and none of them are held.
    """
    collected = Collected(manifest, requests, samples, engine_timings, wire, wall, scores)
    return [_point(point, collected) for point in points_of(manifest)]


def last_finished(points: Sequence[PointSummary]) -> str:
    """Return the name of the last point with a finished request, or else of the last one."""
    return next((done.point.name for done in reversed(points) if done.requests_ok), points[-1].point.name)


def compose(
    manifest: Manifest,
    points: Sequence[PointSummary],
    headline: str | None = None,
    conclusion: Conclusion | None = None,
) -> Summary:
    """Put the points of a run (one or more) together; the one named `headline` stands for the whole.

    It is the last one with a finished request unless given. A plain run lists no points.
    """
    name = headline or last_finished(points)
    chosen = next(done for done in points if done.point.name == name)
    is_plain = len(points) == 1
    return Summary(
        format_version=FORMAT_VERSION,
        run_id=manifest.run_id,
        status=manifest.status,
        status_reason=manifest.status_reason,
        workload=manifest.workload.name,
        requests_ok=chosen.requests_ok,
        requests_failed=chosen.requests_failed,
        outcomes=chosen.outcomes,
        failures=chosen.failures,
        metrics=chosen.metrics,
        energy=chosen.energy,
        languages=chosen.languages,
        verdict=chosen.verdict,
        points=[] if is_plain else list(points),
        headline=None if is_plain else name,
        conclusion=conclusion,
        capacity=capacity_sentence(manifest.workload, points, chosen),
        warnings=manifest.warnings,
    )


def _point(point: Point, collected: Collected) -> PointSummary:
    seen, repeats, slices = collected.point(point), collected.repeats(point), collected.slices(point)
    divided_by = replace(seen, is_divisor=True), _as_divisors(repeats), _as_divisors(slices)
    return PointSummary(
        point=point,
        requests_ok=seen.totals.finished,
        requests_failed=seen.totals.requests - seen.totals.finished,
        outcomes={str(outcome): count for outcome, count in sorted(seen.totals.outcomes.items())},
        failures=seen.totals.failures.commonest(),
        metrics={
            name: _measure(spec, *(divided_by if spec.group in _DIVIDE_BY_RATES else (seen, repeats, slices)))
            for name, spec in METRICS.items()
        },
        energy=[_energy_account(account) for account in seen.accounts],
        languages=languages_of(replace(seen, is_divisor=True)),
    )


def _as_divisors(parts: Sequence[Observations]) -> list[Observations]:
    return [replace(part, is_divisor=True) for part in parts]


def _energy_account(account: Account) -> EnergyAccount:
    def ends(found: Range | None) -> tuple[float, float] | None:
        return None if found is None else (found.low, found.high)

    return EnergyAccount(
        meter_class=account.meter_class,
        scope=account.scope,
        gross_j=ends(account.gross_j),
        idle_j=ends(account.idle_j),
        net_j=ends(account.net_j),
        coverage_ratio=account.coverage_ratio,
        provenance=account.provenance,
        parts={name: (part.low, part.high) for name, part in account.parts.items()},
        notes=list(account.notes),
        too_short_for_claims=account.too_short_for_claims,
    )


def _measure(
    spec: MetricSpec, seen: Observations, repeats: Sequence[Observations], slices: Sequence[Observations]
) -> Metric:
    if isinstance(spec, PerAnswer):
        return of_answers(spec, seen, repeats)
    if isinstance(spec, PerCorrectAnswer):
        return per_correct(_of_run(spec, seen, repeats, slices), of_answers(CORRECT, seen, repeats))
    if isinstance(spec, PerRun):
        return _of_run(spec, seen, repeats, slices)
    values = seen.values[spec.id]
    if not len(values):
        return NotMeasured(unit=spec.unit, reason=_why_without_values(spec, seen))
    return _distribution(spec, values, [part.values[spec.id] for part in repeats])


def _of_run(
    spec: PerRun, seen: Observations, repeats: Sequence[Observations], slices: Sequence[Observations]
) -> Scalar:
    return _with_interval(_scalar(spec, seen, repeats), spec, seen, repeats if len(repeats) > 1 else slices)


def _why_without_values(spec: MetricSpec, seen: Observations) -> str:
    if isinstance(spec, PerRequest) and spec.of_burst:
        return NO_BURST
    if not seen.totals.finished:
        return "no request finished"
    if seen.is_embedding:
        return NO_OUTPUT
    return spec.absent if isinstance(spec, PerRequest) else NO_VALUE


def _scalar(spec: PerRun, seen: Observations, repeats: Sequence[Observations]) -> Scalar:
    try:
        value = spec.compute(seen)
    except NotMeasuredError as reason:
        return Scalar(unit=spec.unit, value=None, reason=str(reason))
    return _as_scalar(spec.unit, value, _values(spec, repeats))


def _values(spec: PerRun, parts: Sequence[Observations]) -> list[float | Measurement]:
    """Return the value in each part of a run that has one."""
    found = []
    for part in parts:
        try:
            found.append(spec.compute(part))
        except NotMeasuredError:
            continue
    return found


def _with_interval(scalar: Scalar, spec: PerRun, seen: Observations, parts: Sequence[Observations]) -> Scalar:
    """Add the interval of a single value: over repeats or, for what is counted in a window, over slices of it."""
    if scalar.value is None:
        return scalar
    if spec.share_of is not None:
        apart = repeats_half_width(scalar.per_repeat) or 0.0
        return scalar.model_copy(update={"interval": _of_share(scalar.value, spec.share_of(seen.totals), apart)})
    if spec.group in _COUNTED_IN_WINDOWS and seen.windows:
        return scalar.model_copy(update=_of_window(scalar, spec, seen, parts))
    half_width = repeats_half_width(scalar.per_repeat)
    return scalar.model_copy(update=_interval(scalar, half_width, len(parts) - 1))


def _of_window(scalar: Scalar, spec: PerRun, seen: Observations, parts: Sequence[Observations]) -> dict[str, object]:
    """Return the interval of what is counted in steady windows, or why it has none."""
    if reason := _too_few(seen):
        return {"no_interval": reason, "interval": _wider(None, scalar)}
    value = scalar.value or 0.0
    found = _numbers(_values(spec, [part.offered_as(seen) for part in parts]))
    if len(found) < 2 or (len(scalar.per_repeat) < 2 and len(found) < len(parts)):
        return _interval(scalar, None, 0)
    if len(scalar.per_repeat) < 2:
        half_width = parts_half_width(value, found, _weights(spec, parts))
    else:
        half_width = repeats_half_width(found) or 0.0
    return _interval(scalar, half_width, len(found) - 1)


def _weights(spec: PerRun, parts: Sequence[Observations]) -> list[float]:
    """Return what the number of each part is divided by: its time, or its requests where it is for so much work."""
    is_for_work = spec.group in {"energy", "cost"} and spec.better != "higher" and spec.unit != "W"
    return [part.totals.sent if is_for_work else part.window_ns for part in parts]


def _interval(scalar: Scalar, half_width: float | None, freedom: int) -> dict[str, object]:
    if half_width is None:
        return {"interval": _wider(None, scalar)}
    found = Estimate.around(scalar.value or 0.0, half_width, freedom)
    return {"interval": _wider((found.low, found.high), scalar), "interval_freedom": freedom}


def _wider(interval: tuple[float, float] | None, scalar: Scalar) -> tuple[float, float] | None:
    """Return the interval that also holds what the number may be by its meter; `None` where there is neither."""
    if scalar.low is None or scalar.high is None:
        return interval
    low, high = interval or (scalar.low, scalar.high)
    return min(low, scalar.low), max(high, scalar.high)


def _too_few(seen: Observations) -> str | None:
    """Say why there are too few requests for an interval; None where there are enough."""
    rounds = f"{seen.rounds:.2g} requests for each one in flight"
    if seen.rounds < FEWEST_ROUNDS:
        return f"{rounds} are too few for an interval, {FEWEST_ROUNDS} are needed: raise --requests"
    if seen.totals.sent < FEWEST_REQUESTS:
        return (
            f"{seen.totals.sent} requests are too few for an interval, {FEWEST_REQUESTS} are needed: raise --requests"
        )
    return None


def _of_share(share: float, requests: int, half_width: float) -> tuple[float, float]:
    """Return the interval of a share of requests: the wider one, over repeats or of as many independent requests.

    Repeats in which every request was good, or none, agree to the last digit and know less than they seem to.
    """
    low, high = proportion_interval(round(share * requests), requests)
    return max(0.0, min(low, share - half_width)), min(1.0, max(high, share + half_width))


def _as_scalar(unit: str, value: float | Measurement, per_repeat: Sequence[float | Measurement]) -> Scalar:
    """An interval has no single value, and none per repeat."""
    numbers = _numbers(per_repeat)
    if not isinstance(value, Measurement):
        return Scalar(unit=unit, value=value, per_repeat=numbers)
    known, unit = value.range, value.unit or unit
    ends = {} if known.is_exact else {"low": known.low, "high": known.high}
    if known.value is None:
        return Scalar(unit=unit, value=None, reason="an interval, not a number", note=value.note, **ends)
    return Scalar(unit=unit, value=known.value, per_repeat=numbers, note=value.note, **ends)


def _numbers(values: Sequence[float | Measurement]) -> list[float]:
    """Return those that are numbers, not intervals alone."""
    found = (each.range.value if isinstance(each, Measurement) else each for each in values)
    return [each for each in found if each is not None]


def quantiles_of(spec: MetricSpec) -> dict[str, float]:
    """Return which quantiles a metric has, by name."""
    return QUANTILES | SLOW_TAIL if spec.better == "higher" else QUANTILES


def needed_for(q: float) -> int:
    """Return the fewest values from which a quantile can be claimed, whichever end it is near."""
    return sample_floor(max(q, 1 - q))


def _distribution(spec: MetricSpec, values: Values, repeats: Sequence[Values]) -> Distribution:
    parts = [part.ordered() for part in repeats if len(part)]
    ordered = parts[0] if repeats and repeats[0] is values else values.ordered(parts)
    wanted = quantiles_of(spec)
    n = len(ordered)
    quantiles = {name: quantile(ordered, q) for name, q in wanted.items()}
    return Distribution(
        unit=spec.unit,
        n=n,
        mean=ordered.total / n,
        min=ordered[0],
        max=ordered[-1],
        quantiles=quantiles,
        indicative=[name for name, q in wanted.items() if n < needed_for(q)],
        mean_half_width=values.half_width(),
        per_repeat_mean=[part.mean for part in repeats if len(part)],
        quantile_intervals=_quantile_intervals(quantiles, values, ordered, parts),
        approximation=None if values.is_exact else APPROXIMATION,
    )


def _quantile_intervals(
    quantiles: dict[str, float], values: Values, ordered: Ordered, repeats: Sequence[Ordered]
) -> dict[str, tuple[float, float]]:
    """Return the interval of each quantile that has one: over repeats, or over the values of a single one.

    Over repeats only from as many values on as a claim needs: simulated, Student's interval of the p95 of 3 × 22 values
    covers 88 to 93 %, that of the p99 of 3 × 80 no more than 82 to 92 %, for a quantile beyond the values is cut off.
    """
    if len(repeats) < SEVERAL_REPEATS:
        found = {name: values.quantile_interval(_SHARES[name], value, ordered) for name, value in quantiles.items()}
        return {name: interval for name, interval in found.items() if interval is not None}
    over = {
        name: Estimate.of_repeats(value, [quantile(part, _SHARES[name]) for part in repeats])
        for name, value in quantiles.items()
        if len(values) >= needed_for(_SHARES[name])
    }
    return {name: (interval.low, interval.high) for name, interval in over.items()}
