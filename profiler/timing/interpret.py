"""From raw reads to a request record: HTTP, SSE and token counting, after the request has finished.

An event counts as arrived with the read that completes its data line: no client could have shown its
token earlier. Tokens are counted as events that carry text, or as the server counts along, where every event
tells its usage so far; how many tokens the server says it made is kept beside that.

An embedding is one JSON object without tokens, and has arrived when its last byte has.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import Any

import msgspec

from profiler.results.records import Outcome, RequestRecord, ServerTimings, StampSource
from profiler.timing.clock import WallOffset, wall_to_monotonic_ns
from profiler.timing.framing import FramingError, Head, chunks, events, parse_head
from profiler.timing.messages import Exchange
from profiler.timing.wire import timespec_to_ns
from profiler.units import NS_PER_MS

_DONE = b"[DONE]"
_SHOWN_CHARACTERS = 200
_STEP_NS = NS_PER_MS  # the wall clock moved by more than this within a request: it was stepped
_HTTP_OK = 200
_MOST_TOKENS = 4096  # in one event; a server that counts more of them miscounts
_NOTHING = msgspec.Raw(b"null")


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Any] | None = None


class _Choice(msgspec.Struct):
    text: str | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None

    def has_token(self) -> bool:
        delta = self.delta
        if delta is None:
            return bool(self.text)
        return bool(delta.content or delta.reasoning_content or delta.reasoning or delta.tool_calls)


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None

    @property
    def cached_tokens(self) -> int | None:
        return self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None
    model: msgspec.Raw = _NOTHING
    timings: msgspec.Raw = _NOTHING  # llama-server's; another server may mean something else by it


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class _Vector(msgspec.Struct):
    embedding: list[float]


class _Embeddings(msgspec.Struct):
    data: list[_Vector] = []
    usage: _Usage | None = None
    error: Any = None
    model: msgspec.Raw = _NOTHING


_decode_embeddings = msgspec.json.Decoder(_Embeddings).decode


class _Stream(msgspec.Struct):
    """What the events of one response said."""

    token_offsets: list[int] = []  # for each token, the body offset at which its event was complete
    is_counted_along: bool | None = None  # whether every event tells the usage so far; None before the first
    finish_reason: str | None = None
    usage: _Usage | None = None
    timings: ServerTimings | None = None
    model: str | None = None


class _ServerSaidError(ValueError):
    """The stream carried an error object."""


_Ending = tuple[Outcome, str | None]


def to_record(exchange: Exchange, output_tokens: int, prompt_tokens: int | None) -> RequestRecord:
    """Interpret one finished request.

    `output_tokens` is what the request asked for: a stream that ends with `finish_reason: length` has
    that many, by the server's own word, even where it sends no usage. 0 asked for an embedding.
    """
    record = _stamped(exchange)
    record.prompt_tokens = prompt_tokens
    raw = b"".join(exchange.data)
    try:
        head = parse_head(raw) if raw else None
        ending = _read_body(exchange, raw, head, record, output_tokens) if head else None
    except FramingError as error:
        ending = Outcome.MALFORMED_HTTP, str(error)
    record.outcome, record.detail = ending or (Outcome(exchange.ending), exchange.detail)
    return record


def _read_body(exchange: Exchange, raw: bytes, head: Head, record: RequestRecord, output_tokens: int) -> _Ending | None:
    """Fill in status, tokens and usage; return an outcome where the body changes the one from the wire."""
    record.http_status = head.status
    body, raw_offsets, body_offsets = _body(raw, head)
    if head.status != _HTTP_OK:
        return Outcome.HTTP_ERROR, f"HTTP {head.status}: {_shown(body)}"
    if not output_tokens:
        return _read_embedding(body, record) if exchange.ending == Outcome.OK else None
    stream = _Stream()
    ending: _Ending | None = None
    try:
        _read_events(body, stream)
    except _ServerSaidError as error:
        ending = Outcome.SERVER_ERROR, str(error)
    except msgspec.MsgspecError as error:
        ending = Outcome.MALFORMED_SSE, str(error)
    _count_tokens(exchange, record, stream, raw_offsets, body_offsets)
    _take_usage(record, stream, output_tokens)
    if ending is None and exchange.ending == Outcome.OK and not stream.token_offsets:
        return Outcome.NO_TOKENS, f"a complete response without a token: {_shown(body)}"
    return ending


def _read_embedding(body: bytes, record: RequestRecord) -> _Ending | None:
    """Fill in usage and model of a complete answer; return an outcome where it is not one vector of numbers."""
    try:
        answer = _decode_embeddings(body)
    except msgspec.MsgspecError as error:
        return Outcome.NO_EMBEDDING, f"{error}: {_shown(body)}"
    if answer.error is not None:
        return Outcome.SERVER_ERROR, f"the server reported: {_shown(body)}"
    if len(answer.data) != 1 or not answer.data[0].embedding:
        return Outcome.NO_EMBEDDING, f"expected one vector: {_shown(body)}"
    record.completion_tokens = 0
    record.served_model = _text(answer.model)
    if answer.usage is not None:
        record.prompt_tokens_server = answer.usage.prompt_tokens
        record.prompt_tokens_cached = answer.usage.cached_tokens
    return None


def _body(raw: bytes, head: Head) -> tuple[bytes, list[int], list[int]]:
    """Return the body and, per chunk, its first offset in the raw bytes and in the body."""
    if not head.is_chunked:
        return raw[head.body_start :], [head.body_start], [0]
    slices = [piece for piece in chunks(raw, head.body_start) if piece.raw_end > piece.raw_start]
    if not slices:
        return b"", [head.body_start], [0]
    body = b"".join([raw[piece.raw_start : piece.raw_end] for piece in slices])
    lengths = (piece.raw_end - piece.raw_start for piece in slices[:-1])
    return body, [piece.raw_start for piece in slices], list(accumulate(lengths, initial=0))


def _read_events(body: bytes, stream: _Stream) -> None:
    """Collect tokens, usage and the finish reason. Raises when an event is not what it should be."""
    for event in events(body):
        if event.data == _DONE:
            return
        chunk = _decode_chunk(event.data)
        if chunk.error is not None:
            raise _ServerSaidError(f"the server reported: {_shown(event.data)}")
        stream.usage = chunk.usage or stream.usage
        if stream.model is None and chunk.model != _NOTHING:
            stream.model = _text(chunk.model)
        if chunk.timings != _NOTHING:
            stream.timings = _server_timings(chunk.timings)
        stream.token_offsets += [event.end] * _tokens_in(chunk, stream)
        for choice in chunk.choices:
            stream.finish_reason = choice.finish_reason or stream.finish_reason


def _tokens_in(chunk: _Chunk, stream: _Stream) -> int:
    """Return the tokens that an event brings: with text, or without one where the server counts along.

    Half a character and a special token have no text, and yet they took a step.
    """
    shown = sum(choice.has_token() for choice in chunk.choices)
    if stream.is_counted_along is None and chunk.choices:
        stream.is_counted_along = chunk.usage is not None
    if not stream.is_counted_along or chunk.usage is None:
        return shown
    new = (chunk.usage.completion_tokens or 0) - len(stream.token_offsets)
    return new if shown < new <= _MOST_TOKENS else shown


def _text(raw: msgspec.Raw) -> str | None:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str) else None


def _server_timings(raw: msgspec.Raw) -> ServerTimings | None:
    try:
        return msgspec.json.decode(raw, type=ServerTimings)
    except msgspec.MsgspecError:
        return None


def _count_tokens(
    exchange: Exchange,
    record: RequestRecord,
    stream: _Stream,
    raw_offsets: list[int],
    body_offsets: list[int],
) -> None:
    """Attribute each token to the read that completed its event."""
    read_ends = list(accumulate(len(data) for data in exchange.data))
    record.read_tokens = [0] * len(read_ends)
    for offset in stream.token_offsets:
        last_byte = offset - 1
        chunk = bisect_right(body_offsets, last_byte) - 1
        raw_position = raw_offsets[chunk] + last_byte - body_offsets[chunk]
        record.read_tokens[bisect_right(read_ends, raw_position)] += 1
    record.completion_tokens = len(stream.token_offsets)


def _take_usage(record: RequestRecord, stream: _Stream, output_tokens: int) -> None:
    record.finish_reason = stream.finish_reason
    record.server_timings = stream.timings
    record.served_model = stream.model
    if stream.usage is not None:
        record.prompt_tokens_server = stream.usage.prompt_tokens
        record.prompt_tokens_cached = stream.usage.cached_tokens
        record.completion_tokens_server = stream.usage.completion_tokens
    elif stream.finish_reason == "length":
        record.completion_tokens_server = output_tokens
    if stream.timings is not None:
        record.prompt_tokens_cached = stream.timings.cache_n


def _stamped(exchange: Exchange) -> RequestRecord:
    """Convert every stamp to the monotonic clock, arrivals relative to the moment of sending."""
    first, last = WallOffset(*exchange.offset_first), WallOffset(*exchange.offset_last)
    drift_ns = last.offset_ns - first.offset_ns

    def monotonic_ns(stamp: bytes) -> int | None:
        """A kernel stamp on the monotonic clock; a wall clock that was stepped meanwhile says nothing."""
        if not stamp or abs(drift_ns) > _STEP_NS:
            return None
        return wall_to_monotonic_ns(timespec_to_ns(stamp), first, last)

    left_ns = monotonic_ns(exchange.send_stamp)
    sent_ns = left_ns if left_ns is not None and exchange.sent_ns is not None else exchange.sent_ns
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
        sent_ns=sent_ns,
        sent_stamp_source="none" if sent_ns is None else "user" if left_ns is None else "kernel",
        send_call_ns=exchange.send_call_ns,
        finished_ns=exchange.finished_ns,
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


def _shown(data: bytes) -> str:
    """The beginning of what a server sent, safe to print."""
    text = data.decode("utf-8", "replace").strip()
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
