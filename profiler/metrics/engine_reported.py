"""What the engine reports of its own speed, and whether it agrees with what the client measured."""

from typing import NamedTuple

from profiler.aggregation.observations import Observations, measured_phases
from profiler.aggregation.totals import EngineTotals
from profiler.metrics.population import FINISHED_SUMS, MEASURED_PHASES
from profiler.metrics.registry import NotMeasuredError, per_run
from profiler.results.points import is_warm
from profiler.servers.engines import engine_called
from profiler.servers.timings import Counters
from profiler.units import MS_PER_S, NS_PER_S, ns_to_ms
from profiler.workloads.schema import ConversationPrompts, Prompts, SyntheticPrompts, TracePrompts

_SPECULATIVE = 1.05  # tokens a step from which on they are no matter of what was under way when a phase ended


class _Work(NamedTuple):
    """Tokens and the time for them, summed over requests, as the engine counts them."""

    tokens: float
    ms: float


class _Gaps(NamedTuple):
    """Steps of decoding after each request's first token, the tokens that came in them, and the time for them."""

    steps: float
    tokens: float
    ms: float


def _timed(seen: Observations) -> EngineTotals:
    if seen.engine is None or not seen.engine.requests:
        raise NotMeasuredError("the engine published no timing that matches the requests one to one")
    return seen.engine


def _names(seen: Observations) -> Counters:
    """Return what the engine's metrics page calls what it counts."""
    engine = engine_called(seen.manifest.engine.name)
    return engine.counters if engine else Counters()


def _sum_of(seen: Observations, name: str | None) -> float:
    """Return how far one of the engine's counters went on during the measured phases; 0 where it has no such one."""
    return _told_of(seen, name) or 0.0


def _told_of(seen: Observations, name: str | None) -> float | None:
    """Return the same; None where it has no such one, as an older version."""
    told = [phase.engine_counted[name] for phase in measured_phases(seen.manifest) if name in phase.engine_counted]
    return sum(told) if told else None


def _gaps(seen: Observations) -> _Gaps | None:
    """Return what the engine's histograms say of decoding, where it has them.

    A gap is between two steps: where the engine counts tokens, those after the first of each request are what came in
    them, several a step in speculative decoding.
    """
    for name in _names(seen).gaps_s:
        if steps := _sum_of(seen, f"{name}_count"):
            after_first = _sum_of(seen, _names(seen).made_tokens) - _sum_of(seen, f"{_names(seen).ttft_s}_count")
            return _Gaps(steps, max(steps, after_first), _sum_of(seen, f"{name}_sum") * MS_PER_S)
    return None


def _counted(seen: Observations) -> _Work | None:
    found = _gaps(seen)
    return None if found is None else _Work(found.tokens, found.ms)


def decodes_speculatively(seen: Observations) -> bool:
    """Whether the engine made several tokens a step for a request, as its responses or its metrics page tell."""
    found = _gaps(seen)
    return seen.totals.tokens_drafted > 0 or (found is not None and found.tokens > _SPECULATIVE * found.steps)


def _counted_prefill(seen: Observations) -> _Work | None:
    """Return what the engine's histograms say of prompts, where it has them."""
    for name in _names(seen).prefilled_tokens:
        if tokens := _sum_of(seen, name):
            return _Work(tokens, _sum_of(seen, _names(seen).prefill_s) * MS_PER_S)
    return None


@per_run(
    "Decode speed, engine-reported",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={"llama-bench": "tg"},
    over=MEASURED_PHASES,
    work="decode",
)
def engine_decode_tokens_per_s(seen: Observations) -> float:
    """Reported by the engine: tokens after the first / time for them, summed over the measured requests.

    From its responses, its metrics page or its log, where sampling and the HTTP server may be left out; docs/engines.md
    says which engine reports what.
    """
    decoding = _counted(seen) or _Work(_timed(seen).decode_runs, _timed(seen).decode_ms)
    if decoding.ms <= 0:
        raise NotMeasuredError("the engine reported no decode time")
    return decoding.tokens * MS_PER_S / decoding.ms


@per_run(
    "Decode speed, summed over requests",
    unit="tokens/s",
    group="throughput",
    better="higher",
    over=FINISHED_SUMS,
    work="decode",
)
def client_decode_tokens_per_s(seen: Observations) -> float:
    """Client-side: tokens after the first / time from first to last, summed over the requests.

    Requests of differing speed weigh by their time, as in the engine's sums; `decode_tokens_per_s` weighs them alike.
    """
    if seen.totals.streaming_ns <= 0:
        raise NotMeasuredError("no request streamed two tokens")
    return seen.totals.steps * NS_PER_S / seen.totals.streaming_ns


@per_run(
    "Prefill speed, engine-reported",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={"llama-bench": "pp"},
    over=MEASURED_PHASES,
    work="prefill",
)
def engine_prefill_tokens_per_s(seen: Observations) -> float:
    """Reported by the engine: prompt tokens evaluated / evaluation time, summed over the measured requests.

    Whether that time ends before or after the first token is sampled differs between engines.
    """
    prefill = _counted_prefill(seen) or _Work(_timed(seen).prompt_tokens, _timed(seen).prompt_ms)
    if prefill.ms <= 0:
        raise NotMeasuredError("the engine reported no prefill time")
    return prefill.tokens * MS_PER_S / prefill.ms


@per_run(
    "Prefill speed, summed over requests",
    unit="tokens/s",
    group="throughput",
    better="higher",
    over=FINISHED_SUMS,
    work="prefill",
)
def client_prefill_tokens_per_s(seen: Observations) -> float:
    """Client-side: prompt tokens / time to the first token, summed over the requests.

    Waiting for a place, sampling and HTTP are in it; `prefill_tokens_per_s` weighs requests of differing speed alike.
    """
    if not seen.totals.prompts_tokens:
        raise NotMeasuredError("the length of the prompts in tokens is not known")
    if seen.totals.prompts_ns <= 0:
        raise NotMeasuredError("the first tokens came at the moment of sending")
    return seen.totals.prompts_tokens * NS_PER_S / seen.totals.prompts_ns


@per_run("Prompt tokens from the prefix cache", unit="ratio", group="throughput", better="neither", over=FINISHED_SUMS)
def cached_prompt_ratio(seen: Observations) -> float:
    """Prompt tokens that the server took from its cache / prompt tokens, by its responses or counters."""
    totals = seen.totals
    if totals.prompt_tokens_told:
        return totals.prompt_tokens_cached / totals.prompt_tokens_told
    prompts, cached = (_told_of(seen, name) for name in (_names(seen).prompt_tokens, _names(seen).cached_prompt_tokens))
    if prompts and cached is not None:
        return cached / prompts
    raise NotMeasuredError("the server does not report tokens from its cache")


@per_run("Unexpected prefix-cache hits", unit="ratio", group="trust", better="lower", over=FINISHED_SUMS)
def unexpected_cache_hit_ratio(seen: Observations) -> float:
    """cached_prompt_ratio of a run that asked for no reuse: neither by its workload nor by --prompt-cache warm."""
    if is_warm(seen.point, seen.manifest.engine) or _has_common_beginnings(seen.manifest.workload.prompts):
        raise NotMeasuredError("prompts that begin alike may be reused, as was asked for")
    return cached_prompt_ratio(seen)


def _has_common_beginnings(prompts: Prompts) -> bool:
    if isinstance(prompts, SyntheticPrompts):
        return prompts.system is not None and prompts.system.share > 0
    return isinstance(prompts, ConversationPrompts | TracePrompts)


def _counted_mean_ms(seen: Observations, name: str | None) -> float:
    """Return the mean of one of the engine's histograms."""
    values = _sum_of(seen, name and f"{name}_count")
    if not values:
        raise NotMeasuredError("the engine publishes no such histogram")
    return _sum_of(seen, f"{name}_sum") * MS_PER_S / values


@per_run(
    "Time to first token, engine-reported",
    unit="ms",
    group="latency",
    better="lower",
    over=MEASURED_PHASES,
    work="prefill",
)
def engine_ttft_ms(seen: Observations) -> float:
    """Reported by the engine: mean time from a request's arrival to its first token, by its histogram."""
    return _counted_mean_ms(seen, _names(seen).ttft_s)


@per_run(
    "End-to-end latency, engine-reported",
    unit="ms",
    group="latency",
    better="lower",
    over=MEASURED_PHASES,
    work="requests",
)
def engine_e2e_ms(seen: Observations) -> float:
    """Reported by the engine: mean time from a request's arrival to its last token, by its histogram."""
    return _counted_mean_ms(seen, _names(seen).e2e_s)


@per_run(
    "Time between tokens, engine-reported against client",
    unit="ratio",
    group="trust",
    better="lower",
    over=FINISHED_SUMS,
)
def engine_gap_ratio(seen: Observations) -> float:
    """|Time between first and last token as the client saw it − as the engine reports it| / the latter, summed.

    Only where both mean the same span, as in responses and histograms. A log that leaves out sampling and HTTP says
    nothing about the measurement.
    """
    if counted := _counted(seen):
        if seen.totals.finished < seen.totals.requests:
            raise NotMeasuredError("the engine's histograms also count requests that failed")
        if seen.totals.sent < seen.totals.requests:
            raise NotMeasuredError("the engine's histograms also count requests outside the steady windows")
        ours_ns, theirs_ms = seen.totals.streaming_ns, counted.ms
    else:
        engine = seen.engine or EngineTotals()
        ours_ns, theirs_ms = engine.compared_client_ns, engine.compared_engine_ms
    if theirs_ms <= 0:
        raise NotMeasuredError("the engine reports no duration comparable to the client's")
    return abs(ns_to_ms(ours_ns) - theirs_ms) / theirs_ms
