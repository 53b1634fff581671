"""How near a run came to the limits of its host."""

from typing import Any

import pytest
from support.builders import MS, observed, request

from profiler.aggregation.observations import Observations
from profiler.metrics.registry import Measurement, NotMeasuredError
from profiler.metrics.roofline import mbu_ratio, mfu_ratio
from profiler.results.host_facts import HostFacts
from profiler.results.records import CardReading, RequestRecord, Sample, ServerTimings

ROOF = {
    "fingerprint": "0",
    "measured_utc": "2026-01-01T00:00:00Z",
    "tool_version": "0",
    "threads": 2,
    "memory_bytes_per_s": 1_000_000.0,
    "peaks": {
        "f32": {"operations_per_s": 2_000_000.0},
        "f16": {"operations_per_s": None, "reason": "no such instruction"},
        "int8": {"operations_per_s": 1_000_000.0},
    },
}
# Two layers, two heads of which one has keys and values, head size 4: 2 × 2 × 1 × 4 × 2 bytes = 32 bytes a token.
MODEL = {
    "decode_weight_bytes": 1_000,
    "decode_parameters": 900,
    "quantisation": "Q8_0",
    "layers": 2,
    "heads": 2,
    "kv_heads": 1,
    "hidden_size": 8,
}


def seen(requests: list[RequestRecord], *, concurrency: int = 1, host: Any = None, **model: Any) -> Observations:
    found = observed(requests, concurrency=concurrency)
    facts = found.manifest.model.model_copy(update={**MODEL, **model})
    described = HostFacts.model_validate({"roofline": ROOF} if host is None else host)
    manifest = found.manifest.model_copy(update={"model": facts, "host": described})
    return Observations(**{**vars(found), "manifest": manifest})


# 8 prompt tokens, 3 tokens at 10, 20 and 30 ms: 2 steps in 20 ms.
ONE = request(0)


def test_mbu_of_one_stream() -> None:
    # 100 steps/s; mean context 8 + 3 / 2 = 9.5 tokens, 304 bytes; (1000 + 304) × 100 of 1 000 000 bytes/s.
    assert mbu_ratio(seen([ONE])) == pytest.approx(0.1304)


@pytest.mark.parametrize(
    ("engine", "kv_type", "element_bytes"),
    [
        *(("llama-server", "f32", 4.0), ("llama-server", "q8_0", 34 / 32), ("llama-server", "bf16", 2.0)),
        *(("vllm", "fp8_e5m2", 1.0), ("vllm", "auto", 2.0), ("vllm", None, 2.0)),
    ],
)
def test_mbu_knows_the_type_of_the_kv_cache(engine: str, kv_type: str | None, element_bytes: float) -> None:
    # 16 elements a token, at a mean context of 9.5 tokens
    found = seen([ONE])
    found.manifest.engine.name = engine
    found.manifest.engine.kv_cache = kv_type
    assert mbu_ratio(found) == pytest.approx((1_000 + 16 * 9.5 * element_bytes) * 100 / 1_000_000)


def test_mbu_of_an_unknown_kv_cache_is_not_measured() -> None:
    found = seen([ONE])
    found.manifest.engine.kv_cache = "turbo3"
    with pytest.raises(NotMeasuredError, match="turbo3"):
        mbu_ratio(found)


@pytest.mark.parametrize(("gaps", "tokens", "is_speculative"), [(100, 110, False), (60, 110, True)])
def test_mbu_of_speculative_decoding_is_not_measured(gaps: int, tokens: int, is_speculative: bool) -> None:
    """Ten requests of eleven tokens: 100 after the first ones, in as many steps or in 60."""
    found = seen([ONE])
    found.manifest.engine.name = "vllm"
    (phase,) = (phase for phase in found.manifest.phases if phase.is_measured)
    phase.engine_counted = {
        "vllm:inter_token_latency_seconds_count": gaps,
        "vllm:generation_tokens_total": tokens,
        "vllm:time_to_first_token_seconds_count": 10,
    }
    if not is_speculative:
        assert mbu_ratio(found) == pytest.approx(0.1304)
        return
    with pytest.raises(NotMeasuredError, match="decodes speculatively"):
        mbu_ratio(found)


def test_mbu_of_a_server_that_tells_of_drafts_is_not_measured() -> None:
    told = ServerTimings(prompt_n=8, prompt_ms=10.0, predicted_n=3, predicted_ms=20.0, draft_n=4)
    drafted = request(0)
    drafted.server_timings = told
    with pytest.raises(NotMeasuredError, match="decodes speculatively"):
        mbu_ratio(seen([drafted]))


def test_mbu_does_not_count_the_time_between_requests() -> None:
    assert mbu_ratio(seen([ONE, request(1, sent_ms=500)])) == pytest.approx(0.1304)


@pytest.mark.parametrize(("streams", "experts"), [(1, 0.25), (2, 0.4375), (4, 1 - 0.75**4)])
def test_mbu_of_a_mixture_reads_the_experts_that_any_stream_chooses(streams: int, experts: float) -> None:
    # 1000 bytes for one stream, a quarter of 3200 bytes of experts among them: 200 + 3200 × 1 − 0.75^streams
    found = seen([request(i) for i in range(streams)], expert_bytes=3200, expert_ratio=0.25)
    weights = 1_000 + 3_200 * (experts - 0.25)
    assert mbu_ratio(found) == pytest.approx((weights + streams * 304) * 100 / 1_000_000)


def test_mbu_of_two_streams_reads_the_weights_once_a_step_and_both_caches() -> None:
    # Both stream from 10 to 30 ms: 100 steps/s of 1000 bytes of weights and 2 × 304 bytes of cache.
    assert mbu_ratio(seen([ONE, request(1)], concurrency=2)) == pytest.approx(0.1608)


def test_mfu() -> None:
    # One request from 0 to 30 ms: 8 + 3 tokens, 366.7 tokens/s. Mean context 11² / 2 / 11 = 5.5 tokens:
    # 2 × 900 + 4 × 2 × 8 × 5.5 = 2152 operations a token, 789 066.7 of 1 000 000 a second.
    assert mfu_ratio(seen([ONE])) == pytest.approx(2152 * 11 / 0.030 / 1_000_000)


@pytest.mark.parametrize(("quantisation", "peak"), [("Q4_K_M", 1e6), ("F32", 2e6), ("F16", 2e6), (None, 1e6)])
def test_mfu_is_against_the_type_that_the_engine_multiplies_in(quantisation: str | None, peak: float) -> None:
    # F16 where the processor has no arithmetic in it is computed in f32.
    assert mfu_ratio(seen([ONE], quantisation=quantisation)) == pytest.approx(2152 * 11 / 0.030 / peak)


def test_mfu_of_an_encoder_counts_the_whole_text_for_each_token() -> None:
    # 8 tokens in 30 ms, every one of them looks at all 8: 2 × 900 + 4 × 2 × 8 × 8 = 2312 operations a token.
    embedding = request(0, tokens=(0, 0, 0))
    assert mfu_ratio(seen([embedding], architecture="nomic-bert")) == pytest.approx(2312 * 8 / 0.030 / 1_000_000)


def test_heads_may_be_wider_than_their_share_of_the_hidden_size() -> None:
    # Keys of 8 elements instead of 4 double the cache and what attention multiplies.
    assert mbu_ratio(seen([ONE], head_size=8)) == pytest.approx((1_000 + 2 * 304) * 100 / 1_000_000)
    assert mfu_ratio(seen([ONE], head_size=8)) == pytest.approx((1_800 + 2 * 352) * 11 / 0.030 / 1_000_000)


@pytest.mark.parametrize("metric", [mbu_ratio, mfu_ratio])
@pytest.mark.parametrize(
    ("host", "model", "reason"),
    [
        ({}, {}, "aforo host roofline"),
        ({"roofline": None}, {}, "aforo host roofline"),
        (
            {"roofline": ROOF, "gpus": [{"index": 0, "source": "nvml"}]},
            {},
            "not known whether the model was in its memory",
        ),
        (
            {"roofline": {**ROOF, "memory_bytes_per_s": None, "memory_reason": "emulated", "peaks": {}}},
            {},
            "no such limit",
        ),
        (None, {"decode_weight_bytes": None, "decode_parameters": None}, "not known"),
        (None, {"layers": None}, "not known"),
        (None, {"hidden_size": None}, "size of (a head|the KV cache)"),
    ],
)
def test_without_a_limit_or_a_fact_it_is_not_measured(metric: Any, host: Any, model: Any, reason: str) -> None:
    with pytest.raises(NotMeasuredError, match=reason):
        metric(seen([ONE], host=host, **model))


@pytest.mark.parametrize("metric", [mbu_ratio, mfu_ratio])
def test_a_server_elsewhere_is_not_held_against_this_machine(metric: Any) -> None:
    here = seen([ONE])
    engine = here.manifest.engine.model_copy(update={"is_remote": True})
    manifest = here.manifest.model_copy(update={"engine": engine})
    with pytest.raises(NotMeasuredError, match="another machine"):
        metric(Observations(**{**vars(here), "manifest": manifest}))


def test_without_two_tokens_nothing_was_decoded() -> None:
    with pytest.raises(NotMeasuredError, match="two tokens"):
        mbu_ratio(seen([request(0, arrivals_ms=[10.0])]))


H100 = {
    "name": "H100",
    "memory_bytes_per_s": 2_000_000.0,
    "peaks": {
        "f16": {"operations_per_s": 4_000_000.0, "is_data_sheet": True},
        "tf32": {"operations_per_s": 2_000_000.0},
        "int8": {"operations_per_s": 8_000_000.0, "is_data_sheet": True},
        "fp8": {"operations_per_s": None, "reason": "this generation of GPUs has no instruction for it"},
    },
}


def on_gpus(*shown: list[CardReading], roofs: Any = None, **model: Any) -> Observations:
    """One request from 0 to 30 ms on a host with two GPUs; samples of them at 10 ms, 20 ms, …"""
    samples = [Sample(t_ns=(number + 1) * 10 * MS, cards=cards) for number, cards in enumerate(shown)]
    gpus = [{"index": index, "source": "nvml", "name": "H100"} for index in (0, 1)]
    roofs = [{"index": 0, **H100}, {"index": 1, **H100}] if roofs is None else roofs
    host = {"gpus": gpus, "roofline": {**ROOF, "gpus": roofs}}
    found = seen([ONE], host=host, **model)
    return Observations(**{**vars(found), "samples": samples})


def card(index: int, used_bytes: int | None, busy_ratio: float | None = 0.9) -> CardReading:
    return CardReading(card=f"nvml:{index}", memory_used_bytes=used_bytes, busy_ratio=busy_ratio)


def test_on_a_gpu_the_limits_are_its_own() -> None:
    # 130 400 bytes/s, see above, of 2 000 000; the second card rests
    found = on_gpus([card(0, 1_500), card(1, 400, 0.0)])
    mbu, mfu = mbu_ratio(found), mfu_ratio(found)
    assert isinstance(mbu, Measurement)
    assert isinstance(mfu, Measurement)
    assert mbu.range.value == pytest.approx(0.0652)
    assert mbu.note == "limit of 1 GPU, measured"
    assert mfu.range.value == pytest.approx(2152 * 11 / 0.030 / 8_000_000)
    assert mfu.note == "limit of 1 GPU, data sheet"


def test_of_several_gpus_the_limits_add_up() -> None:
    # 800 and 700 bytes hold the 1000 of the model
    mbu = mbu_ratio(on_gpus([card(0, 100), card(1, 700)], [card(0, 800), card(1, 600)]))
    assert isinstance(mbu, Measurement)
    assert mbu.range.value == pytest.approx(0.0326)
    assert mbu.note == "limit of 2 GPUs, measured"


@pytest.mark.parametrize(
    ("quantisation", "peak"),
    [
        *(("Q4_K_M", 8e6), ("F16", 4e6), ("BF16", 4e6), ("F32", 2e6)),
        *(("fp8", 4e6), ("awq 4 bit", 4e6), ("gptq 4 bit", 4e6), (None, 8e6)),
    ],
)
def test_mfu_on_a_gpu_is_against_the_type_that_its_engine_multiplies_in(quantisation: str | None, peak: float) -> None:
    # this card has no peak of bf16 and of fp8: f16 stands for them
    mfu = mfu_ratio(on_gpus([card(0, 1_500), card(1, 0, 0.0)], quantisation=quantisation))
    assert isinstance(mfu, Measurement)
    assert mfu.range.value == pytest.approx(2152 * 11 / 0.030 / peak)


@pytest.mark.parametrize("metric", [mbu_ratio, mfu_ratio])
@pytest.mark.parametrize(
    ("cards", "roofs", "model", "reason"),
    [
        ([card(0, 900)], None, {}, "had 9e-07 GB in use and the weights take 1e-06 GB: at least a part"),
        ([card(0, 1_500, 0.03)], None, {}, "busy for 3% of the time at the most, as a display's may be"),
        ([card(0, None)], None, {}, "the driver does not tell how much memory"),
        ([], None, {}, "not known whether the model was in its memory: its GPUs were not sampled"),
        ([card(0, 1_500)], [], {}, "knows nothing of these GPUs: aforo host roofline --refresh"),
        ([card(0, 1_500)], [{"index": 0, "memory_bytes_per_s": None, "reason": "no nvcc"}], {}, "no such limit"),
        # all experts lie in memory, whatever a token uses: 1000 + 3200 × 3 / 4 bytes
        ([card(0, 3_300)], None, {"expert_bytes": 3200, "expert_ratio": 0.25}, "the weights take 3.4e-06 GB"),
    ],
)
def test_a_model_that_was_not_seen_in_the_gpus(metric: Any, cards: Any, roofs: Any, model: Any, reason: str) -> None:
    with pytest.raises(NotMeasuredError, match=reason):
        metric(on_gpus(cards, roofs=roofs, **model))


def test_a_gpu_that_draws_a_desktop_is_not_at_work() -> None:
    mbu = mbu_ratio(on_gpus([card(0, 1_500), card(1, 400, 0.05)]))
    assert isinstance(mbu, Measurement)
    assert mbu.note == "limit of 1 GPU, measured"


def test_where_all_gpus_rest_the_cpus_serve() -> None:
    assert mbu_ratio(on_gpus([card(0, 1_500, 0.0), card(1, 0, 0.0)])) == pytest.approx(0.1304)
