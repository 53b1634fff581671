import pytest
from support.builders import manifest, request

from profiler.metrics.summarize import summarize
from profiler.results.records import Outcome
from profiler.results.summary import Distribution, NotMeasured, Scalar


def test_a_run_of_two_repeats() -> None:
    requests = [
        request(0, phase="warmup", arrivals_ms=(500, 600)),
        request(1, sent_ms=0, arrivals_ms=(10, 20)),
        request(2, sent_ms=30, arrivals_ms=(20, 30)),
        request(3, sent_ms=60, outcome=Outcome.TIMEOUT),
        request(4, phase="repeat-2", sent_ms=1000, arrivals_ms=(30, 40)),
    ]
    summary = summarize(manifest(repeats=2), requests, [], [])
    assert (summary.requests_ok, summary.requests_failed) == (3, 1)
    assert summary.outcomes == {"ok": 3, "timeout": 1}
    ttft = summary.metrics["ttft_ms"]
    assert isinstance(ttft, Distribution)
    assert (ttft.n, ttft.min, ttft.mean, ttft.max) == (3, 10, 20, 30)
    assert ttft.quantiles["p50"] == 20
    assert ttft.indicative == ["p50", "p90", "p95", "p99"]
    assert ttft.per_repeat_mean == [15, 30]
    rate = summary.metrics["requests_per_s"]
    assert isinstance(rate, Scalar)
    assert rate.per_repeat == pytest.approx([2 / 0.060, 1 / 0.040])
    assert rate.value == pytest.approx(3 / 0.100)


def test_nothing_finished_is_said_not_shown_as_zero() -> None:
    summary = summarize(manifest(), [request(0, outcome=Outcome.RESET)], [], [])
    assert summary.metrics["ttft_ms"] == NotMeasured(unit="ms", reason="no request finished")
    rate = summary.metrics["output_tokens_per_s"]
    assert isinstance(rate, Scalar)
    assert rate.value is None
    assert rate.reason
    assert summary.metrics["error_ratio"] == Scalar(unit="ratio", value=1.0)


def test_the_same_records_give_the_same_bytes() -> None:
    requests = [request(i, sent_ms=40 * i) for i in range(70)]
    first = summarize(manifest(), requests, [], []).model_dump_json()
    assert summarize(manifest(), requests, [], []).model_dump_json() == first
