"""How near a run came to the limits of its host or its GPUs, as `aforo host roofline` knows them."""

from profiler.aggregation.observations import NO_OUTPUT, Observations
from profiler.metrics.engine_reported import decodes_speculatively
from profiler.metrics.limits import Limit, Limits, limits_of
from profiler.metrics.population import FINISHED_SUMS, RATES
from profiler.metrics.registry import Measurement, NotMeasuredError, per_run
from profiler.metrics.shown import Shown
from profiler.metrics.throughput import total_tokens_per_s
from profiler.models import kv_cache
from profiler.results.manifest import EngineFacts, ModelFacts
from profiler.servers.engines import engine_called
from profiler.stats.ranges import Range
from profiler.units import ns_to_s

_ON_CPUS = {
    # What ggml multiplies weights in (ggml-cpu, vec_dot_type); the types of quantised blocks are all int8.
    "f32": ("f32",),
    "f16": ("f16", "f32"),
    "bf16": ("bf16", "f32"),
}
_ON_GPUS = {
    # ggml-cuda multiplies quantised blocks in int8 (MMQ) and f32 in TF32; vLLM unpacks weights of 4 bits to f16.
    "f32": ("tf32", "f32"),
    "f16": ("f16",),
    "bf16": ("bf16", "f16"),
    "fp8": ("fp8", "f16"),
    "awq": ("f16",),
    "gptq": ("f16",),
    "mxfp4": ("f16",),
    "bitsandbytes 4": ("f16",),
    "compressed-tensors 4": ("f16",),
    "compressed-tensors fp8": ("fp8", "f16"),
    "modelopt fp8": ("fp8", "f16"),
}


@per_run(
    "Model bandwidth utilisation (MBU)",
    unit="ratio",
    group="resources",
    better="higher",
    aliases={"Databricks": "MBU"},
    over=FINISHED_SUMS,
    short="MBU",
    shown=Shown(order=115, compared="shown"),
)
def mbu_ratio(seen: Observations) -> float | Measurement:
    """Model bandwidth utilisation: bytes that decoding had to read / time / memory bandwidth of the host or its GPUs.

    Bytes/s = weights per step × steps/s + KV cache read for each output token × output tokens / time in
    which a stream was decoding. A step makes one token for every stream: steps/s = Σ (tokens − 1) / Σ (last token −
    first token). With one stream: (weights + KV cache at the mean context) × decode rate. Databricks, "LLM Inference
    Performance Engineering: Best Practices" (2023). May pass 1 where the caches hold a good part of the model.
    Of a mixture of experts, of which a token uses a share s, a step of B streams reads 1 − (1 − s)^B of the experts:
    each stream's router is taken to choose for itself, B is the mean number of streams while any was decoding.
    Not of speculative decoding, whose steps make several tokens for a stream and whose draft reads weights of its own.
    On GPUs the bandwidth is that of those at work together, where all of the model was in their memory; the note says
    whether it was measured or is that of the data sheet.
    """
    if seen.is_embedding:
        raise NotMeasuredError(NO_OUTPUT)
    if decodes_speculatively(seen):
        raise NotMeasuredError("the engine decodes speculatively: several tokens a step, and a draft that reads, too")
    roof = limits_of(seen).memory_limit()
    kv_bytes = kv_bytes_of(seen.manifest.model, seen.manifest.engine)
    totals = seen.totals
    if not totals.streaming_ns:
        raise NotMeasuredError("no finished request has two tokens that did not arrive together")
    weight_bytes = _weight_bytes_per_step(seen.manifest.model, totals.streaming_ns / totals.streamed.total_ns)
    steps_per_s = totals.steps / ns_to_s(totals.streaming_ns)
    decoding_s = ns_to_s(totals.streamed.total_ns)
    return _against(roof, weight_bytes * steps_per_s + kv_bytes * totals.steps_context_tokens / decoding_s)


@per_run(
    "Model FLOP utilisation (MFU)",
    unit="ratio",
    group="resources",
    better="higher",
    aliases={"PaLM": "MFU"},
    over=RATES,
    short="MFU",
)
def mfu_ratio(seen: Observations) -> float | Measurement:
    """Model FLOP utilisation: operations that the model needs / time / arithmetic peak of the host or its GPUs.

    (2 × parameters + 4 × layers × heads × head size × mean context) × total_tokens_per_s / peak, prompt and output
    tokens alike: the forward part of Chowdhery et al., "PaLM: Scaling Language Modeling with Pathways" (2022), appendix
    B. The mean context is half the length of prompt and answer, all of it in a BERT, which looks both ways. The peak is
    that of the type that the engine multiplies in: int8 for quantised weights. Parameters without lookup tables and
    unused experts.
    """
    limits = limits_of(seen)
    peak = limits.peak(_kinds(seen, limits))
    model = seen.manifest.model
    parameters = _known(model.decode_parameters, "how many parameters a token is multiplied with")
    layers, heads = _known(model.layers, "the number of layers"), _known(model.heads, "the number of heads")
    head_size = _known(kv_cache.head_size(model), "the size of a head")
    rate = total_tokens_per_s(seen)
    looked_at = 1 if model.is_encoder else 1 / 2
    mean_context = looked_at * seen.totals.context_tokens_squared / seen.totals.context_tokens
    return _against(peak, (2 * parameters + 4 * layers * heads * head_size * mean_context) * rate)


def _kinds(seen: Observations, limits: Limits) -> tuple[str, ...]:
    """Return the types that the engine may multiply in, the likeliest first."""
    quantisation = (seen.manifest.model.quantisation or "").casefold()
    if not limits.gpus:
        return _ON_CPUS.get(quantisation, ("int8",))
    in_weights = next((kinds for word, kinds in _ON_GPUS.items() if quantisation.startswith(word)), None)
    return in_weights or ("int8", "f16")


def _against(limit: Limit, rate: float) -> float | Measurement:
    share = rate / limit.per_s
    return share if limit.of_gpus is None else Measurement(Range.exact(share), limit.of_gpus)


def _known(value: int | None, what: str) -> int:
    if value is None:
        raise NotMeasuredError(f"{what} is not known")
    return value


def _weight_bytes_per_step(model: ModelFacts, streams: float) -> float:
    """Return what a step of so many streams reads of the weights."""
    one_stream = _known(model.decode_weight_bytes, "how much of the model a token reads")
    if model.expert_bytes is None or model.expert_ratio is None:
        return one_stream
    chosen_by_any: float = 1 - (1 - model.expert_ratio) ** streams
    return one_stream + model.expert_bytes * (chosen_by_any - model.expert_ratio)


def kv_bytes_of(model: ModelFacts, facts: EngineFacts) -> float:
    """Return keys and values of one token in all layers."""
    engine, elements = engine_called(facts.name), kv_cache.elements_per_token(model)
    if elements is None or engine is None:
        raise NotMeasuredError("the size of the KV cache is not known")
    element_bytes = engine.kv_element_bytes(facts.kv_cache)
    if element_bytes is None:
        raise NotMeasuredError(f"what an element of a {facts.kv_cache} KV cache takes is not known")
    return elements * element_bytes
