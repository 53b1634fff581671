"""What the engine says of its own speed, and whether it agrees with what a client saw."""

from typing import NamedTuple

from profiler.metrics.observations import Observations
from profiler.metrics.registry import NotMeasuredError, metric
from profiler.metrics.totals import EngineTotals
from profiler.units import MS_PER_S, NS_PER_S, ns_to_ms

_DECODE_HISTOGRAMS = (  # vLLM's, in seconds, one value per gap between tokens; newest name first
    "vllm:inter_token_latency_seconds",
    "vllm:time_per_output_token_seconds",
)


class _Decoding(NamedTuple):
    """Time between the first token and the last, summed over requests, as the engine counts it."""

    gaps: float
    ms: float


def _timed(seen: Observations) -> EngineTotals:
    if seen.engine is None or not seen.engine.requests:
        raise NotMeasuredError("the engine published no timing that matches the requests one to one")
    return seen.engine


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
    decoding = _counted(seen) or _Decoding(_timed(seen).decode_runs, _timed(seen).decode_ms)
    if decoding.ms <= 0:
        raise NotMeasuredError("the engine told no decode time")
    return decoding.gaps * MS_PER_S / decoding.ms


@metric("per-run", unit="tokens/s", group="throughput", better="higher")
def client_decode_tokens_per_s(seen: Observations) -> float:
    """The counterpart of the engine's word: tokens after the first / time from first to last, summed over the requests.

    Requests of differing speed weigh by their time, as in the engine's sums; `decode_tokens_per_s` weighs them alike.
    """
    if seen.totals.streaming_ns <= 0:
        raise NotMeasuredError("no request streamed two tokens")
    return seen.totals.steps * NS_PER_S / seen.totals.streaming_ns


@metric("per-run", unit="tokens/s", group="throughput", better="higher", aliases={"llama-bench": "pp"})
def engine_prefill_tokens_per_s(seen: Observations) -> float:
    """The engine's own word: prompt tokens evaluated / evaluation time, summed over the measured requests."""
    engine = _timed(seen)
    if engine.prompt_ms <= 0:
        raise NotMeasuredError("the engine told no prompt evaluation time")
    return engine.prompt_tokens * MS_PER_S / engine.prompt_ms


@metric("per-run", unit="ratio", group="trust", better="lower")
def engine_gap_ratio(seen: Observations) -> float:
    """|Time between first and last token as the client saw it − as the engine tells| / as the engine tells, summed.

    Only where both mean the same span: llama-server's timings, vLLM's histograms. The log of llama-cpp-python leaves
    out sampling and HTTP, so that a difference there says nothing about the measurement.
    """
    if counted := _counted(seen):
        if seen.totals.finished < seen.totals.requests:
            raise NotMeasuredError("the engine's histograms also count requests that failed")
        ours_ns, theirs_ms = seen.totals.streaming_ns, counted.ms
    else:
        engine = seen.engine or EngineTotals()
        ours_ns, theirs_ms = engine.compared_client_ns, engine.compared_engine_ms
    if theirs_ms <= 0:
        raise NotMeasuredError("the engine tells no time that covers the same span as the client's")
    return abs(ns_to_ms(ours_ns) - theirs_ms) / theirs_ms
