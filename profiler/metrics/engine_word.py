"""What the engine says of its own speed, and whether it agrees with what a client saw."""

from collections.abc import Sequence
from typing import NamedTuple

from profiler.metrics.latency import token_arrivals_ns
from profiler.metrics.observations import Observations
from profiler.metrics.registry import NotMeasuredError, metric
from profiler.servers.engine_log import EngineTiming
from profiler.units import MS_PER_S, ns_to_ms

_DECODE_HISTOGRAMS = (  # vLLM's, in seconds, one value per gap between tokens; newest name first
    "vllm:inter_token_latency_seconds",
    "vllm:time_per_output_token_seconds",
)


class _Decoding(NamedTuple):
    """Time between the first token and the last, summed over requests, as the engine counts it."""

    gaps: float
    ms: float


def _timings(seen: Observations) -> list[EngineTiming]:
    timings = [timing for timing in seen.engine_timings if timing is not None]
    if not timings:
        raise NotMeasuredError("the engine published no timing that matches the requests one to one")
    return timings


def _counted(seen: Observations) -> _Decoding | None:
    """Return what the engine's histograms say of the measured phases, where it has them."""
    phases = [phase.engine_counted for phase in seen.manifest.phases if phase.is_measured]
    for name in _DECODE_HISTOGRAMS:
        gaps = sum(counted.get(f"{name}_count", 0.0) for counted in phases)
        if gaps:
            return _Decoding(gaps, sum(counted.get(f"{name}_sum", 0.0) for counted in phases) * MS_PER_S)
    return None


@metric("per-run", unit="tokens/s", group="throughput", better="higher", aliases={"llama-bench": "tg"})
def engine_decode_tokens_per_s(seen: Observations) -> float:
    """The engine's own word: tokens after the first / time for them, summed over the measured requests.

    From its answers (llama-server), its histograms (vLLM) or its log (llama-cpp-python, where sampling and the HTTP
    server are left out).
    """
    decoding = _counted(seen) or _sum(_timings(seen))
    if decoding.ms <= 0:
        raise NotMeasuredError("the engine told no decode time")
    return decoding.gaps * MS_PER_S / decoding.ms


@metric("per-run", unit="tokens/s", group="throughput", better="higher", aliases={"llama-bench": "pp"})
def engine_prefill_tokens_per_s(seen: Observations) -> float:
    """The engine's own word: prompt tokens evaluated / evaluation time, summed over the measured requests."""
    timings = _timings(seen)
    prompt_ms = sum(timing.prompt_ms for timing in timings)
    if prompt_ms <= 0:
        raise NotMeasuredError("the engine told no prompt evaluation time")
    return sum(timing.prompt_tokens for timing in timings) * MS_PER_S / prompt_ms


@metric("per-run", unit="ratio", group="trust", better="lower")
def engine_gap_ratio(seen: Observations) -> float:
    """|Time between first and last token as the client saw it − as the engine tells| / as the engine tells, summed.

    Only where both mean the same span: llama-server's timings, vLLM's histograms. The log of llama-cpp-python leaves
    out sampling and HTTP, so that a difference there says nothing about the measurement.
    """
    if counted := _counted(seen):
        if len(seen.finished) < len(seen.requests):
            raise NotMeasuredError("the engine's histograms also count requests that failed")
        ours, theirs = [ns_to_ms(_span_ns(token_arrivals_ns(request))) for request in seen.finished], counted.ms
    else:
        of_request = dict(zip((request.index for request in seen.requests), seen.engine_timings, strict=True))
        pairs = [
            (ns_to_ms(_span_ns(token_arrivals_ns(request))), timing.decode_ms)
            for request in seen.finished
            if (timing := of_request[request.index]) is not None and timing.covers_sampling
        ]
        ours, theirs = [span_ms for span_ms, _ in pairs], sum(decode_ms for _, decode_ms in pairs)
    if theirs <= 0:
        raise NotMeasuredError("the engine tells no time that covers the same span as the client's")
    return abs(sum(ours) - theirs) / theirs


def _span_ns(arrivals_ns: Sequence[int]) -> int:
    return arrivals_ns[-1] - arrivals_ns[0]


def _sum(timings: Sequence[EngineTiming]) -> _Decoding:
    return _Decoding(sum(timing.decode_runs for timing in timings), sum(timing.decode_ms for timing in timings))
