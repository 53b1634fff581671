"""How much comes out in a time. Rates are taken over the steady windows only."""

from profiler.metrics.observations import NO_OUTPUT, Observations
from profiler.metrics.registry import NotMeasuredError, metric
from profiler.units import ns_to_s


def _steady_s(seen: Observations) -> float:
    if not seen.window_ns:
        raise NotMeasuredError("no stretch of steady load: too few requests finished")
    return ns_to_s(seen.window_ns)


@metric(
    "per-run",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={
        "vllm bench": "output_throughput",
        "guidellm": "output_tokens_per_second",
        "aiperf": "output_token_throughput",
    },
)
def output_tokens_per_s(seen: Observations) -> float:
    """Output tokens that arrived in the steady windows / length of the windows, all streams together."""
    if seen.is_embedding:
        raise NotMeasuredError(NO_OUTPUT)
    return seen.totals.steady_output_tokens / _steady_s(seen)


@metric("per-run", unit="tokens/s", group="throughput", better="higher")
def input_tokens_per_s(seen: Observations) -> float:
    """Prompt tokens in the steady windows / length of the windows, all streams together.

    A prompt counts when the first token of its answer arrives, or its embedding.
    """
    steady_s = _steady_s(seen)
    if seen.totals.steady_prompts_unknown:
        raise NotMeasuredError("the length of the prompts in tokens is not known")
    return seen.totals.steady_prompt_tokens / steady_s


@metric(
    "per-run",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={
        "vllm bench": "total_token_throughput",
        "guidellm": "tokens_per_second",
        "aiperf": "total_token_throughput",
    },
)
def total_tokens_per_s(seen: Observations) -> float:
    """Output tokens and prompt tokens in the steady windows / length of the windows."""
    return input_tokens_per_s(seen) + seen.totals.steady_output_tokens / _steady_s(seen)


@metric(
    "per-run",
    unit="requests/s",
    group="throughput",
    better="higher",
    aliases={
        "vllm bench": "request_throughput",
        "guidellm": "requests_per_second",
        "aiperf": "request_throughput",
    },
)
def requests_per_s(seen: Observations) -> float:
    """Requests whose last byte arrived in the steady windows / length of the windows."""
    return seen.totals.steady_endings / _steady_s(seen)


@metric(
    "per-run",
    unit="requests/s",
    group="throughput",
    better="higher",
    aliases={"vllm bench": "request_goodput", "aiperf": "goodput"},
)
def goodput_rps(seen: Observations) -> float:
    """Requests that met every SLO of the workload and ended in the steady windows / length of the windows."""
    if not seen.slo.model_fields_set:
        raise NotMeasuredError("the workload states no SLO")
    return seen.totals.steady_endings_good / _steady_s(seen)


@metric("per-run", unit="ratio", group="throughput", better="higher")
def slo_attainment_ratio(seen: Observations) -> float:
    """Measured requests that met every SLO of the workload / measured requests, failed ones included."""
    if not seen.slo.model_fields_set:
        raise NotMeasuredError("the workload states no SLO")
    if not seen.totals.requests:
        raise NotMeasuredError("no measured request ended")
    return seen.totals.good / seen.totals.requests
