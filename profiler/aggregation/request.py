"""What a record says of one request: when its tokens came, and how many there were. Arrivals are kernel timestamps."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.results.records import RequestRecord
from profiler.units import ns_to_ms
from profiler.workloads.schema import Slo

_Found = TypeVar("_Found")


def _once(find: Callable[[RequestRecord], _Found]) -> Callable[[RequestRecord], _Found]:
    """Let something be found once for each request, since many metrics ask for it."""
    name = find.__name__

    @wraps(find)
    def known(request: RequestRecord) -> _Found:
        found: dict[str, _Found] = request.__dict__
        try:
            return found[name]
        except KeyError:
            return found.setdefault(name, find(request))

    return known


def first_token_ns(request: RequestRecord) -> int:
    """Return when the first token-bearing read arrived, as an offset from the moment of sending.

    An answer without tokens, an embedding, is there when its last byte is.
    """
    return (request.token_arrivals_ns or request.read_offset_ns[-1:])[0]


def last_token_ns(request: RequestRecord) -> int:
    """Return when the last token-bearing read arrived, as an offset from the moment of sending; else as above."""
    return (request.token_arrivals_ns or request.read_offset_ns)[-1]


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

    An event may bring several tokens, and a token no text; but the server cannot have made more than it was asked for
    and showed, apart from reasoning, which some servers do not limit, nor fewer than there were events with text. One
    that goes on beyond the limit has made what it showed: that is no contradiction.
    """
    told = _told(request)
    if told is None:
        return 0
    shown = sum(request.read_events or request.read_tokens)
    beyond, missing = 0, shown - streamed_tokens(request)
    if request.asked_tokens is not None:
        beyond = told - (request.reasoning_tokens or 0) - max(shown, request.asked_tokens)
    return max(0, beyond, missing)


@_once
def tokens_beyond_limit(request: RequestRecord) -> int:
    """Return how many tokens more than it was asked for the server has made; reasoning, which may have none, aside."""
    if request.asked_tokens is None:
        return 0
    return max(0, output_tokens(request) - (request.reasoning_tokens or 0) - request.asked_tokens)


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


@_once
def streaming(request: RequestRecord) -> tuple[int, float]:
    """Return the time from the first token-bearing read to the last, ns, and how many tokens arrived within it."""
    span_ns, tokens = streaming_ns(request), tokens_after_first_read(request)
    if tokens <= 0 or span_ns <= 0:
        raise NotMeasuredError("needs two tokens that did not arrive together")
    return span_ns, tokens


def ttft_ms(request: RequestRecord) -> float:
    """Return the time to the first token. Raises `NotMeasuredError`."""
    if not request.completion_tokens:
        raise NotMeasuredError("the response has no tokens")
    return ns_to_ms(first_token_ns(request))


def ttft_answer_ms(request: RequestRecord) -> float:
    """Return the time to the first token of the answer, of a response with reasoning. Raises `NotMeasuredError`."""
    if not (request.reasoning_tokens or request.streamed_reasoning_tokens):
        raise NotMeasuredError("the response has no reasoning")
    if request.answer_read is None:
        raise NotMeasuredError("the response ended before its answer began")
    return ns_to_ms(request.read_offset_ns[request.answer_read])


def reasoning_tokens(request: RequestRecord) -> float:
    """Return how many of the output tokens were reasoning: the server's count, or the part that the client saw."""
    seen = request.completion_tokens or 0
    if request.reasoning_tokens or not seen:
        return request.reasoning_tokens or 0
    return streamed_tokens(request) * request.streamed_reasoning_tokens / seen


def tpot_ms(request: RequestRecord) -> float:
    """Return the time for each token after the first read. Raises `NotMeasuredError`."""
    span_ns, tokens = streaming(request)
    return ns_to_ms(span_ns) / tokens


def e2e_ms(request: RequestRecord) -> float:
    """Return the time to the last token."""
    return ns_to_ms(last_token_ns(request))


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
