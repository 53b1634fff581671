import pytest
from support.builders import observed, request, workload

from profiler.aggregation.observations import Observations
from profiler.metrics.engine_reported import (
    cached_prompt_ratio,
    client_prefill_tokens_per_s,
    engine_decode_tokens_per_s,
    engine_e2e_ms,
    engine_gap_ratio,
    engine_prefill_tokens_per_s,
    engine_ttft_ms,
    unexpected_cache_hit_ratio,
)
from profiler.metrics.registry import NotMeasuredError
from profiler.results.records import Outcome
from profiler.servers.timings import EngineTiming

# Two requests, three tokens each at 10, 20, 30 ms: 20 ms from the first token to the last.
TWO = [request(0), request(1, sent_ms=40)]


def counted(seen: Observations, **values: float) -> Observations:
    """The same run, in which the engine's counters went on by these."""
    (phase,) = (phase for phase in seen.manifest.phases if phase.is_measured)
    seen.manifest.engine.name = "vllm"
    phase.engine_counted = {f"vllm:{name}": value for name, value in values.items()}
    return seen


def test_the_engines_own_word_is_taken_for_measured_requests_only() -> None:
    warm = request(0, phase="warmup")
    timings = [EngineTiming(8, 100.0, 2, 100.0), EngineTiming(8, 4.0, 2, 16.0), EngineTiming(8, 4.0, 2, 24.0)]
    seen = observed([warm, request(1), request(2, sent_ms=40)], timings=timings)
    assert engine_decode_tokens_per_s(seen) == pytest.approx(4 / 0.040)
    assert engine_prefill_tokens_per_s(seen) == pytest.approx(16 / 0.008)


def test_our_counterpart_of_prompt_processing_is_a_ratio_of_sums() -> None:
    # 8 tokens in 10 ms and 32 tokens in 40 ms; of a prompt without a length nothing is said.
    late = request(1, sent_ms=40, arrivals_ms=(40.0, 50.0), prompt_tokens=32)
    unknown = request(2, sent_ms=90, prompt_tokens=None)
    assert client_prefill_tokens_per_s(observed([request(0), late, unknown])) == pytest.approx(40 / 0.050)
    with pytest.raises(NotMeasuredError, match="not known"):
        client_prefill_tokens_per_s(observed([unknown]))


def test_engine_timings_that_do_not_match_one_to_one_are_not_used() -> None:
    with pytest.raises(NotMeasuredError, match="one to one"):
        engine_decode_tokens_per_s(observed(TWO, timings=[EngineTiming(8, 1.0, 2, 1.0)]))


def test_the_gap_is_between_the_same_spans() -> None:
    # The client saw 20 ms twice; the engine tells 19 ms and 20.5 ms: |40 − 39.5| / 39.5.
    timings = [EngineTiming(8, 4.0, 2, 19.0, True), EngineTiming(8, 4.0, 2, 20.5, True)]
    assert engine_gap_ratio(observed(TWO, timings=timings)) == pytest.approx(0.5 / 39.5)


def test_a_log_that_leaves_out_sampling_is_not_compared() -> None:
    with pytest.raises(NotMeasuredError, match="no duration comparable"):
        engine_gap_ratio(observed(TWO, timings=[EngineTiming(8, 4.0, 2, 19.0)] * 2))


def test_a_request_that_failed_or_told_nothing_is_left_out_of_the_gap() -> None:
    requests = [*TWO, request(2, sent_ms=80, outcome=Outcome.TRUNCATED)]
    timings = [EngineTiming(8, 4.0, 2, 16.0, True), None, EngineTiming(8, 4.0, 2, 99.0, True)]
    assert engine_gap_ratio(observed(requests, timings=timings)) == pytest.approx(4 / 16)


def test_histograms_count_every_gap_between_tokens() -> None:
    # Four gaps in 0.05 s by vLLM's word, 40 ms by ours.
    seen = counted(observed(TWO), inter_token_latency_seconds_sum=0.05, inter_token_latency_seconds_count=4.0)
    assert engine_decode_tokens_per_s(seen) == pytest.approx(80)
    assert engine_gap_ratio(seen) == pytest.approx(0.2)


def test_several_tokens_come_in_a_step_of_speculative_decoding() -> None:
    # Two requests of 16 tokens: the first of each, and 30 in ten steps of 0.05 s.
    steps = {"inter_token_latency_seconds_sum": 0.5, "inter_token_latency_seconds_count": 10.0}
    tokens = {"generation_tokens_total": 32.0, "time_to_first_token_seconds_count": 2.0}
    assert engine_decode_tokens_per_s(counted(observed(TWO), **steps, **tokens)) == pytest.approx(60)
    assert engine_decode_tokens_per_s(counted(observed(TWO), **steps)) == pytest.approx(20)


def test_histograms_tell_of_prompts_and_of_whole_requests() -> None:
    seen = counted(
        observed(TWO),
        request_prefill_kv_computed_tokens_sum=16.0,
        prompt_tokens_total=32.0,
        request_prefill_time_seconds_sum=0.02,
        time_to_first_token_seconds_sum=0.024,
        time_to_first_token_seconds_count=2.0,
        e2e_request_latency_seconds_sum=0.064,
        e2e_request_latency_seconds_count=2.0,
    )
    assert engine_prefill_tokens_per_s(seen) == pytest.approx(800)
    assert (engine_ttft_ms(seen), engine_e2e_ms(seen)) == (pytest.approx(12), pytest.approx(32))
    with pytest.raises(NotMeasuredError, match="histogram"):
        engine_ttft_ms(observed(TWO))


def test_histograms_that_count_failed_requests_too_are_not_compared() -> None:
    seen = observed([*TWO, request(2, outcome=Outcome.TIMEOUT)])
    with pytest.raises(NotMeasuredError, match="failed"):
        engine_gap_ratio(counted(seen, inter_token_latency_seconds_sum=1.0, inter_token_latency_seconds_count=4.0))


def test_histograms_that_count_requests_outside_the_steady_windows_are_not_compared() -> None:
    # Ten rounds of four slots without a warm-up: the window leaves out the burst of four and the last three, so 7 of
    # 40 requests are in the engine's sums alone. Its 20 ms a request are the client's; 0.8 s against 0.66 s are not.
    requests = [request(i, sent_ms=31 * (i // 4) + 0.01 * (i % 4)) for i in range(40)]
    seen = observed(requests, concurrency=4)
    assert (seen.totals.sent, seen.totals.finished) == (33, 40)
    with pytest.raises(NotMeasuredError, match="outside the steady windows"):
        engine_gap_ratio(counted(seen, inter_token_latency_seconds_sum=0.8, inter_token_latency_seconds_count=80.0))


def reusing(cached: int | None, **manifest: object) -> Observations:
    """Two requests of 8 prompt tokens each, the second with so many from a cache."""
    requests = [request(0), request(1, sent_ms=40)]
    requests[0].prompt_tokens_cached = None if cached is None else 0
    requests[1].prompt_tokens_cached = cached
    seen = observed(requests)
    seen.manifest.workload = workload(**manifest)
    return seen


def test_what_came_from_a_cache_is_a_share_of_the_prompts() -> None:
    assert cached_prompt_ratio(reusing(6)) == unexpected_cache_hit_ratio(reusing(6)) == pytest.approx(6 / 16)
    assert cached_prompt_ratio(reusing(0)) == 0
    by_counters = counted(reusing(None), prompt_tokens_total=16, prompt_tokens_cached_total=4)
    assert cached_prompt_ratio(by_counters) == 0.25
    with pytest.raises(NotMeasuredError, match="does not report"):
        cached_prompt_ratio(reusing(None))
    with pytest.raises(NotMeasuredError, match="does not report"):  # a version that counts prompts alone
        cached_prompt_ratio(counted(reusing(None), prompt_tokens_total=16))


@pytest.mark.parametrize(
    "prompts",
    [
        {"source": "conversations", "turns": 2, "first_tokens": 8, "turn_tokens": 4},
        {"source": "trace", "file": "t.csv"},
        {"source": "synthetic", "tokens": 8, "system": {"tokens": 4, "share": 0.5}},
    ],
)
def test_reuse_that_the_workload_asks_for_is_nothing_to_warn_of(prompts: dict[str, object]) -> None:
    seen = reusing(6, prompts=prompts)
    assert cached_prompt_ratio(seen) == pytest.approx(6 / 16)
    with pytest.raises(NotMeasuredError, match="as was asked for"):
        unexpected_cache_hit_ratio(seen)


def test_reuse_that_an_option_allows_is_nothing_to_warn_of() -> None:
    seen = reusing(6)
    seen.manifest.engine.prompt_cache = "warm"
    with pytest.raises(NotMeasuredError, match="as was asked for"):
        unexpected_cache_hit_ratio(seen)
    nobody = {"source": "synthetic", "tokens": 8, "system": {"tokens": 4, "share": 0.0}}
    assert unexpected_cache_hit_ratio(reusing(6, prompts=nobody)) > 0
