"""From records to a summary: pure, so that the same files always give the same bytes."""

from collections.abc import Iterable, Sequence

from profiler.energy.account import Account
from profiler.metrics.catalogue import METRICS
from profiler.metrics.collect import Collected
from profiler.metrics.observations import Observations, points_of
from profiler.metrics.registry import Estimate, MetricSpec, NotMeasuredError
from profiler.results.manifest import FORMAT_VERSION, Manifest, Point
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
from profiler.servers.engine_log import EngineTiming
from profiler.stats.quantiles import quantile, sample_floor
from profiler.stats.ranges import Range
from profiler.stats.values import APPROXIMATION, Values
from profiler.timing.audit import Audit

QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}


def summarize(
    manifest: Manifest,
    requests: Iterable[RequestRecord],
    samples: Sequence[Sample],
    engine_timings: Iterable[EngineTiming | None],
    wire: Audit | None = None,
    headline: str | None = None,
    wall: Sequence[EnergyReading] = (),
) -> Summary:
    """Compute every metric of a run; of several points, `headline` (the last one unless given) stands for all."""
    points = summarize_points(manifest, requests, samples, engine_timings, wire, wall)
    return compose(manifest, points, headline)


def summarize_points(
    manifest: Manifest,
    requests: Iterable[RequestRecord],
    samples: Sequence[Sample],
    engine_timings: Iterable[EngineTiming | None],
    wire: Audit | None = None,
    wall: Sequence[EnergyReading] = (),
) -> list[PointSummary]:
    """Compute every metric of each point, in the order of measuring; a plain run has one.

    `requests`, in order of finishing, are gone through twice, the timings once, and none of them are held.
    """
    collected = Collected(manifest, requests, samples, engine_timings, wire, wall)
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
        workload=f"{manifest.workload.get('id')}@{manifest.workload.get('version')}",
        requests_ok=chosen.requests_ok,
        requests_failed=chosen.requests_failed,
        outcomes=chosen.outcomes,
        metrics=chosen.metrics,
        energy=chosen.energy,
        verdict=chosen.verdict,
        points=[] if is_plain else list(points),
        headline=None if is_plain else name,
        conclusion=conclusion,
        warnings=manifest.warnings,
    )


def _point(point: Point, collected: Collected) -> PointSummary:
    seen, repeats = collected.point(point), collected.repeats(point)
    return PointSummary(
        point=point,
        requests_ok=seen.totals.finished,
        requests_failed=seen.totals.requests - seen.totals.finished,
        outcomes={str(outcome): count for outcome, count in sorted(seen.totals.outcomes.items())},
        metrics={name: _measure(spec, seen, repeats) for name, spec in METRICS.items()},
        energy=[_energy_account(account) for account in seen.accounts],
    )


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
    )


def _measure(spec: MetricSpec, seen: Observations, repeats: Sequence[Observations]) -> Metric:
    if spec.kind == "per-run":
        return _scalar(spec, seen, repeats)
    if not len(seen.values[spec.id]):
        reason = "no finished request has a value for it" if seen.totals.finished else "no request finished"
        return NotMeasured(unit=spec.unit, reason=reason)
    means = [values.mean for part in repeats if len(values := part.values[spec.id])]
    return _distribution(spec.unit, seen.values[spec.id], means)


def _scalar(spec: MetricSpec, seen: Observations, repeats: Sequence[Observations]) -> Scalar:
    try:
        value = spec.compute(seen)
    except NotMeasuredError as reason:
        return Scalar(unit=spec.unit, value=None, reason=str(reason))
    per_repeat = []
    for part in repeats:
        try:
            per_repeat.append(spec.compute(part))
        except NotMeasuredError:
            continue
    return _as_scalar(spec.unit, value, per_repeat)


def _as_scalar(unit: str, value: float | Estimate, per_repeat: Sequence[float | Estimate]) -> Scalar:
    """An interval has no single value, and none per repeat."""
    if not isinstance(value, Estimate):
        return Scalar(unit=unit, value=value, per_repeat=[v for v in per_repeat if not isinstance(v, Estimate)])
    if value.range.is_exact:
        exact = [v.range.low for v in per_repeat if isinstance(v, Estimate) and v.range.is_exact]
        return Scalar(unit=unit, value=value.range.low, per_repeat=exact, note=value.note)
    return Scalar(
        unit=unit,
        value=None,
        reason="an interval, not a number",
        low=value.range.low,
        high=value.range.high,
        note=value.note,
    )


def _distribution(unit: str, values: Values, per_repeat_mean: list[float]) -> Distribution:
    ordered = values.ordered()
    n = len(ordered)
    return Distribution(
        unit=unit,
        n=n,
        mean=ordered.total / n,
        min=ordered[0],
        max=ordered[-1],
        quantiles={name: quantile(ordered, q) for name, q in QUANTILES.items()},
        indicative=[name for name, q in QUANTILES.items() if n < sample_floor(q)],
        mean_half_width=values.half_width(),
        per_repeat_mean=per_repeat_mean,
        approximation=None if values.is_exact else APPROXIMATION,
    )
