"""From metrics to a verdict: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from profiler.results.manifest import Status
from profiler.results.summary import (
    Distribution,
    Finding,
    Level,
    Metric,
    NotMeasured,
    PointSummary,
    Scalar,
    Unchecked,
    Verdict,
)
from profiler.units import YES_NO, yes_or_no
from profiler.verdict.rules import RULES, Rule

_ENDED_EARLY = Finding(
    rule="ended-early",
    level="INVALID",
    seen=None,
    limit=None,
    unit="",
    sentence="The run did not come to its end.",
    why="What was measured until then may not stand for the whole.",
    remedy="Repeat the run.",
)


_SHOWN_UNITS = {"ratio": "", "us": " µs"}  # where it is not the unit's own name
_LONG = 1_000  # from here on a number is written out, not in powers of ten


def judge(status: Status, metrics: Mapping[str, Metric]) -> Verdict:
    """Apply every rule to the metrics of a run or of a point of it, and look at how the run ended.

    INVALID if one finding is, with warnings if there is any, VALID otherwise.
    """
    findings = [] if status == "complete" else [_ENDED_EARLY]
    unchecked = []
    for rule in RULES:
        chosen = _chosen(rule, metrics)
        result = _apply(chosen, metrics.get(chosen.metric))
        if isinstance(result, Finding):
            findings.append(result)
        elif isinstance(result, Unchecked):
            unchecked.append(result)
    findings.sort(key=lambda finding: finding.level != "INVALID")
    return Verdict(level=_worst(findings), findings=findings, unchecked=unchecked)


def with_doubtful_loads(verdict: Verdict, points: Sequence[PointSummary]) -> Verdict:
    """Add a warning to the verdict of a sweep or search where some of its loads are INVALID by themselves.

    Its own numbers are those of one load, so they may be sound where others are not: beyond what a server can take,
    no load is steady.
    """
    invalid = [point.point.name for point in points if point.verdict and point.verdict.level == "INVALID"]
    if not invalid:
        return verdict
    warning = Finding(
        rule="doubtful-loads",
        level="VALID with warnings",
        seen=float(len(invalid)),
        limit=0.0,
        unit="loads",
        sentence=f"{len(invalid)} of {len(points)} loads are INVALID by themselves: {', '.join(invalid)}.",
        why="Their numbers are not to be believed, and a conclusion that rests on them is in doubt.",
        remedy="See their findings in summary.json under points.",
    )
    findings = [*verdict.findings, warning]
    return verdict.model_copy(update={"level": _worst(findings), "findings": findings})


def _worst(findings: list[Finding]) -> Level:
    if not findings:
        return "VALID"
    return "INVALID" if any(finding.level == "INVALID" for finding in findings) else "VALID with warnings"


def _chosen(rule: Rule, metrics: Mapping[str, Metric]) -> Rule:
    """Return the rule, about its other metric where only that one has a value."""
    if rule.instead is None or _has_value(metrics.get(rule.metric)) or not _has_value(metrics.get(rule.instead)):
        return rule
    return replace(rule, metric=rule.instead)


def _has_value(metric: Metric | None) -> bool:
    return isinstance(metric, Distribution) or (isinstance(metric, Scalar) and metric.value is not None)


def _apply(rule: Rule, metric: Metric | None) -> Finding | Unchecked | None:
    if metric is None or isinstance(metric, NotMeasured):
        if rule.statistic == "n":
            return _finding(rule, "INVALID", 0.0, rule.invalid, "requests")
        return Unchecked(rule=rule.id, reason=metric.reason if metric else "not part of this summary")
    seen = _seen(rule, metric)
    if seen is None:
        reason = metric.reason or "too few repeats and requests" if isinstance(metric, Scalar) else "too few values"
        return Unchecked(rule=rule.id, reason=reason)
    unit = {"n": "requests", "half-width": "of the mean"}.get(rule.statistic, metric.unit)
    if _is_beyond(rule, seen, rule.invalid):
        return _finding(rule, "INVALID", seen, rule.invalid, unit)
    if _is_beyond(rule, seen, rule.warn):
        return _finding(rule, "VALID with warnings", seen, rule.warn, unit)
    return None


def _seen(rule: Rule, metric: Scalar | Distribution) -> float | None:
    if isinstance(metric, Scalar):
        return _relative_half_width(metric) if rule.statistic == "half-width" else metric.value
    if rule.statistic == "n":
        return float(metric.n)
    if rule.statistic == "half-width":
        return None if metric.mean_half_width is None or not metric.mean else metric.mean_half_width / metric.mean
    return metric.quantiles[rule.statistic]


def _relative_half_width(metric: Scalar) -> float | None:
    if metric.interval is None or not metric.value:
        return None
    low, high = metric.interval
    return max(high - metric.value, metric.value - low) / abs(metric.value)


def _is_beyond(rule: Rule, seen: float, limit: float | None) -> bool:
    if limit is None:
        return False
    return seen < limit if rule.is_floor else seen > limit


def _finding(rule: Rule, level: Level, seen: float, limit: float | None, unit: str) -> Finding:
    return Finding(
        rule=rule.id,
        level=level,
        seen=seen,
        limit=limit,
        unit=unit,
        sentence=_sentence(rule, seen, limit or 0.0, unit),
        why=rule.why,
        remedy=rule.remedy,
    )


def _sentence(rule: Rule, seen: float, limit: float, unit: str) -> str:
    if unit == YES_NO:
        return f"{rule.number} is {yes_or_no(seen)}; {yes_or_no(limit)} is expected."
    bound = "at least" if rule.is_floor else "at most"
    shown_unit = _SHOWN_UNITS.get(unit, f" {unit}")
    return f"{rule.number} is {_in_digits(seen)}{shown_unit}; {bound} {_in_digits(limit)} is expected."


def _in_digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LONG else f"{value:.3g}"
