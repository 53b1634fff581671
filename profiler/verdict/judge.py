"""From metrics to a verdict: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from profiler.number_format import COUNT, quantity_beyond
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
from profiler.verdict import failures
from profiler.verdict.rule import Rule
from profiler.verdict.rules import RULES
from profiler.verdict.setup import Setup

_ON_ANOTHER_MACHINE = "the server runs on another machine, about which this one says nothing"
_UNITS = {"n": "requests", "half-width": "ratio"}  # of a statistic that has another unit than its metric
_OF_FAILURES = {"errors", "too-few-samples"}  # rules that say something of a load of which every request failed
_PLAIN = Setup()


def judge(
    status: Status, metrics: Mapping[str, Metric], setup: Setup = _PLAIN, requests: tuple[int, int] = (0, 0)
) -> Verdict:
    """Apply every rule to the metrics of a run or of a load of it, and look at how the run ended.

    INVALID if one finding is, with warnings if there is any, VALID otherwise. `requests` are those that failed and
    all that were measured.
    """
    failed, total = requests
    failed_all = total > 0 and failed == total
    findings = [] if status == "complete" else [_ended_early(setup)]
    unchecked = []
    for stated in (rule for rule in RULES if not (rule.is_about_gpus and setup.has_no_gpus)):
        rule = _chosen(stated.for_run(setup), metrics)
        if failed_all and rule.id not in _OF_FAILURES:
            result: Finding | Unchecked | None = Unchecked(rule=rule.id, reason="every request failed")
        else:
            result = _apply(rule, metrics.get(rule.metric), setup)
        if isinstance(result, Unchecked):
            unchecked.append(result)
        elif result is not None:
            noted = _noted(rule, result, metrics.get(rule.metric))
            findings.append(_in_words(noted, setup, requests))
    if setup.cut_short and any(found.rule == "too-few-samples" for found in findings):  # which says the same
        findings = [found for found in findings if found.rule != "cut-short"]
    findings.sort(key=lambda finding: finding.level != "INVALID")
    return Verdict(level=_worst(findings), findings=findings, unchecked=unchecked, limits=dict(setup.limits))


def judge_point(status: Status, point: PointSummary, setup: Setup) -> Verdict:
    """Judge one load of a run."""
    total = point.requests_ok + point.requests_failed
    return judge(status, point.metrics, setup, (point.requests_failed, total))


def with_doubtful_loads(verdict: Verdict, points: Sequence[PointSummary]) -> Verdict:
    """Add a warning to the verdict of a sweep or search where some of its loads are INVALID by themselves.

    Its own numbers are those of one load, so they may be sound where others are not.
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
        why="Their numbers are not reliable, and a conclusion that rests on them is in doubt.",
        remedy="See their findings in summary.json under points.",
    )
    findings = [*verdict.findings, warning]
    return verdict.model_copy(update={"level": _worst(findings), "findings": findings})


def _ended_early(setup: Setup) -> Finding:
    reason = f": {setup.status_reason.rstrip('.')}" if setup.status_reason else ""
    return Finding(
        rule="ended-early",
        level="INVALID",
        seen=None,
        limit=None,
        unit="",
        sentence=f"The run did not come to its end{reason}.",
        why="What was measured until then may not stand for the whole.",
        remedy="Repeat the run.",
    )


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


def _apply(rule: Rule, metric: Metric | None, setup: Setup) -> Finding | Unchecked | None:
    seen = _seen(rule, metric)
    if seen is None or (rule.is_about_server_host and setup.is_remote):
        return Unchecked(rule=rule.id, reason=_why_unchecked(rule, metric, setup))
    unit = _UNITS.get(rule.statistic, metric.unit if metric else "")
    if _is_beyond(rule, seen, rule.invalid):
        return _finding(rule, "INVALID", seen, rule.invalid, unit, setup)
    if _is_beyond(rule, seen, rule.warn):
        return _finding(rule, "VALID with warnings", seen, rule.warn, unit, setup)
    return None


def _why_unchecked(rule: Rule, metric: Metric | None, setup: Setup) -> str:
    if rule.is_about_server_host and setup.is_remote:
        return _ON_ANOTHER_MACHINE
    if metric is None:
        return "not part of this summary"
    if isinstance(metric, Distribution):
        return "too few values"
    no_interval = metric.no_interval if isinstance(metric, Scalar) else None
    return metric.reason or no_interval or "too few repeats and requests"


def _seen(rule: Rule, metric: Metric | None) -> float | None:
    if metric is None or isinstance(metric, NotMeasured):
        return 0.0 if rule.statistic == "n" else None
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


def _finding(rule: Rule, level: Level, seen: float, limit: float | None, unit: str, setup: Setup) -> Finding:
    return Finding(
        rule=rule.id,
        level=level,
        seen=seen,
        limit=limit,
        unit=unit,
        sentence=_sentence(rule, seen, limit or 0.0, unit),
        why=rule.why,
        remedy=rule.remedy_for(setup),
        is_limit_set=rule.is_limit_set,
    )


def _sentence(rule: Rule, seen: float, limit: float, unit: str) -> str:
    source = " set by --limit" if rule.is_limit_set else ""
    if unit == YES_NO:
        return f"{rule.what}: {yes_or_no(seen)} (expected{source}: {yes_or_no(limit)})."
    bound = "at least" if rule.is_floor else "at most"
    shown, shown_limit = quantity_beyond(seen, limit, COUNT if rule.statistic == "n" else unit)
    return f"{rule.what}: {shown} (limit{source}: {bound} {shown_limit})."


def _noted(rule: Rule, finding: Finding, metric: Metric | None) -> Finding:
    if not rule.is_note_shown or not isinstance(metric, Scalar) or not metric.note:
        return finding
    return finding.model_copy(update={"sentence": f"{finding.sentence} {metric.note}."})


def _in_words(finding: Finding, setup: Setup, requests: tuple[int, int]) -> Finding:
    """Return a finding with the sentence that says most: which failure was commonest, why a plan was cut short."""
    if finding.rule == "errors" and requests[1]:
        limit = finding.sentence[finding.sentence.rindex("(") + 1 :].replace(").", ".")
        text = failures.sentence(setup.failures, *requests).rstrip(".")
        return finding.model_copy(update={"sentence": f"{text}. {limit[:1].upper()}{limit[1:]}"})
    if finding.rule in {"cut-short", "too-few-samples"} and setup.cut_short:
        return finding.model_copy(update={"sentence": f"{finding.sentence} {cut_short(setup.cut_short)}"})
    return finding


def cut_short(reasons: Sequence[str]) -> str:
    """Return why plans were cut short, the first phase for all."""
    others = f" (and so in {len(reasons) - 1} other repeats)" if len(reasons) > 2 else ""
    one = " (and so in another repeat)" if len(reasons) == 2 else ""
    return f"{reasons[0].rstrip('.')}{others}{one}."
