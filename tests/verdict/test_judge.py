"""Rules one by one, both sides of each limit; then runs spoilt on purpose, each for its own reason."""

from itertools import pairwise
from pathlib import Path

import pytest
from support.builders import MS, manifest, request
from support.energy import meter, reading

from profiler.metrics.catalogue import METRICS
from profiler.results.host_facts import CpuFacts, HostFacts, VirtualisationFacts
from profiler.results.manifest import EnergyFacts, Phase
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.results.summary import Distribution, Metric, NotMeasured, Scalar, Summary, Verdict
from profiler.servers.timings import EngineTiming
from profiler.summaries.summarize import summarize
from profiler.verdict.judge import judge
from profiler.verdict.rules import RULES, Rule, markdown
from profiler.verdict.setup import Setup
from profiler.wire_audit.audit import Audit, Spread

LEVELS = ("VALID", "VALID with warnings", "INVALID")


def metric_with(rule: Rule, seen: float) -> Metric:
    """A metric of which the rule sees exactly this number."""
    unit = METRICS[rule.metric].unit
    if rule.statistic == "value":
        return Scalar(unit=unit, value=seen)
    if METRICS[rule.metric].kind == "per-run":
        return Scalar(unit=unit, value=10.0, interval=(10.0 * (1 - seen), 10.0 * (1 + seen)))
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


def test_where_answers_have_no_tokens_the_whole_answer_is_looked_at() -> None:
    twelve = Distribution(unit="ms", n=12, mean=10, min=1, max=20, quantiles={}, mean_half_width=2.0)
    rate = Scalar(unit="tokens/s", value=100.0, interval=(80.0, 120.0))
    missing: dict[str, Metric] = {
        "ttft_ms": NotMeasured(unit="ms", reason="an embedding has no output tokens"),
        "output_tokens_per_s": Scalar(unit="tokens/s", value=None, reason="an embedding has no output tokens"),
    }
    found = judge("complete", {**missing, "e2e_ms": twelve, "input_tokens_per_s": rate}).findings
    assert [(one.rule, one.seen) for one in found] == [
        ("too-few-samples", 12.0),
        ("wide-interval-ttft", 0.2),
        ("wide-interval-rate", pytest.approx(0.2)),
    ]
    assert found[0].sentence == "Requests in steady state: 12 (limit: at least 64)."
    assert judge("complete", missing).level == "INVALID"


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_every_rule_watches_a_metric_and_says_why_and_what_to_do(rule: Rule) -> None:
    assert rule.metric in METRICS
    assert rule.why
    assert rule.remedy
    assert rule.warn is not None or rule.invalid is not None


def test_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "rules.md"
    assert page.read_text("utf-8") == markdown(), "run: aforo rules --markdown > docs/rules.md"


def test_the_page_on_trust_names_every_rule_and_its_number() -> None:
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    for rule in RULES:
        assert any(rule.id in row and f"`{rule.metric}`" in row for row in rows), rule.id
    for name, spec in METRICS.items():
        assert spec.group != "trust" or f"`{name}`" in page, name


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
        record.prompt_tokens_cached = 0
        record.prompt_tokens_server = 8
        made.append(record)
    return made


def samples(
    cores: float = 1.9,
    host: float = 0.97,
    steal: float = 0.0,
    slowing: float = 0.0,
    throttled: int = 0,
    sent_again: int = 0,
    polled_w: float = 100.0,
) -> list[Sample]:
    """One every 500 ms; `slowing` MHz are lost, `throttled` and `sent_again` counted from each to the next."""
    return [
        Sample(
            t_ns=500 * MS * i,
            server_cpu_cores=cores,
            server_rss_bytes=1,
            host_cpu_ratio=host,
            host_steal_ratio=steal,
            client_cpu_cores=0.01,
            cpu_frequency_mhz=3000.0 - slowing * i,
            throttle_events=7 + throttled * i,
            tcp_retransmissions=9 + sent_again * i,
            tcp_needless_retransmissions=3,
            energy=[reading("gpu:counter", 0.5 * i, 50.0 * i), reading("gpu:polled", 0.5 * i, polled_w * 0.5 * i)],
        )
        for i in range(40)
    ]


def wire(error_us: float = 5.0, agrees: bool | None = True) -> Audit:
    spread = Spread(1600, 1.0, error_us, 2 * error_us)
    return Audit(3200, 0, 1600, 1600, 0, spread, spread, agrees=agrees, verdict="as said")


def judged(summary: Summary) -> Verdict:
    return judge(summary.status, summary.metrics, Setup(has_no_gpus=True))


def verdict_on(
    requests: list[RequestRecord],
    taken: list[Sample] | None = None,
    governor: str | None = "performance",
    emulated: bool | None = None,
    captured: Audit | None = None,
    engine_is_off: float = 0.0,
) -> Verdict:
    """Requests in two repeats of equal length on a host with two processors, with an engine that tells its times."""
    for record in requests[len(requests) // 2 :]:
        record.phase = "repeat-2"
    cpu = CpuFacts(logical_cpus=2, governor=governor)
    host = HostFacts(cpu=cpu, virtualisation=VirtualisationFacts(emulated=emulated))
    energy = EnergyFacts(meters=[meter("gpu:counter"), meter("gpu:polled", "polled")])
    run = manifest(repeats=2).model_copy(update={"host": host, "energy": energy})
    for phase in run.phases:
        phase.planned = len(requests) // 2
    timings = [told_by_engine(record, engine_is_off) for record in requests]
    return judged(summarize(run, requests, samples() if taken is None else taken, timings, captured or wire()))


def told_by_engine(record: RequestRecord, is_off: float) -> EngineTiming:
    """What an engine tells that times the same span as the client, longer by this share."""
    span_ns = record.read_offset_ns[-1] - record.read_offset_ns[0] if record.read_offset_ns else 0
    return EngineTiming(8, 10.0, 19, (1 + is_off) * span_ns / MS, covers_sampling=True)


def reasons(verdict: Verdict) -> dict[str, str]:
    return {finding.rule: finding.level for finding in verdict.findings}


def test_a_run_without_a_flaw_is_valid() -> None:
    verdict = verdict_on(good_requests())
    assert reasons(verdict) == {}
    assert verdict.level == "VALID"
    assert {item.rule for item in verdict.unchecked} == {
        "server-overloaded",
        "slow-connects",
    }  # of open loops, of connections


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
    # The last gap is 500 ms, of 680 in all. That is how this server streams: a result, so a warning and not INVALID.
    arrivals_ms = (*(10.0 * (i + 1) for i in range(19)), 690.0)
    assert reasons(verdict_on(good_requests(arrivals_ms=arrivals_ms)))["server-pauses"] == "VALID with warnings"


def test_token_counts_that_disagree() -> None:
    # Twenty events with text: 25 tokens are possible, 15 are not, nor are 25 of at most 20.
    assert "token-mismatch" not in reasons(verdict_on(good_requests(server_tokens=25)))
    assert reasons(verdict_on(good_requests(server_tokens=15)))["token-mismatch"] == "INVALID"
    beyond = good_requests(server_tokens=25)
    for record in beyond:
        record.asked_tokens = 20
    assert reasons(verdict_on(beyond))["token-mismatch"] == "INVALID"


def test_the_token_that_ends_a_sequence_has_no_text() -> None:
    assert "token-mismatch" not in reasons(verdict_on(good_requests(server_tokens=21)))


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


def test_processors_that_do_not_keep_their_speed() -> None:
    # 40 samples, 10 a quarter: 30 steps lie between the middles of the first and of the last.
    assert reasons(verdict_on(good_requests(), samples(slowing=3.0))) == {}
    assert reasons(verdict_on(good_requests(), samples(slowing=10.0)))["slowing-processors"] == "VALID with warnings"
    assert reasons(verdict_on(good_requests(), samples(slowing=30.0)))["slowing-processors"] == "INVALID"
    assert reasons(verdict_on(good_requests(), samples(throttled=1)))["throttling"] == "VALID with warnings"


def test_a_governor_in_words() -> None:
    (finding,) = verdict_on(good_requests(), governor="powersave").findings
    assert finding.level == "VALID with warnings"
    assert finding.sentence == "Frequency governor is performance: no (expected: yes)."
    unchecked = {item.rule: item.reason for item in verdict_on(good_requests(), governor=None).unchecked}
    assert "no frequency governor" in unchecked["frequency-governor"]


def test_what_was_measured_on_an_emulated_processor_is_not_to_be_believed() -> None:
    verdict = verdict_on(good_requests(), emulated=True)
    assert reasons(verdict) == {"emulated-host": "INVALID"}
    assert verdict.findings[0].sentence == "Emulated CPUs: yes (expected: no)."


def test_a_network_that_loses_segments() -> None:
    assert reasons(verdict_on(good_requests(), samples(sent_again=1))) == {"retransmissions": "VALID with warnings"}


def test_an_engine_that_tells_another_time_than_the_client_saw() -> None:
    assert reasons(verdict_on(good_requests(), engine_is_off=-0.019)) == {}
    assert reasons(verdict_on(good_requests(), engine_is_off=-0.021)) == {"engine-disagrees": "VALID with warnings"}
    assert reasons(verdict_on(good_requests(), engine_is_off=0.5)) == {"engine-disagrees": "INVALID"}


def test_prompts_that_came_from_a_cache() -> None:
    """Servers keep prefixes by default, so it is a warning, however much they had."""
    warned = {"cached-prompts": "VALID with warnings"}
    for cached, found in ((0, {}), (1, warned), (5, warned)):
        requests = good_requests()
        for record in requests:
            record.prompt_tokens_cached = cached  # of 8
        assert reasons(verdict_on(requests)) == found


def test_stamps_that_the_wire_does_not_confirm() -> None:
    assert reasons(verdict_on(good_requests(), captured=wire(100.0))) == {}
    assert reasons(verdict_on(good_requests(), captured=wire(100.1, agrees=False))) == {"wire-audit": "INVALID"}
    unchecked = verdict_on(good_requests(), captured=wire(agrees=None)).unchecked
    assert {item.rule: item.reason for item in unchecked}["wire-audit"] == "as said"


def test_an_energy_meter_that_was_not_read_all_the_time() -> None:
    # 80 requests take 16 s; readings end after 12 s.
    assert reasons(verdict_on(good_requests(), [s for s in samples() if s.t_ns <= 12_000 * MS]))["meter-coverage"]


def test_a_counter_and_polled_power_that_disagree() -> None:
    assert reasons(verdict_on(good_requests(), samples(polled_w=115.0))) == {"meters-disagree": "VALID with warnings"}


def test_repeats_that_differ() -> None:
    # Of 3.0 s and 4.5 s in all: rates that differ by a third, two of them, so a half-width far above 10 %.
    requests = good_requests()
    for record in requests[40:]:
        record.read_offset_ns = [3 * offset_ns // 2 for offset_ns in record.read_offset_ns]
        record.sent_ns = (record.sent_ns or 0) * 3 // 2
        record.scheduled_ns = record.sent_ns - 50_000
    assert reasons(verdict_on(requests))["wide-interval-rate"] == "VALID with warnings"


def test_a_single_repeat_whose_rate_changes() -> None:
    # the second half takes half as long again: slices of 5 and 3.3 requests/s
    requests = good_requests()
    for record in requests[len(requests) // 2 :]:
        record.read_offset_ns = [3 * offset_ns // 2 for offset_ns in record.read_offset_ns]
    for earlier, record in pairwise(requests):
        record.sent_ns = earlier.last_byte_ns + 50_000
        record.scheduled_ns = record.sent_ns - 50_000
    found = judged(summarize(manifest(), requests, samples(), [], wire()))
    assert "wide-interval-rate" in {finding.rule for finding in found.findings}


def test_a_single_short_repeat_says_nothing_about_its_rate() -> None:
    verdict = judged(summarize(manifest(), good_requests(19), samples(), [], wire()))
    assert {item.rule: item.reason for item in verdict.unchecked}[
        "wide-interval-rate"
    ] == "19 requests are too few for an interval, 20 are needed: raise --requests"


def test_means_that_are_known_only_roughly() -> None:
    # Ten batches of eight requests; the batches' TTFT is 10 or 30 ms in turn: mean 20, deviation 10.54,
    # half-width 2.262·10.54/√10 = 7.5, so 38 % of the mean. TPOT likewise.
    requests = good_requests()
    for i, record in enumerate(requests):
        if i // 8 % 2:
            record.read_offset_ns = [3 * offset_ns for offset_ns in record.read_offset_ns]
    found = reasons(verdict_on(requests))
    assert found["wide-interval-ttft"] == "VALID with warnings"
    assert found["wide-interval-tpot"] == "VALID with warnings"


@pytest.mark.parametrize(("merged", "late"), [(1, "VALID with warnings"), (4, "INVALID")])
def test_reads_that_hold_several_tokens(merged: int, late: str) -> None:
    # of 20 reads: 5 % and 25 %. Sent together they are a warning; merged by a client that reads 2 ms late they are not.
    tokens = (2,) * merged + (1,) * (20 - 2 * merged) + (0,) * merged
    assert sum(tokens) == 20
    found = reasons(verdict_on(good_requests(tokens=tokens)))
    assert (found["coalesced-reads"], found.get("late-reads")) == ("VALID with warnings", None)
    assert reasons(verdict_on(good_requests(tokens=tokens, lag_us=2000)))["late-reads"] == late


@pytest.mark.parametrize(("every", "level"), [(10, "VALID with warnings"), (4, "INVALID")])
def test_records_that_are_missing(every: int, level: str) -> None:
    # one slot; without each fourth record it seems to have stood idle for a quarter of the time
    requests = [one for i, one in enumerate(good_requests()) if i % every != 1]
    assert reasons(verdict_on(requests))["littles-law"] == level


def test_fewer_requests_than_slots() -> None:
    run = manifest(concurrency=100).model_copy(update={"host": HostFacts(cpu=CpuFacts(logical_cpus=2))})
    assert reasons(judged(summarize(run, good_requests(), samples(), [])))["too-few-rounds"] == "INVALID"


def test_a_clock_that_could_not_be_read_at_once() -> None:
    for width_us, level in ((150, "VALID with warnings"), (1500, "INVALID")):
        requests = good_requests()
        requests[7].clock_offset_width_ns = width_us * 1000
        assert reasons(verdict_on(requests)) == {"clock-width": level}


def test_a_driver_that_fills_its_core() -> None:
    for used_ns, level in ((8 * MS * 100, "VALID with warnings"), (97 * MS * 10, "INVALID")):  # of 1 s
        phases = [Phase(name="repeat-1", start_ns=0, end_ns=1000 * MS, client_cpu_ns=used_ns)]
        run = manifest(phases=phases)
        assert reasons(judged(summarize(run, good_requests(), samples(), [])))["busy-client"] == level


def test_samples_that_leave_holes() -> None:
    assert reasons(verdict_on(good_requests(), samples()[::8]))["sample-coverage"] == "VALID with warnings"


def test_a_run_that_was_stopped() -> None:
    stopped = summarize(manifest(status="interrupted"), good_requests(), samples(), [])
    assert reasons(judge(stopped.status, stopped.metrics))["ended-early"] == "INVALID"


def test_what_could_not_be_checked_is_said() -> None:
    verdict = verdict_on(good_requests(server_tokens=None), [])
    unchecked = {item.rule: item.reason for item in verdict.unchecked}
    assert "did not report" in unchecked["token-mismatch"]
    assert "no sample" in unchecked["stolen-time"]


def test_a_finding_names_number_limit_and_remedy() -> None:
    (finding,) = verdict_on(good_requests(40)).findings
    assert finding.sentence == "Requests in steady state: 40 (limit: at least 64)."
    assert finding.remedy == "Raise --requests or --repeats."


def test_numbers_are_written_as_people_read_them() -> None:
    said = {finding.rule: finding.sentence for finding in verdict_on(good_requests(lag_us=32_049)).findings}
    assert said["slow-client"] == "Lag of the load driver behind the kernel, p99: 32.0 ms (limit: at most 20 ms)."
    (finding,) = verdict_on(good_requests(), samples(sent_again=1)).findings
    # 80 requests of 200 ms are 16 s, with two more segments a second: 32 / 80, and the edges of the windows.
    assert finding.sentence.startswith("TCP retransmissions after a loss: 0.4")
    assert finding.sentence.endswith(" segments/request (limit: at most 0.01 segments/request).")


def test_invalid_findings_come_first() -> None:
    spoilt = good_requests(40, server_tokens=25)
    levels = [finding.level for finding in verdict_on(spoilt).findings]
    assert levels == sorted(levels, key=lambda level: level != "INVALID")
    assert isinstance(summarize(manifest(), spoilt, [], []), Summary)
