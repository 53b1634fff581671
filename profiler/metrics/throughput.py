"""How much comes out in a time: by Little's law, over the requests sent in the steady windows.

Requests in flight on average, divided by how long a request takes on average, is how many there are in a time (J. D. C.
Little, "A Proof for the Queuing Formula L = λW", 1961). Unlike a count of what ended within a window it does not depend
on where in a round of the slots the window begins and ends. An open loop has no rounds: there it is that count.
"""

from operator import attrgetter

from profiler.aggregation.observations import NO_OUTPUT, Observations
from profiler.aggregation.totals import Amount
from profiler.metrics.population import RATES, SENT_SUMS
from profiler.metrics.registry import NotMeasuredError, per_run
from profiler.metrics.shown import VALUE, Shown
from profiler.stats.ratios import ratio_of_means
from profiler.units import NS_PER_S

NO_SLO = "the workload states no SLO"


def _per_s(seen: Observations, amount: Amount) -> float:
    """Return how much comes out in a second of something that requests bring."""
    totals, in_flight = seen.totals, seen.in_flight
    if not totals.ended_well.total:
        raise NotMeasuredError("no request that was sent in the steady windows succeeded")
    if seen.point.concurrency is None:
        return seen.finished_per_ns * amount.total / totals.sent * NS_PER_S
    if seen.is_divisor:  # the mean duration stands above the fraction bar, where the quotient has no bias
        return in_flight * amount.total / totals.busy_ns * NS_PER_S
    per_ns = ratio_of_means(totals.sent, amount.total, totals.busy_ns, amount.times_ns, totals.busy_ns_squared)
    return in_flight * per_ns * NS_PER_S


@per_run(
    "Output rate",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={
        "vllm bench": "output_throughput",
        "guidellm": "output_tokens_per_second",
        "aiperf": "output_token_throughput",
        "sglang bench": "output_throughput",
        "genai-bench": "mean_output_throughput_tokens_per_s",
        "inference-perf": "output_tokens_per_sec",
        "llm-d benchmark": "output_token_rate",
    },
    over=RATES,
    shown=Shown(order=20, of="output", headline="terminal", brief=VALUE, compared="ranked", loads="terminal"),
)
def output_tokens_per_s(seen: Observations) -> float:
    """Requests in flight × output tokens / duration, sums over the requests sent in the steady windows.

    All streams together; tokens in the server's count, where it gives one. Failed requests take their time and bring
    no tokens. Several repeats: sums over all of them. Open loop, here and below: requests that ended in the windows /
    their length × output tokens for each request sent in them.
    """
    if seen.is_embedding:
        raise NotMeasuredError(NO_OUTPUT)
    return _per_s(seen, seen.totals.output_tokens)


@per_run(
    "Input rate",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={
        "sglang bench": "input_throughput",
        "genai-bench": "mean_input_throughput_tokens_per_s",
        "inference-perf": "input_tokens_per_sec",
        "llm-d benchmark": "input_token_rate",
    },
    over=RATES,
    work="requests",
    shown=Shown(order=21, of="input", headline="terminal", brief=VALUE, compared="ranked", loads="terminal"),
)
def input_tokens_per_s(seen: Observations) -> float:
    """Requests in flight × prompt tokens / duration, sums over the requests sent in the steady windows.

    Failed requests take their time and bring no tokens.
    """
    rate = _per_s(seen, seen.totals.prompt_tokens)
    if seen.totals.prompts_unknown:
        raise NotMeasuredError("the length of the prompts in tokens is not known")
    return rate


@per_run(
    "Input and output rate",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={
        "vllm bench": "total_token_throughput",
        "guidellm": "tokens_per_second",
        "aiperf": "total_token_throughput",
        "sglang bench": "total_throughput",
        "genai-bench": "mean_total_tokens_throughput_tokens_per_s",
        "inference-perf": "total_tokens_per_sec",
        "llm-d benchmark": "total_token_rate",
    },
    over=RATES,
    work="requests",
)
def total_tokens_per_s(seen: Observations) -> float:
    """Output tokens per second + prompt tokens per second."""
    return input_tokens_per_s(seen) + _per_s(seen, seen.totals.output_tokens)


@per_run(
    "Request rate",
    unit="requests/s",
    group="throughput",
    better="higher",
    aliases={
        "vllm bench": "request_throughput",
        "guidellm": "requests_per_second",
        "aiperf": "request_throughput",
        "sglang bench": "request_throughput",
        "genai-bench": "requests_per_second",
        "inference-perf": "requests_per_sec",
        "llm-d benchmark": "request_rate",
    },
    over=RATES,
    work="requests",
    shown=Shown(order=65, headline="terminal", brief=VALUE, loads="page"),
)
def requests_per_s(seen: Observations) -> float:
    """Requests in flight × successful requests / duration, sums over those sent in the steady windows."""
    return _per_s(seen, seen.totals.ended_well)


@per_run(
    "Goodput (requests that met every SLO)",
    unit="requests/s",
    group="throughput",
    better="higher",
    aliases={"vllm bench": "request_goodput", "aiperf": "goodput"},
    over=RATES,
    short="Goodput",
    work="requests",
)
def goodput_rps(seen: Observations) -> float:
    """Requests per second, of those alone that met every SLO of the workload."""
    if not seen.slo.is_stated:
        raise NotMeasuredError(NO_SLO)
    return _per_s(seen, seen.totals.good)


@per_run(
    "Requests that met every SLO",
    unit="ratio",
    group="throughput",
    better="higher",
    over=SENT_SUMS,
    short="Met SLOs",
    work="requests",
    share_of=attrgetter("sent"),
    shown=Shown(order=70, compared="shown", loads="terminal"),
)
def slo_attainment_ratio(seen: Observations) -> float:
    """Requests that met every SLO of the workload / requests sent in the steady windows, failed ones included."""
    if not seen.slo.is_stated:
        raise NotMeasuredError(NO_SLO)
    if not seen.totals.sent:
        raise NotMeasuredError("no measured request ended")
    return seen.totals.good.total / seen.totals.sent
