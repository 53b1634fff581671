"""The one sentence: right for every shape of load, and on servers whose capacity is known."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

import pytest
from support.builders import manifest, request, workload

from profiler.results.manifest import Phase, Point
from profiler.results.points import at_concurrency, at_rate, of_replay
from profiler.results.records import RequestRecord
from profiler.results.summary import Distribution, Finding, Metric, PointSummary, Scalar, Verdict
from profiler.summaries.capacity import capacity_sentence
from profiler.summaries.summarize import summarize_points

SLO = {"ttft_ms": 500, "tpot_ms": 60}
OPEN = {"load": {"shape": "open-loop", "rate_rps": 1}}


def latency(value: float, unit: str = "ms") -> Distribution:
    quantiles = dict.fromkeys(("p1", "p5", "p50", "p90", "p95", "p99"), value)
    return Distribution(unit=unit, n=100, mean=value, min=value, max=value, quantiles=quantiles)


def measured(
    point: Point,
    *shares: float,
    ttft_ms: float = 100,
    tpot_ms: float = 50,
    broken: Mapping[str, Any] | None = None,
    **more: float | None,
) -> PointSummary:
    """A load whose repeats met the SLO so often; `broken` are rules with the level at which they were broken."""
    metrics: dict[str, Metric] = {
        "ttft_ms": latency(ttft_ms),
        "tpot_ms": latency(tpot_ms),
        "decode_tokens_per_s": latency(1000 / tpot_ms, "tokens/s"),
        "slo_attainment_ratio": Scalar(unit="ratio", value=min(shares, default=None), per_repeat=list(shares)),
    }
    metrics |= {name: Scalar(unit="", value=value) for name, value in more.items()}
    findings = [
        Finding(rule=rule, level=level, seen=1, limit=0, unit="", sentence="", why="", remedy="")
        for rule, level in (broken or {}).items()
    ]
    verdict = Verdict(level=next((each.level for each in findings), "VALID"), findings=findings)
    return PointSummary(point=point, requests_ok=9, requests_failed=0, outcomes={}, metrics=metrics, verdict=verdict)


def said(points: Sequence[PointSummary], *, headline: int = 0, **changes: Any) -> str:
    return capacity_sentence(workload(**changes), points, points[headline])


def users(*loads: tuple[int, float], **more: Any) -> list[PointSummary]:
    """Loads of a closed loop with the share of their only repeat that met the SLO; waits where it did not."""
    return [measured(at_concurrency(c), share, ttft_ms=100 if share == 1 else 900, **more) for c, share in loads]


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ([(1, 1), (4, 1), (5, 0.8)], "Serves 4 users at 20 tokens/s each within the SLO; from 5 on requests queue."),
        ([(5, 0), (1, 1), (2, 0)], "Serves 1 user at 20 tokens/s within the SLO; from 2 on requests queue."),
        (
            [(4, 1), (6, 0)],
            "Serves 4 or 5 users within the SLO, 4 of them at 20 tokens/s each; from 6 on requests queue.",
        ),
        (
            [(4, 1), (8, 0)],
            "Serves 4 to 7 users within the SLO, 4 of them at 20 tokens/s each; from 8 on requests queue.",
        ),
        (
            [(4, 1), (16, 1), (32, 1)],
            "Serves at least 32 users at 20 tokens/s each within the SLO; more was not tried.",
        ),
        ([(1, 1)], "Serves at least 1 user at 20 tokens/s within the SLO; more was not tried."),
        ([(1, 0), (2, 0)], "Does not serve even 1 user within the SLO: the first token comes later than it allows."),
        (
            [(4, 0.9)],
            "Does not serve 4 users within the SLO: the first token comes later than it allows; less was not tried.",
        ),
    ],
)
def test_loads_with_an_slo(loads: list[tuple[int, float]], expected: str) -> None:
    assert said(users(*loads), slo=SLO) == expected


def test_what_is_missed_is_said() -> None:
    good, slow = measured(at_concurrency(4), 1), measured(at_concurrency(5), 0.2, tpot_ms=70, ttft_ms=510)
    # TPOT is 70/60 of its limit, TTFT 510/500
    assert said([good, slow], slo=SLO).endswith("; from 5 on tokens come slower than it allows.")
    late = measured(at_concurrency(5), 0.2)
    late.metrics["e2e_ms"] = latency(4000)
    assert said([good, late], slo={"e2e_ms": 3000}).endswith("; from 5 on requests take longer than it allows.")
    full = measured(at_concurrency(5), 0.5, error_ratio=0.5, broken={"errors": "INVALID", "too-few-samples": "INVALID"})
    assert said([good, full], slo=SLO).endswith("; from 5 on requests fail.")


def test_repeats_that_disagree_leave_it_open() -> None:
    good, mixed, bad = (measured(at_concurrency(c), *shares) for c, shares in ((4, (1, 1)), (5, (1, 0)), (6, (0, 0))))
    for each in (mixed, bad):
        each.metrics["ttft_ms"] = latency(900)
    assert said([good, mixed, bad], slo=SLO, repeats=2).startswith("Serves 4 or 5 users within the SLO, 4 of them")
    assert said([good, mixed], slo=SLO, repeats=2).endswith("within the SLO; of 5 it cannot be told.")
    assert said([mixed, bad], slo=SLO, repeats=2) == (
        "Whether it serves 5 users within the SLO cannot be told: its repeats disagree; from 6 on requests queue."
    )


def test_a_load_that_fails_below_one_that_does_not_leaves_it_open() -> None:
    assert said(users((1, 0), (2, 1), (4, 0)), slo=SLO) == (
        "Whether it serves 1 user within the SLO cannot be told: higher loads did better; from 4 on requests queue."
    )


def test_an_invalid_load_counts_as_not_measured_and_an_invalid_run_says_nothing() -> None:
    bad = measured(at_concurrency(5), 0, broken={"late-sends": "INVALID"})
    good, worse = users((4, 1), (6, 0))
    assert said([good, bad, worse], slo=SLO).startswith("Serves 4 or 5 users within the SLO")
    assert said([good, bad], slo=SLO).endswith("; of 5 it cannot be told.")
    assert said([good, bad], headline=1, slo=SLO) == (
        "Nothing is claimed of how many users this server serves: the run is INVALID (late-sends)."
    )
    rules = {"errors": "INVALID", "throttling": "VALID with warnings", "other-load": "INVALID"}
    assert said([measured(at_concurrency(1), broken=rules)]).endswith("INVALID (errors, other-load).")
    assert said([measured(at_rate(1), broken={"errors": "INVALID"})], **OPEN) == (
        "Nothing is claimed of what load this server serves: the run is INVALID (errors)."
    )


def test_a_target_of_its_own_is_said() -> None:
    search = {"shape": "slo-search", "over": "concurrency", "attainment_ratio": 0.75}
    points = users((4, 0.8), (5, 0.7))
    points[1].metrics["ttft_ms"] = latency(900)
    assert said(points, slo=SLO, load=search) == (
        "Serves 4 users at 20 tokens/s each within the SLO for 75 % of the requests; from 5 on requests queue."
    )


def test_a_closed_loop_without_slos_is_said_up_to_its_knee() -> None:
    rates = {1: 20.0, 4: 78.0, 8: 80.0}
    points = [measured(at_concurrency(c), output_tokens_per_s=rate) for c, rate in rates.items()]
    expected = "Serves 4 users at 20 tokens/s each; from 8 on throughput grows no further, and no SLO is stated."
    assert said(points) == expected
    assert said(points[:2]) == "Serves at least 4 users at 20 tokens/s each; more was not tried, and no SLO is stated."
    assert said(points[:1]) == "Serves at least 1 user at 20 tokens/s; more was not tried, and no SLO is stated."


def test_open_loops_count_requests_per_second() -> None:
    keeps_up, behind = measured(at_rate(2.5)), measured(at_rate(4), broken={"server-overloaded": "VALID with warnings"})
    assert said([keeps_up, behind], **OPEN) == (
        "Serves 2.5 requests/s at 20 tokens/s each; from 4 requests/s on requests queue, and no SLO is stated."
    )
    assert said([behind], **OPEN) == "Does not serve 4 requests/s: requests queue; less was not tried."
    assert said([measured(at_rate(1))], **OPEN) == (
        "Serves at least 1 request/s at 20 tokens/s each; more was not tried, and no SLO is stated."
    )
    within, beyond = measured(at_rate(2.5), 1), measured(at_rate(4), 0.5, ttft_ms=900)
    assert said([within, beyond], **OPEN, slo=SLO) == (
        "Serves 2.5 to 4 requests/s within the SLO, 2.5 of them at 20 tokens/s each; "
        "from 4 requests/s on requests queue."
    )


def test_a_trace_is_one_load() -> None:
    load = {"load": {"shape": "replay"}, "prompts": {"source": "trace", "file": "t.jsonl"}}
    assert said([measured(of_replay())], **load) == "Serves the trace at 20 tokens/s each; no SLO is stated."
    late = measured(of_replay(), 0.5, ttft_ms=900)
    assert said([late], **load, slo=SLO) == "Does not serve the trace within the SLO: requests queue."
    assert said([measured(of_replay(), 1)], **load, slo=SLO) == ("Serves the trace at 20 tokens/s each within the SLO.")


def test_vectors_and_whole_answers_have_a_rate_of_requests() -> None:
    point = measured(at_concurrency(4), requests_per_s=33.0, output_tokens_per_s=None, input_tokens_per_s=400.0)
    del point.metrics["decode_tokens_per_s"]
    assert said([point]) == (
        "Serves at least 4 users at 33 requests/s in all; more was not tried, and no SLO is stated."
    )


def test_how_many_answers_are_right_is_said() -> None:
    point = measured(at_concurrency(4), 1, correct_ratio=0.62)
    assert said([point], slo=SLO) == (
        "Serves at least 4 users at 20 tokens/s each within the SLO, 62 % of the answers correct; more was not tried."
    )


def test_of_a_sweep_over_depths_the_sentence_is_about_the_headline() -> None:
    points = [measured(Point(name=f"d{d}-c1", concurrency=1, depth_tokens=d)) for d in (0, 4096)]
    assert said(points) == (
        "At depth 0: serves at least 1 user at 20 tokens/s; more was not tried, and no SLO is stated."
    )


def first_come_first_served(users: int, slots: int, requests: int) -> list[RequestRecord]:
    """A server that takes 100 ms to the first token and 50 ms to each of nine more: 550 ms a request, 20 tokens/s."""
    slot_free_ms, sends_ms, records = [0.0] * slots, [0.0] * users, []
    for index in range(requests):
        sent_ms = heappop(sends_ms)
        begin_ms = max(sent_ms, heappop(slot_free_ms))
        arrivals_ms = [begin_ms - sent_ms + 100 + 50 * i for i in range(10)]
        heappush(slot_free_ms, sent_ms + arrivals_ms[-1])
        heappush(sends_ms, sent_ms + arrivals_ms[-1])
        records.append(request(index, phase=f"c{users}/repeat-1", sent_ms=sent_ms, arrivals_ms=arrivals_ms))
    return records


@pytest.mark.parametrize("slots", [1, 2, 4, 7])
def test_a_server_of_known_capacity_serves_as_many_users_as_it_has_slots(slots: int) -> None:
    loads = list(range(1, slots + 3))
    run = manifest(slo={"ttft_ms": 150, "tpot_ms": 60})  # who waits does so for 550 ms / users at least
    run.workload = workload(
        load={"shape": "closed-loop", "concurrency": loads}, slo={"ttft_ms": 150, "tpot_ms": 60}, output_tokens=10
    )
    run.points = [at_concurrency(load) for load in loads]
    run.phases = [Phase(name=f"c{load}/repeat-1", point=f"c{load}", start_ns=0, end_ns=100 * 10**9) for load in loads]
    records = [each for load in loads for each in first_come_first_served(load, slots, 20 * load)]
    points = summarize_points(run, records, [], [])
    users = "1 user at 20 tokens/s" if slots == 1 else f"{slots} users at 20 tokens/s each"
    assert capacity_sentence(run.workload, points, points[0]) == (
        f"Serves {users} within the SLO; from {slots + 1} on requests queue."
    )
