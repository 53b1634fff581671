import pytest
from support.builders import manifest, observed, request, workload

from profiler.metrics.registry import NotMeasuredError
from profiler.metrics.throughput import (
    goodput_rps,
    input_tokens_per_s,
    output_tokens_per_s,
    requests_per_s,
    slo_attainment_ratio,
    total_tokens_per_s,
)
from profiler.results.manifest import Source, TokenPriceFacts
from profiler.results.records import Outcome
from profiler.results.summary import Scalar
from profiler.summaries.summarize import summarize

# One stream: three tokens each at 10, 20, 30 ms; the second request is sent at 40 ms and ends at 70 ms.
ONE_STREAM = [request(0, sent_ms=0), request(1, sent_ms=40)]
# Two slots of requests of 30 ms: A 0–30, B 5–35, C 30–60, D 35–65, E 60–90, F 65–95.
TWO_STREAMS = [request(i, sent_ms=t) for i, t in enumerate((0, 5, 30, 35, 60, 65))]


def test_fewer_requests_than_slots_are_never_steady() -> None:
    with pytest.raises(NotMeasuredError, match="2 requests for 3 slots: no steady state; pass --requests 30"):
        output_tokens_per_s(observed(ONE_STREAM, concurrency=3))


def test_rates_of_one_stream() -> None:
    seen = observed(ONE_STREAM)
    assert output_tokens_per_s(seen) == pytest.approx(6 / 0.070)
    assert input_tokens_per_s(seen) == pytest.approx(16 / 0.070)
    assert total_tokens_per_s(seen) == pytest.approx((6 + 16) / 0.070)
    assert requests_per_s(seen) == pytest.approx(2 / 0.070)


def test_rates_of_two_streams_do_not_depend_on_where_the_window_ends() -> None:
    # 2 in flight, 30 ms and 3 tokens each, however many requests there are
    for requests in (TWO_STREAMS[:4], TWO_STREAMS[:5], TWO_STREAMS):
        seen = observed(requests, concurrency=2)
        assert requests_per_s(seen) == pytest.approx(2 / 0.030)
        assert output_tokens_per_s(seen) == pytest.approx(6 / 0.030)
        assert input_tokens_per_s(seen) == pytest.approx(16 / 0.030)


def test_a_failed_request_takes_its_time_and_brings_nothing() -> None:
    # one slot, 30 ms each: of 90 ms two requests and their tokens come out
    failed = request(1, sent_ms=30, outcome=Outcome.TRUNCATED)
    seen = observed([request(0), failed, request(2, sent_ms=60)])
    assert requests_per_s(seen) == pytest.approx(2 / 0.090)
    assert output_tokens_per_s(seen) == pytest.approx(6 / 0.090)


def test_warmup_does_not_count() -> None:
    assert output_tokens_per_s(observed([*ONE_STREAM, request(8, phase="warmup")])) == pytest.approx(6 / 0.070)


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


@pytest.mark.parametrize("slo", [{}, {"ttft_ms": None, "tpot_ms": None, "e2e_ms": None}])
def test_without_an_slo_there_is_neither_goodput_nor_attainment(slo: dict[str, float | None]) -> None:
    # run.json writes every objective, those that are not stated as null
    for measure in (goodput_rps, slo_attainment_ratio):
        with pytest.raises(NotMeasuredError, match="the workload states no SLO"):
            measure(observed(ONE_STREAM, slo=slo))


def test_embeddings_are_counted_by_what_goes_in() -> None:
    # Sent at 0 and 40 ms, each answered after 30 ms: 16 prompt tokens in 70 ms.
    seen = observed([request(i, sent_ms=t, tokens=(0, 0, 0)) for i, t in enumerate((0, 40))])
    seen.manifest.workload = workload(api="embeddings", output_tokens=0)
    assert input_tokens_per_s(seen) == pytest.approx(16 / 0.070)
    assert total_tokens_per_s(seen) == pytest.approx(16 / 0.070)
    assert requests_per_s(seen) == pytest.approx(2 / 0.070)
    with pytest.raises(NotMeasuredError, match="embedding"):
        output_tokens_per_s(seen)


def test_the_input_rate_of_texts_of_unknown_length_is_not_measured() -> None:
    with pytest.raises(NotMeasuredError, match="length of the prompts"):
        input_tokens_per_s(observed([request(0, prompt_tokens=None)]))


def test_what_a_request_costs_is_exact_where_tokens_are_charged_for() -> None:
    # 30 requests of 1 to 30 tokens, 10 ms each: 465 tokens at 2 a million and 240 prompt tokens at 1 a million
    requests, sent_ms = [], 0.0
    for tokens in range(1, 31):
        requests.append(request(tokens, sent_ms=sent_ms, arrivals_ms=[10.0 * (i + 1) for i in range(tokens)]))
        sent_ms += 10.0 * tokens
    run = manifest()
    source = Source(name="flag", title="stated")
    price = TokenPriceFacts(input_per_1m=1.0, output_per_1m=2.0, currency="USD", source=source)
    charged = run.model_copy(update={"cost": run.cost.model_copy(update={"token_price": price})})
    cost = summarize(charged, requests, [], []).metrics["cost_per_request"]
    assert isinstance(cost, Scalar)
    assert cost.value == pytest.approx((465 * 2 + 240 * 1) / 1e6 / 30)
