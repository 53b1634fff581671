"""From raw reads to a request record: HTTP, SSE and token counting, after the request has finished.

An event counts as arrived with the read that completes its data line: no client could have shown its
token earlier. Tokens are counted as events that carry text, or as the server counts along, where every event
tells its usage so far; how many tokens the server says it made is kept beside that.

An embedding is one JSON object without tokens, and has arrived when its last byte has.
"""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from profiler.results.records import Outcome, RequestRecord, StampSource
from profiler.timing.clock import WallOffset, wall_to_monotonic_ns, was_stepped
from profiler.timing.content_coding import decoded
from profiler.timing.embedding import NoEmbeddingError, read_embedding, read_vector
from profiler.timing.framing import ChunkWalker, FramingError, Head, Slice, parse_head
from profiler.timing.kernel_timestamps import timespec_to_ns
from profiler.timing.messages import Exchange
from profiler.timing.reasoning import Reasoning, reasoning_in
from profiler.timing.response_text import ResponseText, read_text
from profiler.timing.stream import MalformedEventError, ServerSaidError, Stream, read_stream, shown, text_lengths

_SHOWN_CHARACTERS = 300
_ERROR_BYTES = 65_536
_SUCCESS = range(200, 300)
_CUT_OFF = {Outcome.TRUNCATED, Outcome.RESET, Outcome.STALLED, Outcome.TIMEOUT}

_Ending = tuple[Outcome, str | None]


def _as_it_is(text: str) -> str:
    return text


def to_record(
    exchange: Exchange,
    output_tokens: int,
    prompt_tokens: int | None,
    hide: Callable[[str], str] = _as_it_is,
    *,
    may_be_empty: bool = False,
) -> RequestRecord:
    """Interpret one finished request.

    `output_tokens` is what the request asked for at most; 0 asked for an embedding. `may_be_empty` says that the model
    decides where its answer ends, so that one without a token is an answer, too. `hide` takes secrets out of what
    the server said; it sees the text before it is cut to a length that can be printed, so no part of one is left.
    """
    record = _stamped(exchange)
    record.prompt_tokens = prompt_tokens
    record.asked_tokens = output_tokens or None
    raw = b"".join(exchange.data)
    try:
        head = parse_head(raw) if raw else None
        ending = _read_body(exchange, raw, head, record, may_be_empty) if head else None
    except FramingError as error:
        ending = Outcome.MALFORMED_HTTP, str(error)
    record.outcome, record.detail = ending or (Outcome(exchange.ending), exchange.detail)
    record.detail = _printable(record.detail, hide)
    record.finish_reason = _printable(record.finish_reason, hide)
    record.served_model = _printable(record.served_model, hide)
    return record


def to_text(exchange: Exchange, hide: Callable[[str], str] = _as_it_is) -> ResponseText:
    """Return what a finished request was answered with, whole, without secrets; empty where it failed."""
    raw = b"".join(exchange.data)
    try:
        head = parse_head(raw) if raw else None
    except FramingError:
        return ResponseText()
    if head is None or head.status not in _SUCCESS or head.encoding:
        return ResponseText()
    found = read_text(_body(raw, _pieces(raw, head)[0]))
    return ResponseText(hide(found.text), hide(found.reasoning), found.is_damaged)


def to_vector(exchange: Exchange) -> list[float] | None:
    """Return the embedding that a finished request was answered with; None where there is none."""
    raw = b"".join(exchange.data)
    try:
        head = parse_head(raw) if raw else None
        return None if head is None else read_vector(_body(raw, _pieces(raw, head)[0]))
    except (FramingError, NoEmbeddingError, ServerSaidError):
        return None


def _body(raw: bytes, pieces: list[Slice]) -> bytes:
    return b"".join([raw[piece.raw_start : piece.raw_end] for piece in pieces])


def _printable(text: str | None, hide: Callable[[str], str]) -> str | None:
    hidden = text and hide(text)
    return hidden if not hidden or len(hidden) <= _SHOWN_CHARACTERS else hidden[:_SHOWN_CHARACTERS] + "…"


def _read_body(exchange: Exchange, raw: bytes, head: Head, record: RequestRecord, may_be_empty: bool) -> _Ending | None:
    """Fill in status, tokens and usage; return an outcome where the body changes the one from the wire."""
    record.http_status = head.status
    pieces, broken = _pieces(raw, head)
    body = _body(raw, pieces)
    if head.status not in _SUCCESS:
        return Outcome.HTTP_ERROR, f"HTTP {head.status}: {_said(body, head)}".rstrip(": ")
    if head.encoding:
        return Outcome.MALFORMED_HTTP, f"the response is compressed ({head.encoding}), which was not asked for"
    if record.asked_tokens is None:
        return broken or (_read_embedding(body, record) if exchange.ending == Outcome.OK else None)
    stream = Stream()
    ending = _read_stream(body, stream) or broken
    reasoning = reasoning_in(stream)
    _take_counts(record, stream, reasoning)
    _count_tokens(exchange, record, stream, pieces, body)
    _note_reasoning(exchange, record, reasoning, pieces)
    return ending or _ending_of(stream, record, body, may_be_empty)


def _said(body: bytes, head: Head) -> str:
    """Return the words of a response that is an error."""
    said = decoded(body, head.encoding, _ERROR_BYTES)
    return f"its words are compressed ({head.encoding})" if said is None else shown(said)


def _pieces(raw: bytes, head: Head) -> tuple[list[Slice], _Ending | None]:
    """Return which stretches are body, and what is wrong with what follows them."""
    if not head.is_chunked:
        return [Slice(head.body_start, len(raw))], None
    walker, pieces = ChunkWalker(), list[Slice]()
    try:
        walker.feed(raw, head.body_start, pieces)
    except FramingError as error:
        return pieces, (Outcome.MALFORMED_HTTP, str(error))
    return pieces, None


def _read_stream(body: bytes, stream: Stream) -> _Ending | None:
    try:
        read_stream(body, stream)
    except ServerSaidError as error:
        return Outcome.SERVER_ERROR, f"the server reported: {error}"
    except MalformedEventError as error:
        return Outcome.MALFORMED_SSE, str(error)
    return None


def _ending_of(stream: Stream, record: RequestRecord, body: bytes, may_be_empty: bool) -> _Ending | None:
    """Return the outcome of a stream whose events could all be read, where it is not the one from the wire.

    `[DONE]` ends a stream, whatever becomes of the connection. Without it, without a finish reason and without the
    usage that comes last, a body that ends properly may still be that of a request that was given up; it is complete
    where all the tokens are there that were asked for. A model that may end by itself may do so at once.
    """
    if stream.has_failed:
        return Outcome.SERVER_ERROR, f"the server gave the request up, with the finish reason {stream.finish_reason!r}"
    if record.outcome is not Outcome.OK and not (stream.is_done and record.outcome in _CUT_OFF):
        return None
    seen, asked = record.completion_tokens or 0, record.asked_tokens or 0
    is_empty = may_be_empty and stream.is_ended and stream.finish_reason != "length"
    if not seen and not is_empty:
        return Outcome.NO_TOKENS, f"a complete response without a token: {shown(body) or 'its body is empty'}"
    if not stream.is_ended and max(seen, record.completion_tokens_server or 0) < asked:
        lacks = "without a finish reason, usage or [DONE]"
        return Outcome.TRUNCATED, f"the stream ended after {seen} of at most {asked} tokens {lacks}"
    return Outcome.OK, None


def _read_embedding(body: bytes, record: RequestRecord) -> _Ending | None:
    """Fill in usage and model of a complete response; return an outcome where it is not one vector of numbers."""
    try:
        found = read_embedding(body)
    except ServerSaidError as error:
        return Outcome.SERVER_ERROR, f"the server reported: {error}"
    except NoEmbeddingError as error:
        return Outcome.NO_EMBEDDING, str(error)
    record.completion_tokens = 0
    record.served_model = found.model
    record.prompt_tokens_server = found.usage.prompt_tokens
    record.prompt_tokens_cached = found.usage.cached_tokens
    return None


def _take_counts(record: RequestRecord, stream: Stream, reasoning: Reasoning | None) -> None:
    """Note what the server says, in its usage or in its timings.

    Where it does so in neither, its count is known only where ours agrees with what was asked for and with `length`.
    Gateways that do not count write 0, which no response has that brought text.
    """
    usage, seen = stream.usage, len(stream.token_offsets)
    record.finish_reason = stream.finish_reason
    record.server_timings = stream.timings
    record.served_model = stream.model
    if usage is not None:
        record.prompt_tokens_server = usage.prompt_tokens
        record.prompt_tokens_cached = usage.cached_tokens
        record.completion_tokens_server = usage.completion_tokens if usage.completion_tokens or not seen else None
        _take_reasoning(record, reasoning, usage.reasoning_tokens, len(stream.token_offsets))
    elif stream.timings is not None:
        record.completion_tokens_server = stream.timings.predicted_n or None
    elif stream.finish_reason == "length" and seen == record.asked_tokens:
        record.completion_tokens_server = seen
    if stream.timings is not None and stream.timings.cache_n is not None:
        record.prompt_tokens_cached = stream.timings.cache_n


def _take_reasoning(record: RequestRecord, found: Reasoning | None, reasoning: int | None, seen: int) -> None:
    """Note the tokens of reasoning: most servers count them among the others (OpenAI, vLLM), some apart (xAI)."""
    record.reasoning_tokens = reasoning
    told = record.completion_tokens_server
    if not reasoning or told is None:
        return
    is_streamed = found is not None and found.tokens > 0
    if told < reasoning or (is_streamed and told < seen <= told + reasoning):
        record.completion_tokens_server = told = told + reasoning
    if not is_streamed:
        record.hidden_tokens = reasoning if told - reasoning >= seen else 0


def _note_reasoning(exchange: Exchange, record: RequestRecord, found: Reasoning | None, pieces: list[Slice]) -> None:
    """Note how much of the reasoning was streamed, and with which read the answer began."""
    if found is not None:
        record.streamed_reasoning_tokens = found.tokens
        if found.answer_offset is not None:
            record.answer_read = _reads_by_offset(exchange, pieces)(found.answer_offset)


def _count_tokens(exchange: Exchange, record: RequestRecord, stream: Stream, pieces: list[Slice], body: bytes) -> None:
    """Attribute each token to the read that completed its event.

    The token that ends a sequence has no text; where the server counts exactly one more than there was text, it came
    with the event that told the finish reason. Where it counts still more, events brought several: of those that are
    more than the events, the first read has its part of the text.
    """
    tokens, with_text = stream.token_offsets, stream.event_offsets
    counted = (record.completion_tokens_server or 0) - record.hidden_tokens
    if stream.textless_end is not None and counted == len(tokens) + 1:
        tokens, with_text = [*tokens, stream.textless_end], [*with_text, stream.textless_end]
    read_of = _reads_by_offset(exchange, pieces)
    record.read_tokens = _per_read(tokens, read_of, len(exchange.data))
    if tokens != with_text:
        record.read_events = _per_read(with_text, read_of, len(exchange.data))
    if counted > len(tokens) > 0:
        first = next(filter(None, record.read_events or record.read_tokens))
        record.first_read_tokens = first + (counted - len(tokens)) * _share_of_text(body, first)
    record.completion_tokens = len(tokens)


def _share_of_text(body: bytes, first: int) -> float:
    """Return which part of a stream's text its first few events brought."""
    try:
        lengths = text_lengths(body)
    except (ServerSaidError, MalformedEventError):
        return 0.0
    return sum(lengths[:first]) / (sum(lengths) or 1)


def _reads_by_offset(exchange: Exchange, pieces: list[Slice]) -> Callable[[int], int]:
    """Return what finds the read that brought the byte before an offset in the body."""
    read_ends = list(accumulate(len(data) for data in exchange.data))
    begins = list(accumulate((piece.raw_end - piece.raw_start for piece in pieces[:-1]), initial=0))

    def read_of(offset: int) -> int:
        piece = bisect_right(begins, offset - 1) - 1
        return bisect_right(read_ends, pieces[piece].raw_start + offset - 1 - begins[piece])

    return read_of


def _per_read(offsets: list[int], read_of: Callable[[int], int], reads: int) -> list[int]:
    counts = [0] * reads
    for offset in offsets:
        counts[read_of(offset)] += 1
    return counts


def _stamped(exchange: Exchange) -> RequestRecord:
    """Convert every stamp to the monotonic clock, arrivals relative to the moment of sending."""
    first, last = WallOffset(*exchange.offset_first), WallOffset(*exchange.offset_last)
    drift_ns = last.offset_ns - first.offset_ns

    def monotonic_ns(stamp: bytes) -> int | None:
        """A kernel stamp on the monotonic clock; a wall clock that was stepped meanwhile says nothing."""
        if not stamp or was_stepped(drift_ns):
            return None
        return wall_to_monotonic_ns(timespec_to_ns(stamp), first, last)

    left_ns = monotonic_ns(exchange.send_stamp)
    sent_ns = left_ns if left_ns is not None and exchange.sent_user_ns is not None else exchange.sent_user_ns
    origin_ns = sent_ns if sent_ns is not None else exchange.scheduled_ns
    arrivals_ns = [monotonic_ns(stamp) for stamp in exchange.kernel_stamp]
    pairs = list(zip(arrivals_ns, exchange.user_ns, strict=True))
    lags_ns = [None if kernel_ns is None else user_ns - kernel_ns for kernel_ns, user_ns in pairs]
    return RequestRecord(
        index=exchange.index,
        phase=exchange.phase,
        client_port=exchange.client_port,
        outcome=Outcome(exchange.ending),
        scheduled_ns=exchange.scheduled_ns,
        first_sent_ns=exchange.first_sent_ns,
        connect_began_ns=exchange.connect_began_ns,
        sent_ns=sent_ns,
        sent_stamp_source="none" if sent_ns is None else "user" if left_ns is None else "kernel",
        send_call_ns=exchange.send_call_ns,
        finished_ns=exchange.finished_user_ns,
        stamp_source=_stamp_source(lags_ns),
        clock_offset_width_ns=max(first.width_ns, last.width_ns),
        clock_offset_drift_ns=drift_ns,
        read_offset_ns=[(user_ns if kernel_ns is None else kernel_ns) - origin_ns for kernel_ns, user_ns in pairs],
        read_lag_ns=lags_ns,
        read_bytes=[len(data) for data in exchange.data],
        read_tokens=[0] * len(exchange.data),
    )


def _stamp_source(lags_ns: list[int | None]) -> StampSource:
    if not lags_ns:
        return "none"
    missing = lags_ns.count(None)
    if missing == 0:
        return "kernel"
    return "user" if missing == len(lags_ns) else "mixed"
