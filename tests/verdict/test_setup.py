"""Remedies that are true of the run at hand, limits of a run, and findings that blame the right one."""

import pytest
from support.builders import manifest

from profiler.results.manifest import Manifest, Phase
from profiler.results.records import Outcome
from profiler.results.summary import Distribution, Failure, Finding, Metric, Scalar
from profiler.verdict.judge import judge
from profiler.verdict.rules import RULES
from profiler.verdict.setup import Setup, setup_of


def ratio(value: float, unit: str = "ratio") -> Scalar:
    return Scalar(unit=unit, value=value)


def distribution(p99: float, unit: str = "ms", n: int = 100) -> Distribution:
    return Distribution(unit=unit, n=n, mean=1, min=0, max=p99, quantiles={"p99": p99}, mean_half_width=0.0)


def finding(rule: str, metrics: dict[str, Metric], setup: Setup, requests: tuple[int, int] = (0, 0)) -> Finding:
    (found,) = [one for one in judge("complete", metrics, setup, requests).findings if one.rule == rule]
    return found


REFUSED = Failure(
    outcome="http_error", http_status=400, count=120, text="HTTP 400: this model does not support embeddings"
)


def test_failures_are_told_in_the_servers_own_text_with_their_count() -> None:
    setup = Setup(is_url=True, failures=[REFUSED])
    found = finding("errors", {"error_ratio": ratio(1.0)}, setup, (120, 120))
    assert found.sentence == (
        "120 of 120 requests failed: HTTP 400: this model does not support embeddings. Limit: at most 5 %."
    )
    assert "server.log" not in found.remedy  # with --url there is none
    assert "support" in found.remedy
    started = Setup(failures=[REFUSED])
    assert "server.log" in finding("errors", {"error_ratio": ratio(1.0)}, started, (120, 120)).remedy


@pytest.mark.parametrize(
    ("outcome", "status", "is_open_loop", "advice"),
    [
        (Outcome.HTTP_ERROR, 401, False, "--api-key-file"),
        (Outcome.HTTP_ERROR, 429, False, "lower --concurrency, or pass --rate"),
        (Outcome.HTTP_ERROR, 429, True, "limits the request rate: lower --rate."),
        (Outcome.HTTP_ERROR, 503, False, "overloaded or starting"),
        (Outcome.HTTP_ERROR, 422, False, "refuses these requests"),
        (Outcome.CONNECT_REFUSED, None, False, "runs and listens"),
        (Outcome.STALLED, 200, False, "--stall-timeout-s"),
        (Outcome.TRUNCATED, 200, False, "closed these connections"),
        (Outcome.NO_TOKENS, 200, False, "OpenAI-compatible endpoint"),
    ],
)
def test_the_remedy_is_that_of_the_commonest_failure(
    outcome: Outcome, status: int | None, is_open_loop: bool, advice: str
) -> None:
    setup = Setup(failures=[Failure(outcome=outcome, http_status=status, count=9, text="")], is_open_loop=is_open_loop)
    found = finding("errors", {"error_ratio": ratio(0.5)}, setup, (9, 18))
    assert advice in found.remedy
    assert found.remedy.count(". ") == 1  # that one, and where to look


def test_where_every_request_failed_nothing_else_is_blamed() -> None:
    """Slots are idle and pauses long where a server refuses at once; neither is the client's fault or worth a word."""
    odd: dict[str, Metric] = {"error_ratio": ratio(1.0), "idle_slot_ratio": ratio(0.9), "other_cpu_cores": ratio(9.0)}
    verdict = judge("complete", odd, Setup(failures=[REFUSED]), (120, 120))
    assert [one.rule for one in verdict.findings] == ["errors", "too-few-samples"]
    assert {one.reason for one in verdict.unchecked} == {"every request failed"}


def test_a_few_failures_of_many_kinds_name_the_commonest() -> None:
    kinds = [
        Failure(outcome="http_error", http_status=429, count=2, text=""),
        Failure(outcome="reset", count=1, text="the connection was closed"),
    ]
    found = finding("errors", {"error_ratio": ratio(0.03)}, Setup(failures=kinds), (3, 100))
    assert found.level == "VALID with warnings"
    assert found.sentence == "3 of 100 requests failed: 2 of them HTTP 429. Limit: at most 0 %."


def test_nobody_is_told_to_do_what_is_done_already() -> None:
    late: dict[str, Metric] = {"send_lag_ms": distribution(100.0)}
    assert finding("late-sends", late, Setup()).remedy == (
        "Run as root, so that the load driver gets real-time priority (SCHED_FIFO). "
        "Give the load driver a CPU of its own (--client-cpus). Lower --concurrency."
    )
    refused = Setup(is_realtime_refused=True, is_pinned=True, is_open_loop=True)
    assert finding("late-sends", late, refused).remedy == (
        "Leave out --no-realtime-client, so that the load driver gets real-time priority. Lower --rate."
    )
    assert finding("late-sends", late, Setup(is_realtime=True, is_pinned=True)).remedy == "Lower --concurrency."


def test_on_loopback_nobody_is_sent_nearer_to_the_server() -> None:
    lost: dict[str, Metric] = {"tcp_retransmission_ratio": ratio(0.2, "segments/request")}
    here, there = (finding("retransmissions", lost, Setup(is_remote=remote)).remedy for remote in (False, True))
    assert "nearer" not in here
    assert "nearer" in there


def test_a_plan_that_a_time_limit_cut_short_says_so() -> None:
    reason = "23 of 66 planned requests were sent: 30 s limit per repeat; pass --max-repeat-s"
    setup = Setup(cut_short=(reason,))
    metrics: dict[str, Metric] = {"plan_sent_ratio": ratio(23 / 66), "ttft_ms": distribution(1.0, n=23)}
    few = finding("too-few-samples", metrics, setup)
    assert not [one for one in judge("complete", metrics, setup).findings if one.rule == "cut-short"]  # not twice
    metrics["ttft_ms"] = distribution(1.0, n=64)
    cut = finding("cut-short", metrics, setup)
    metrics["ttft_ms"] = distribution(1.0, n=23)
    assert few.sentence == f"Requests in steady state: 23 (limit: at least 64). {reason}."
    assert "--requests" not in few.remedy
    assert "--max-repeat-s" in few.remedy
    assert cut.level == "VALID with warnings"
    assert reason in cut.sentence
    assert "Raise --requests" in finding("too-few-samples", metrics, Setup()).remedy


def test_of_a_server_on_another_machine_this_one_says_nothing() -> None:
    about_here: dict[str, Metric] = {
        "is_performance_governor": ratio(0.0, "yes/no"),
        "throttle_events": ratio(9.0, "events"),
        "cpu_slowdown_ratio": ratio(0.5),
    }
    assert {one.rule for one in judge("complete", about_here, Setup()).findings} == {
        "too-few-samples",
        "frequency-governor",
        "throttling",
        "slowing-processors",
    }
    remote = judge("complete", about_here, Setup(is_remote=True))
    assert [one.rule for one in remote.findings] == ["too-few-samples"]
    reasons = {one.rule: one.reason for one in remote.unchecked}
    assert reasons["throttling"].startswith("the server runs on another machine")


@pytest.mark.parametrize(
    ("rule", "limit", "seen", "level"),
    [
        (
            "late-reads",
            0.5,
            0.4,
            "VALID with warnings",
        ),  # INVALID is above 0.5 now; a warning above 0.02 as before
        ("late-reads", 0.5, 0.6, "INVALID"),
        ("late-reads", 0.01, 0.015, "INVALID"),  # no warning is looser than INVALID
        ("server-pauses", 0.5, 0.4, None),  # has no other level than the warning
        ("server-pauses", 0.5, 0.6, "VALID with warnings"),
        ("too-few-samples", 5, 8, "VALID with warnings"),  # a floor
        ("too-few-samples", 100, 90, "INVALID"),
    ],
)
def test_a_limit_that_was_set_for_a_run(rule: str, limit: float, seen: float, level: str | None) -> None:
    stated = next(one for one in RULES if one.id == rule)
    metric = distribution(1.0, n=round(seen)) if stated.statistic == "n" else ratio(seen)
    verdict = judge("complete", {stated.metric: metric}, Setup(limits={rule: limit}))
    found = [one for one in verdict.findings if one.rule == rule]
    assert [one.level for one in found] == ([level] if level else [])
    assert all(one.is_limit_set and "set by --limit" in one.sentence for one in found)
    assert verdict.limits == {rule: limit}


def test_a_number_just_beyond_its_limit_does_not_read_like_it() -> None:
    found = finding("server-pauses", {"pause_time_ratio": ratio(0.02000004)}, Setup())
    assert found.sentence == "Time in pauses of the server: 2.000004 % (limit: at most 2 %)."


def test_every_rule_has_a_remedy_in_every_setup() -> None:
    for setup in (Setup(), Setup(is_realtime=True, is_pinned=True, is_url=True, is_remote=True, is_open_loop=True)):
        assert all(rule.remedy_for(setup) for rule in RULES)


def test_what_a_run_had_in_use() -> None:
    run: Manifest = manifest(
        phases=[
            Phase(name="c1/repeat-1", point="c1", start_ns=0, end_ns=1, cut_short="one"),
            Phase(name="c2/repeat-1", point="c2", start_ns=1, end_ns=2, cut_short="two"),
        ]
    )
    run.command_line = ["aforo", "run", "--no-realtime-client"]
    run.limits = {"errors": 0.5}
    one, two = ({"name": f"c{n}", "concurrency": n} for n in (1, 2))
    run = Manifest.model_validate(run.model_dump() | {"points": [one, two]})
    setup = setup_of(run, run.points[1])
    assert setup.cut_short == ("two",)
    assert setup.is_realtime_refused
    assert setup.is_url  # no command that started a server
    assert setup.limits == {"errors": 0.5}
    assert not setup.is_open_loop


def test_a_run_that_was_stopped_says_why() -> None:
    found = judge("interrupted", {}, Setup(status_reason="signal 2.")).findings[0]
    assert found.sentence == "The run did not come to its end: signal 2."


def test_behind_a_proxy_an_engine_may_well_report_other_times() -> None:
    """Of a server that Aforo started nothing stands between the two, so one of them is wrong."""
    apart: dict[str, Metric] = {"engine_gap_ratio": ratio(0.5)}
    assert finding("engine-disagrees", apart, Setup()).level == "INVALID"
    by_url = finding("engine-disagrees", apart, Setup(is_url=True))
    assert by_url.level == "VALID with warnings"
    assert "proxy" in by_url.remedy
    assert finding("engine-disagrees", apart, Setup(is_url=True, limits={"engine-disagrees": 0.4})).level == "INVALID"
