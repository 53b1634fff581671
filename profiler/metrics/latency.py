"""How long a request takes. Arrivals are kernel timestamps where the system has them."""

from profiler.aggregation import request as of
from profiler.aggregation.reads import Reads
from profiler.metrics.registry import NotMeasuredError, per_request, pooled
from profiler.metrics.shown import Shown
from profiler.results.records import RequestRecord
from profiler.stats.pieces import Pieces
from profiler.units import NS_PER_MS, NS_PER_S, ns_to_ms

NO_REASONING = "no response had reasoning"


@per_request(
    "Time to first token (TTFT)",
    unit="ms",
    group="latency",
    better="lower",
    aliases={
        "vllm bench": "ttft",
        "guidellm": "time_to_first_token_ms",
        "aiperf": "time_to_first_token",
        "sglang bench": "ttft",
        "genai-bench": "ttft",
        "inference-perf": "time_to_first_token",
        "llm-d benchmark": "time_to_first_token",
        "llama-benchy": "e2e_ttft",
    },
    short="TTFT",
    work="prefill",
    shown=Shown(
        order=30,
        of="output",
        statistics=("p50", "p99"),
        headline="terminal",
        brief="p50",
        compared="ranked",
        loads="terminal",
        has_percentiles=True,
    ),
)
def ttft_ms(request: RequestRecord) -> float:
    """Arrival of the read that completes the first event with a non-empty token − request sent."""
    return of.ttft_ms(request)


@per_request(
    "Time to first answer token",
    unit="ms",
    group="latency",
    better="lower",
    aliases={"aiperf": "time_to_first_output_token"},
    short="TTFT of the answer",
    work="requests",
    absent=NO_REASONING,
    shown=Shown(
        order=35,
        of="output",
        statistics=("p50", "p99"),
        headline="terminal",
        compared="ranked",
        loads="page",
        has_percentiles=True,
        is_optional=True,
    ),
)
def ttft_answer_ms(request: RequestRecord) -> float:
    """Arrival of the read that brings the first text of the answer that is not blank − request sent.

    Of responses with reasoning before their answer, in whatever form it is streamed, or counted only; a call of a tool
    is an answer. What TTFT is to a reader who is not shown the reasoning.
    """
    return of.ttft_answer_ms(request)


@per_request("TTFT of the initial burst", unit="ms", group="latency", better="lower", of_burst=True)
def first_burst_ttft_ms(request: RequestRecord) -> float:
    """TTFT of the requests with which a closed loop of several slots begins: one for each slot, all at once.

    Those of the warm-up where the load went on from it, else of every repeat; no other metric of latency has them.
    """
    return ttft_ms(request)


@pooled(
    "Inter-token latency (ITL)",
    unit="ms",
    group="latency",
    better="lower",
    aliases={
        "vllm bench": "itl",
        "aiperf": "inter_chunk_latency",
        "sglang bench": "itl",
        "inference-perf": "inter_token_latency",
        "llm-d benchmark": "inter_token_latency",
    },
    short="ITL",
    work="decode",
    shown=Shown(order=40, has_percentiles=True),
)
def itl_ms(reads: Reads) -> Pieces:
    """Gaps between successive token-bearing reads, each counted once, however many tokens a read holds.

    Where tokens come in groups a gap is that between two groups: see tokens_per_read, and tpot_ms for the time of one.
    """
    return reads.token_gaps_ns.over(NS_PER_MS)


@per_request(
    "Time per output token (TPOT)",
    unit="ms",
    group="latency",
    better="lower",
    aliases={
        "vllm bench": "tpot",
        "guidellm": "inter_token_latency_ms",
        "aiperf": "inter_token_latency",
        "sglang bench": "tpot",
        "genai-bench": "tpot",
        "inference-perf": "time_per_output_token",
        "llm-d benchmark": "time_per_output_token",
    },
    short="TPOT",
    work="decode",
    shown=Shown(
        order=50,
        of="output",
        statistics=("p50", "p99"),
        headline="terminal",
        brief="p50",
        compared="ranked",
        loads="page",
        has_percentiles=True,
    ),
)
def tpot_ms(request: RequestRecord) -> float:
    """(Last token − first token) / tokens that arrived after the first token-bearing read.

    With a single token in the first read, as is usual: / (completion tokens − 1). Tokens in the server's count, without
    those of reasoning that it does not stream.
    """
    return of.tpot_ms(request)


@per_request(
    "End-to-end latency (E2E)",
    unit="ms",
    group="latency",
    better="lower",
    aliases={
        "vllm bench": "e2el",
        "guidellm": "request_latency",
        "aiperf": "request_latency",
        "sglang bench": "e2e_latency",
        "genai-bench": "e2e_latency",
        "inference-perf": "request_latency",
        "llm-d benchmark": "request_latency",
    },
    short="E2E",
    work="requests",
    shown=Shown(
        order=60,
        of="input",
        statistics=("p50", "p99"),
        headline="terminal",
        brief="p50",
        compared="ranked",
        loads="terminal",
        has_percentiles=True,
    ),
)
def e2e_ms(request: RequestRecord) -> float:
    """Last token − request sent; last byte of an embedding, which has no tokens."""
    return of.e2e_ms(request)


def _queued_ms(request: RequestRecord) -> float:
    """Return how long a request waited between being due and being sent."""
    if request.sent_ns is None:
        raise NotMeasuredError("the request was never sent")
    return ns_to_ms(request.sent_ns - request.scheduled_ns)


@per_request("TTFT from the scheduled send", unit="ms", group="latency", better="lower", work="prefill")
def ttft_from_scheduled_ms(request: RequestRecord) -> float:
    """TTFT counted from the moment the request was due instead of sent: a late client cannot flatter it."""
    return ttft_ms(request) + _queued_ms(request)


@per_request("End-to-end latency from the scheduled send", unit="ms", group="latency", better="lower", work="requests")
def e2e_from_scheduled_ms(request: RequestRecord) -> float:
    """E2E counted from the moment the request was due instead of sent: a late client cannot flatter it."""
    return e2e_ms(request) + _queued_ms(request)


@per_request(
    "Decode speed, per stream",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={
        "llama-bench": "tg",
        "aiperf": "output_token_throughput_per_user",
        "genai-bench": "output_inference_speed",
        "llama-benchy": "tg_req_throughput",
    },
    work="decode",
    shown=Shown(order=10, of="output", headline="page"),
)
def decode_tokens_per_s(request: RequestRecord) -> float:
    """Speed of one stream: tokens after the first token-bearing read / (last token − first token): 1 / tpot_ms."""
    span_ns, tokens = of.streaming(request)
    return tokens * NS_PER_S / span_ns


@per_request(
    "Prefill speed, per request",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={
        "llama-bench": "pp",
        "aiperf": "prefill_throughput_per_user",
        "genai-bench": "input_throughput",
        "llama-benchy": "pp_req_throughput",
    },
    work="prefill",
)
def prefill_tokens_per_s(request: RequestRecord) -> float:
    """Prompt processing as a client sees it: prompt tokens / TTFT, the server's own overhead included.

    Of an embedding, which has no tokens: prompt tokens / E2E.
    """
    length = of.prompt_tokens(request)
    if not length:
        raise NotMeasuredError("the length of the prompt in tokens is not known")
    return length * NS_PER_S / _prefilled_ns(request)


@per_request(
    "Prefill speed without cached tokens, per request",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={"llama-bench": "pp @ d"},
    short="Prefill, without cached",
    work="prefill",
)
def uncached_prefill_tokens_per_s(request: RequestRecord) -> float:
    """(Prompt tokens − those that the server had in its cache) / TTFT, where it tells how many those were.

    Behind a context that is cached it is the speed of prefill at that depth, as llama-bench measures it with `-d`.
    """
    length, cached = of.prompt_tokens(request), request.prompt_tokens_cached
    if not length or cached is None:
        raise NotMeasuredError("the server does not tell how much of the prompt it had in its cache")
    if cached >= length:
        raise NotMeasuredError("the whole prompt was in the cache")
    return (length - cached) * NS_PER_S / _prefilled_ns(request)


def _prefilled_ns(request: RequestRecord) -> int:
    taken_ns = of.first_token_ns(request)
    if taken_ns <= 0:  # as by clocks that are no finer than that
        raise NotMeasuredError("the first token came at the moment of sending")
    return taken_ns
