"""Rules one by one, both sides of each limit; then runs spoilt on purpose, each for its own reason."""

from pathlib import Path

import pytest
from support.builders import MS, manifest, request

from profiler.metrics.catalogue import METRICS
from profiler.metrics.summarize import summarize
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.results.summary import Distribution, Metric, Scalar, Summary, Verdict
from profiler.verdict.judge import judge
from profiler.verdict.rules import RULES, Rule, markdown

LEVELS = ("VALID", "VALID with warnings", "INVALID")


def metric_with(rule: Rule, seen: float) -> Metric:
    """A metric of which the rule sees exactly this number."""
    unit = METRICS[rule.metric].unit
    if rule.statistic == "value":
        return Scalar(unit=unit, value=seen)
    is_count = rule.statistic == "n"
    return Distribution(
        unit=unit,
        n=round(seen) if is_count else 1000,
        mean=10.0,
        min=0,
        max=1e9,
        quantiles=dict.fromkeys(("p50", "p90", "p95", "p99"), seen if rule.statistic.startswith("p") else 1.0),
        mean_half_width=10.0 * seen if rule.statistic == "half-width" else 0.0,
    )


def level_for(rule: Rule, seen: float) -> str:
    verdict = judge("complete", {rule.metric: metric_with(rule, seen)})
    found = [finding.level for finding in verdict.findings if finding.rule == rule.id]
    return found[0] if found else "VALID"


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_both_sides_of_each_limit(rule: Rule) -> None:
    step = 1 if rule.statistic == "n" else max(rule.warn or 0, rule.invalid or 0, 0.01) / 1000
    beyond = -step if rule.is_floor else step
    for limit, good, bad in ((rule.warn, LEVELS[:1], LEVELS[1:]), (rule.invalid, LEVELS[:2], LEVELS[2:])):
        if limit is not None:
            assert level_for(rule, limit) in good
            assert level_for(rule, limit + beyond) in bad


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_every_rule_watches_a_metric_and_says_why_and_what_to_do(rule: Rule) -> None:
    assert rule.metric in METRICS
    assert rule.why
    assert rule.remedy
    assert rule.warn is not None or rule.invalid is not None


def test_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "rules.md"
    assert page.read_text("utf-8") == markdown(), "run: aforo rules --markdown > docs/rules.md"


def good_requests(count: int = 80, **changes: object) -> list[RequestRecord]:
    """One stream without a flaw: a token every 10 ms, the next request 50 µs after the last one's end."""
    arrivals_ms = tuple(10.0 * (i + 1) for i in range(20))
    made = []
    for i in range(count):
        arguments: dict[str, object] = {
            "sent_ms": i * 200.05,
            "arrivals_ms": arrivals_ms,
            "server_tokens": 20,
            **changes,
        }
        record = request(i, **arguments)  # type: ignore[arg-type]
        record.scheduled_ns = (record.sent_ns or 0) - 50_000
        made.append(record)
    return made


def samples(cores: float = 1.9, host: float = 0.97, steal: float = 0.0) -> list[Sample]:
    return [
        Sample(
            t_ns=500 * MS * i,
            server_cpu_cores=cores,
            server_rss_bytes=1,
            host_cpu_ratio=host,
            host_steal_ratio=steal,
            client_cpu_cores=0.01,
        )
        for i in range(40)
    ]


def verdict_on(requests: list[RequestRecord], taken: list[Sample] | None = None) -> Verdict:
    run = manifest().model_copy(update={"host": {"cpu": {"logical_cpus": 2}}})
    summary = summarize(run, requests, samples() if taken is None else taken, [])
    return judge(summary.status, summary.metrics)


def reasons(verdict: Verdict) -> dict[str, str]:
    return {finding.rule: finding.level for finding in verdict.findings}


def test_a_run_without_a_flaw_is_valid() -> None:
    verdict = verdict_on(good_requests())
    assert reasons(verdict) == {}
    assert verdict.level == "VALID"
    assert verdict.unchecked == []


def test_too_few_samples() -> None:
    assert reasons(verdict_on(good_requests(10)))["too-few-samples"] == "INVALID"
    assert reasons(verdict_on(good_requests(40)))["too-few-samples"] == "VALID with warnings"


def test_nothing_finished() -> None:
    spoilt = good_requests(20, outcome=Outcome.RESET)
    verdict = verdict_on(spoilt)
    assert reasons(verdict)["too-few-samples"] == "INVALID"
    assert reasons(verdict)["errors"] == "INVALID"


def test_a_starved_client_sends_late_and_sees_late() -> None:
    spoilt = good_requests(lag_us=700_000)
    for record in spoilt:
        record.scheduled_ns = (record.sent_ns or 0) - 80 * MS
    found = reasons(verdict_on(spoilt))
    assert found["late-sends"] == "INVALID"
    assert found["slow-client"] == "INVALID"


def test_a_starved_client_leaves_its_slot_idle() -> None:
    # Requests take 200 ms and are sent every 300 ms: the slot is idle for a third of the time.
    spoilt = [request(i, sent_ms=300.0 * i, arrivals_ms=(100.0, 200.0), server_tokens=2) for i in range(80)]
    assert reasons(verdict_on(spoilt))["idle-slots"] == "INVALID"


def test_a_server_that_stalls() -> None:
    arrivals_ms = (*(10.0 * (i + 1) for i in range(19)), 690.0)  # the last gap is 500 ms, of 680 in all
    assert reasons(verdict_on(good_requests(arrivals_ms=arrivals_ms)))["server-pauses"] == "INVALID"


def test_token_counts_that_disagree() -> None:
    assert reasons(verdict_on(good_requests(server_tokens=25)))["token-mismatch"] == "INVALID"


def test_a_clock_that_was_stepped() -> None:
    spoilt = good_requests()
    spoilt[3].clock_offset_drift_ns = 2_000 * MS
    assert reasons(verdict_on(spoilt))["clock-step"] == "VALID with warnings"
    for record in spoilt:
        record.clock_offset_drift_ns = 2_000 * MS
    assert reasons(verdict_on(spoilt))["clock-step"] == "INVALID"


def test_stamps_of_our_own() -> None:
    spoilt = good_requests()
    for record in spoilt:
        record.read_lag_ns = [None] * len(record.read_lag_ns)
    assert reasons(verdict_on(spoilt))["user-stamps"] == "VALID with warnings"


def test_neighbours_and_a_hypervisor_that_take_processors() -> None:
    found = reasons(verdict_on(good_requests(), samples(cores=0.8, host=1.0, steal=0.2)))
    assert found["other-load"] == "INVALID"
    assert found["stolen-time"] == "INVALID"


def test_a_run_that_was_stopped() -> None:
    stopped = summarize(manifest(status="interrupted"), good_requests(), samples(), [])
    assert reasons(judge(stopped.status, stopped.metrics))["ended-early"] == "INVALID"


def test_what_could_not_be_checked_is_said() -> None:
    verdict = verdict_on(good_requests(server_tokens=None), [])
    unchecked = {item.rule: item.reason for item in verdict.unchecked}
    assert "did not say" in unchecked["token-mismatch"]
    assert "no sample" in unchecked["stolen-time"]


def test_a_finding_names_number_limit_and_remedy() -> None:
    (finding,) = verdict_on(good_requests(40)).findings
    assert finding.sentence == "n of ttft_ms is 40 requests; at least 64 is expected."
    assert finding.remedy == "Raise --requests or --repeats."


def test_invalid_findings_come_first() -> None:
    spoilt = good_requests(40, server_tokens=25)
    levels = [finding.level for finding in verdict_on(spoilt).findings]
    assert levels == sorted(levels, key=lambda level: level != "INVALID")
    assert isinstance(summarize(manifest(), spoilt, [], []), Summary)
