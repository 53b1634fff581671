"""How much comes out in a time. Rates are taken over the steady windows only."""

from profiler.metrics.latency import e2e_ms, output_tokens, token_arrivals_ns, tpot_ms, ttft_ms
from profiler.metrics.observations import Observations, end_ns
from profiler.metrics.registry import NotMeasuredError, metric
from profiler.results.records import RequestRecord
from profiler.units import ns_to_s
from profiler.workloads.schema import Slo


def _steady_s(seen: Observations) -> float:
    if not seen.window_ns:
        raise NotMeasuredError("no stretch of steady load: too few requests finished")
    return ns_to_s(seen.window_ns)


def _steady_output_tokens(seen: Observations, request: RequestRecord) -> float:
    """Return the tokens of a request that arrived in a steady window."""
    inside = 0
    for offset_ns, tokens in zip(request.read_offset_ns, request.read_tokens, strict=True):
        if tokens and seen.is_steady((request.sent_ns or 0) + offset_ns):
            inside += tokens
    seen_tokens = request.completion_tokens or 0
    return inside * output_tokens(request) / seen_tokens if seen_tokens else 0.0


def _first_token_is_steady(seen: Observations, request: RequestRecord) -> bool:
    return seen.is_steady((request.sent_ns or 0) + token_arrivals_ns(request)[0])


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
    steady_s = _steady_s(seen)
    return sum(_steady_output_tokens(seen, request) for request in seen.finished) / steady_s


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
    """Output tokens and prompt tokens in the steady windows / length of the windows.

    A prompt counts when the first token of its answer arrives.
    """
    steady_s = _steady_s(seen)
    prompts = 0
    for request in seen.finished:
        if _first_token_is_steady(seen, request):
            count = request.prompt_tokens_server or request.prompt_tokens
            if count is None:
                raise NotMeasuredError("the length of the prompts in tokens is not known")
            prompts += count
    return sum((_steady_output_tokens(seen, request) for request in seen.finished), start=prompts) / steady_s


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
    steady_s = _steady_s(seen)
    return sum(seen.is_steady(end_ns(request)) for request in seen.finished) / steady_s


@metric(
    "per-run",
    unit="requests/s",
    group="throughput",
    better="higher",
    aliases={"vllm bench": "request_goodput", "aiperf": "goodput"},
)
def goodput_rps(seen: Observations) -> float:
    """Requests that met every SLO of the workload and ended in the steady windows / length of the windows."""
    slo = seen.slo
    if not slo.model_fields_set:
        raise NotMeasuredError("the workload states no SLO")
    steady_s = _steady_s(seen)
    return sum(seen.is_steady(end_ns(r)) and meets(slo, r) for r in seen.finished) / steady_s


@metric("per-run", unit="ratio", group="throughput", better="higher")
def slo_attainment_ratio(seen: Observations) -> float:
    """Measured requests that met every SLO of the workload / measured requests, failed ones included."""
    slo = seen.slo
    if not slo.model_fields_set:
        raise NotMeasuredError("the workload states no SLO")
    if not seen.requests:
        raise NotMeasuredError("no measured request ended")
    return sum(meets(slo, request) for request in seen.finished) / len(seen.requests)


def meets(slo: Slo, request: RequestRecord) -> bool:
    """Whether a finished request met every objective; one that it has no value for counts as met."""
    limits = ((slo.ttft_ms, ttft_ms), (slo.tpot_ms, tpot_ms), (slo.e2e_ms, e2e_ms))
    for limit_ms, measure in limits:
        if limit_ms is None:
            continue
        try:
            if measure(request) > limit_ms:
                return False
        except NotMeasuredError:
            continue
    return True
