import pytest
from support.builders import S, observed, request

from profiler.metrics.registry import NotMeasuredError
from profiler.metrics.throughput import (
    goodput_rps,
    input_tokens_per_s,
    output_tokens_per_s,
    requests_per_s,
    total_tokens_per_s,
)
from profiler.metrics.windows import Window, steady_windows
from profiler.results.records import Outcome, RequestRecord


def steady_window(requests: list[RequestRecord], slots: int | None) -> Window | None:
    """The steady part of a single repeat."""
    return steady_windows(requests, {"repeat-1": slots}).get("repeat-1")


# One stream: three tokens each at 10, 20, 30 ms; the second request is sent at 40 ms and ends at 70 ms.
ONE_STREAM = [request(0, sent_ms=0), request(1, sent_ms=40)]


def test_one_stream_is_steady_from_the_first_send_to_the_last_byte() -> None:
    assert steady_window(ONE_STREAM, 1) == Window(0, S * 70 // 1000)


def test_two_streams_are_steady_while_both_slots_are_busy() -> None:
    # Slots: A 0–30, B 5–35, then C 30–60 and D 35–65. The last send is at 35; the first slot to run empty is C's.
    requests = [request(i, sent_ms=t) for i, t in enumerate((0, 5, 30, 35))]
    assert steady_window(requests, 2) == Window(S * 5 // 1000, S * 60 // 1000)


def test_fewer_requests_than_slots_are_never_steady() -> None:
    assert steady_window(ONE_STREAM, 3) is None
    with pytest.raises(NotMeasuredError, match="steady"):
        output_tokens_per_s(observed(ONE_STREAM, concurrency=3))


def test_an_open_loop_is_steady_from_the_first_answer_to_the_last_arrival() -> None:
    # Sent at 0, 5, 30, 35 ms; answers take 30 ms: the first ends at 30, the last is sent at 35.
    requests = [request(i, sent_ms=t) for i, t in enumerate((0, 5, 30, 35))]
    assert steady_window(requests, None) == Window(S * 30 // 1000, S * 35 // 1000)
    assert steady_window(requests[:1], None) is None


def test_rates_of_one_stream() -> None:
    seen = observed(ONE_STREAM)
    assert output_tokens_per_s(seen) == pytest.approx(6 / 0.070)
    assert input_tokens_per_s(seen) == pytest.approx(16 / 0.070)
    assert total_tokens_per_s(seen) == pytest.approx((6 + 16) / 0.070)
    assert requests_per_s(seen) == pytest.approx(2 / 0.070)


def test_only_tokens_inside_the_window_count() -> None:
    # Two slots, window 5–60 ms as above. A: 10 20 30; B: 15 25 35; C: 40 50 60 — all inside; D: 45 55, but 65 is not.
    requests = [request(i, sent_ms=t) for i, t in enumerate((0, 5, 30, 35))]
    assert output_tokens_per_s(observed(requests, concurrency=2)) == pytest.approx(11 / 0.055)
    assert requests_per_s(observed(requests, concurrency=2)) == pytest.approx(3 / 0.055)


def test_warmup_and_failures_do_not_count() -> None:
    extra = [request(8, phase="warmup"), request(9, sent_ms=20, outcome=Outcome.TRUNCATED)]
    assert output_tokens_per_s(observed([*ONE_STREAM, *extra])) == pytest.approx(6 / 0.070)


def test_repeats_are_pooled_over_their_own_windows() -> None:
    second = [request(2, phase="repeat-2", sent_ms=1000), request(3, phase="repeat-2", sent_ms=1040)]
    seen = observed([*ONE_STREAM, *second], repeats=2)
    assert output_tokens_per_s(seen) == pytest.approx(12 / 0.140)


def test_goodput_counts_requests_that_meet_every_objective() -> None:
    slow = request(1, sent_ms=40, arrivals_ms=(25, 35, 45))  # TTFT 25 ms; ends at 85 ms
    requests = [request(0, sent_ms=0), slow]
    assert goodput_rps(observed(requests, slo={"ttft_ms": 15})) == pytest.approx(1 / 0.085)
    assert goodput_rps(observed(requests, slo={"ttft_ms": 25, "e2e_ms": 45})) == pytest.approx(2 / 0.085)
    assert goodput_rps(observed(requests, slo={"tpot_ms": 9})) == 0
    with pytest.raises(NotMeasuredError, match="no SLO"):
        goodput_rps(observed(requests))


def test_embeddings_are_counted_by_what_goes_in() -> None:
    # Sent at 0 and 40 ms, each answered after 30 ms: 16 prompt tokens in 70 ms.
    seen = observed([request(i, sent_ms=t, tokens=(0, 0, 0)) for i, t in enumerate((0, 40))])
    seen.manifest.workload["api"] = "embeddings"
    assert input_tokens_per_s(seen) == pytest.approx(16 / 0.070)
    assert total_tokens_per_s(seen) == pytest.approx(16 / 0.070)
    assert requests_per_s(seen) == pytest.approx(2 / 0.070)
    with pytest.raises(NotMeasuredError, match="embedding"):
        output_tokens_per_s(seen)


def test_the_input_rate_of_texts_of_unknown_length_is_not_measured() -> None:
    with pytest.raises(NotMeasuredError, match="length of the prompts"):
        input_tokens_per_s(observed([request(0, prompt_tokens=None)]))
