"""How long a request takes. Arrivals are kernel stamps where the system has them."""

from itertools import compress
from operator import sub

from profiler.metrics.registry import NotMeasuredError, metric
from profiler.results.records import RequestRecord
from profiler.units import NS_PER_S, each_ns_to_ms, ns_to_ms
from profiler.workloads.schema import Slo


def token_arrivals_ns(request: RequestRecord) -> list[int]:
    """Return when each token-bearing read arrived, as offsets from the moment of sending."""
    return list(compress(request.read_offset_ns, request.read_tokens))


def first_token_ns(request: RequestRecord) -> int:
    """Return when the first token-bearing read arrived, as an offset from the moment of sending.

    An answer without tokens, an embedding, is there when its last byte is.
    """
    return next(compress(request.read_offset_ns, request.read_tokens), request.read_offset_ns[-1])


def last_token_ns(request: RequestRecord) -> int:
    """Return when the last token-bearing read arrived, as an offset from the moment of sending; else as above."""
    arrivals_ns = compress(reversed(request.read_offset_ns), reversed(request.read_tokens))
    return next(arrivals_ns, request.read_offset_ns[-1])


def output_tokens(request: RequestRecord) -> int:
    """Return how many tokens were made: the server's count, or ours where it gives none."""
    count = _told(request)
    return count if count is not None else request.completion_tokens or 0


def prompt_tokens(request: RequestRecord) -> int | None:
    """Return the length of the prompt: the server's count, or ours where it gives none."""
    told = request.prompt_tokens_server
    return told if told is not None and told > 0 else request.prompt_tokens


def _told(request: RequestRecord) -> int | None:
    """Return the server's count of output tokens; a negative one says nothing."""
    count = request.completion_tokens_server
    return count if count is not None and count >= 0 else None


def streaming_ns(request: RequestRecord) -> int:
    """Return the time from the first token to the last."""
    return last_token_ns(request) - first_token_ns(request)


def streamed_tokens(request: RequestRecord) -> int:
    """Return how many tokens came over the wire: the server's count without those that it kept to itself, or ours."""
    count = _told(request)
    return max(0, count - request.hidden_tokens) if count is not None else request.completion_tokens or 0


def contradictory_tokens(request: RequestRecord) -> int:
    """Return by how many tokens the server's count contradicts what was asked for, or what was streamed.

    An event may bring several tokens, and a token no text; but the server cannot have made more than it was asked for,
    apart from reasoning, which some servers do not limit, nor fewer than there were events with text.
    """
    told = _told(request)
    if told is None:
        return 0
    beyond = told - (request.reasoning_tokens or 0) - request.asked_tokens if request.asked_tokens is not None else 0
    missing = sum(request.read_events or request.read_tokens) - streamed_tokens(request)
    return max(0, beyond, missing)


def tokens_after_first_read(request: RequestRecord) -> float:
    """Return how many tokens arrived after the first token-bearing read.

    Where the server streamed more tokens than the client can tell apart, as with several in one event, the record
    estimates those of the first read by its part of the text; without that, each that the client sees stands for
    equally many.
    """
    seen = request.completion_tokens or 0
    if not seen:
        return 0.0
    if request.first_read_tokens is not None:
        return max(0.0, streamed_tokens(request) - request.first_read_tokens)
    first = next(filter(None, request.read_tokens), 0)
    return streamed_tokens(request) * (seen - first) / seen


def _streaming(request: RequestRecord) -> tuple[int, float]:
    """Return the time from the first token-bearing read to the last, ns, and how many tokens arrived within it."""
    span_ns, tokens = streaming_ns(request), tokens_after_first_read(request)
    if tokens <= 0 or span_ns <= 0:
        raise NotMeasuredError("needs two tokens that did not arrive together")
    return span_ns, tokens


@metric(
    "per-request",
    unit="ms",
    group="latency",
    better="lower",
    aliases={"vllm bench": "ttft", "guidellm": "time_to_first_token_ms", "aiperf": "time_to_first_token"},
)
def ttft_ms(request: RequestRecord) -> float:
    """Arrival of the read that completes the first event with a non-empty token − request sent."""
    if not request.completion_tokens:
        raise NotMeasuredError("the answer has no tokens")
    return ns_to_ms(first_token_ns(request))


@metric("per-request", unit="ms", group="latency", better="lower", of_burst=True)
def first_burst_ttft_ms(request: RequestRecord) -> float:
    """TTFT of the requests with which a closed loop of several slots begins: one for each slot, all at once.

    Those of the warm-up where the load went on from it, else of every repeat; no other metric of latency has them.
    """
    return ttft_ms(request)


@metric(
    "pooled",
    unit="ms",
    group="latency",
    better="lower",
    aliases={"vllm bench": "itl", "aiperf": "inter_chunk_latency"},
)
def itl_ms(request: RequestRecord) -> list[float]:
    """Gaps between successive token-bearing reads, each counted once, however many tokens a read holds.

    Where tokens come in groups a gap is that between two groups: see tokens_per_read, and tpot_ms for the time of one.
    """
    arrivals_ns = token_arrivals_ns(request)
    return each_ns_to_ms(map(sub, arrivals_ns[1:], arrivals_ns))


@metric(
    "per-request",
    unit="ms",
    group="latency",
    better="lower",
    aliases={"vllm bench": "tpot", "guidellm": "inter_token_latency_ms", "aiperf": "inter_token_latency"},
)
def tpot_ms(request: RequestRecord) -> float:
    """(Last token − first token) / tokens that arrived after the first token-bearing read.

    With a single token in the first read, as is usual: / (completion tokens − 1). Tokens in the server's count, without
    those of reasoning that it does not stream.
    """
    span_ns, tokens = _streaming(request)
    return ns_to_ms(span_ns) / tokens


@metric(
    "per-request",
    unit="ms",
    group="latency",
    better="lower",
    aliases={"vllm bench": "e2el", "guidellm": "request_latency", "aiperf": "request_latency"},
)
def e2e_ms(request: RequestRecord) -> float:
    """Last token − request sent; last byte of an embedding, which has no tokens."""
    return ns_to_ms(last_token_ns(request))


def _queued_ms(request: RequestRecord) -> float:
    """Return how long a request waited between being due and being sent."""
    if request.sent_ns is None:
        raise NotMeasuredError("the request was never sent")
    return ns_to_ms(request.sent_ns - request.scheduled_ns)


@metric("per-request", unit="ms", group="latency", better="lower")
def ttft_from_scheduled_ms(request: RequestRecord) -> float:
    """TTFT counted from the moment the request was due instead of sent: a late client cannot flatter it."""
    return ttft_ms(request) + _queued_ms(request)


@metric("per-request", unit="ms", group="latency", better="lower")
def e2e_from_scheduled_ms(request: RequestRecord) -> float:
    """E2E counted from the moment the request was due instead of sent: a late client cannot flatter it."""
    return e2e_ms(request) + _queued_ms(request)


@metric(
    "per-request",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={"llama-bench": "tg", "aiperf": "output_token_throughput_per_user"},
)
def decode_tokens_per_s(request: RequestRecord) -> float:
    """Speed of one stream: tokens after the first token-bearing read / (last token − first token): 1 / tpot_ms."""
    span_ns, tokens = _streaming(request)
    return tokens * NS_PER_S / span_ns


@metric(
    "per-request",
    unit="tokens/s",
    group="throughput",
    better="higher",
    aliases={"llama-bench": "pp", "aiperf": "prefill_throughput_per_user"},
)
def prefill_tokens_per_s(request: RequestRecord) -> float:
    """Prompt processing as a client sees it: prompt tokens / TTFT, the server's own overhead included.

    Of an embedding, which has no tokens: prompt tokens / E2E.
    """
    length = prompt_tokens(request)
    if not length:
        raise NotMeasuredError("the length of the prompt in tokens is not known")
    return length * NS_PER_S / first_token_ns(request)


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
