"""What the events of a streamed response say: tokens, counts, how it ended, what went wrong.

Servers agree on the outline of a chunk (`choices`, `usage`, `[DONE]`) and differ in the rest. What a reader of tokens
does not need may have any form. Errors are recognised in all forms that servers are known to write, whatever the
status was.
"""

import json
from typing import Any

import msgspec

from profiler.results.records import ServerTimings
from profiler.timing.chunk import Choice, Chunk, Delta
from profiler.timing.error_forms import is_error, says_error
from profiler.timing.framing import Event, events
from profiler.timing.usage import MOST_COUNTED, MOST_DIGITS, Usage, count_of, read_usage, text_of

DONE = b"[DONE]"
_MOST_TOKENS = 4096  # in one event; a server that counts more of them miscounts
_NO_REASON = ("null", "none", "None")  # DashScope writes "null" until the end
# Finish reasons of a request that was given up. vLLM, SGLang: abort. TensorRT-LLM: cancelled, timeout. DeepSeek:
# insufficient_system_resource. Zhipu: network_error. Cohere: ERROR, ERROR_TOXIC, USER_CANCEL. Mistral: error.
_FAILED = frozenset(
    {
        "abort",
        "aborted",
        "cancelled",
        "canceled",
        "user_cancel",
        "timeout",
        "timed_out",
        "failed",
        "failure",
        "overloaded",
        "unavailable",
        "not_finished",
        "insufficient_system_resource",
        "network_error",
        "server_error",
        "internal_error",
        "internal_server_error",
    }
)


# In older versions of msgspec its errors are no ValueErrors, and broken UTF-8 is a UnicodeDecodeError.
DECODING_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
_decode_chunk = msgspec.json.Decoder(Chunk).decode


class Stream(msgspec.Struct):
    """What the events of one response said."""

    token_offsets: list[int] = []  # for each token, the body offset at which its event was complete
    event_offsets: list[int] = []  # the same for each event that brought tokens
    measures_text: bool = False  # whether to note the next
    text_lengths: list[int] = []  # the characters that each of these events brought
    parts: list[str | None] = []  # what each of them brought of the answer as text; None for reasoning
    is_counted_along: bool | None = None  # whether every event tells the usage so far; None before the first
    is_done: bool = False  # whether it said `[DONE]`
    has_final_usage: bool = False  # usage in an event of its own, as the last one carries it
    has_reasoning: bool = False  # whether some of its text was reasoning
    textless_end: int | None = None  # the body offset of the event that told the finish reason, where it had no text
    finish_reason: str | None = None
    usage: Usage | None = None
    timings: ServerTimings | None = None
    model: str | None = None

    @property
    def is_ended(self) -> bool:
        """Whether the server has said in one of the ways there are that this was all."""
        return self.is_done or self.finish_reason is not None or self.has_final_usage

    @property
    def has_failed(self) -> bool:
        """Whether the finish reason is that the server gave the request up."""
        reason = (self.finish_reason or "").lower()
        return reason in _FAILED or reason.startswith("error")


class ServerSaidError(ValueError):
    """The stream carried an error; the text is what the server said of it."""


class MalformedEventError(ValueError):
    """An event is not what it should be."""


def read_stream(body: bytes, stream: Stream) -> None:
    """Collect what the events say. Raises `ServerSaidError`, `MalformedEventError`; what came before is kept."""
    for event in events(body):
        data = event.data
        if event.kind == b"error":
            _read_error(event)
        elif data.startswith(b"{"):  # as nearly all are
            _read_chunk(event, stream)
        elif data.strip(b' "').upper() == DONE:  # some gateways write it as JSON, or in small letters
            stream.is_done = True
            break
        elif data and not data.isspace():
            _read_chunk(event, stream)
    if not stream.event_offsets and not stream.is_ended:
        _read_plain(body)
    _drop_counts_along(stream)


def _drop_counts_along(stream: Stream) -> None:
    """Count events alone where what the server counted along does not add up to what it says last.

    A gateway may put the final counts, or an estimate of them, into every event.
    """
    told = stream.usage.completion_tokens if stream.usage is not None else None
    if stream.is_counted_along and told is not None and len(stream.event_offsets) <= told < len(stream.token_offsets):
        stream.token_offsets = list(stream.event_offsets)


def _read_error(event: Event) -> None:
    """Raise what an event of type `error` says, unless it says that there is none."""
    try:
        said = read_json(event.data)
    except (ValueError, RecursionError):
        said = event.data
    if said is None or said is False or (isinstance(said, dict) and "error" in said and not is_error(said["error"])):
        return
    raise ServerSaidError(shown(event.data))


def _read_plain(body: bytes) -> None:
    """Raise the error that a body in JSON tells where a stream was expected."""
    try:
        said = read_json(body)
    except (ValueError, RecursionError):
        return
    if isinstance(said, dict) and says_error(said):
        raise ServerSaidError(shown(body))


def _read_chunk(event: Event, stream: Stream) -> None:
    chunk = _chunk(event)
    if chunk.error is not None and is_error(chunk.error):
        raise ServerSaidError(shown(event.data))
    if not chunk.choices and chunk.usage is None and says_error(_object(event)):
        raise ServerSaidError(shown(event.data))
    if chunk.usage is not None:
        stream.usage = read_usage(chunk.usage) or stream.usage
        stream.has_final_usage = stream.has_final_usage or not chunk.choices
    if stream.model is None:  # Azure begins with an event whose model is ""
        stream.model = text_of(chunk.model) or None
    if chunk.timings is not None:
        stream.timings = _server_timings(chunk.timings)
    if isinstance(chunk.x_groq, dict):
        _take_groq(chunk.x_groq, event, stream)
    if chunk.choices:
        _take_choices(chunk, chunk.choices, event, stream)


def _take_groq(said: dict[str, Any], event: Event, stream: Stream) -> None:
    """Take what Groq tells in a field of its own: the usage, whether asked for or not, and why it stopped early."""
    if is_error(said.get("error")):
        raise ServerSaidError(shown(event.data))
    stream.usage = read_usage(said.get("usage")) or stream.usage


def _take_choices(chunk: Chunk, choices: list[Choice], event: Event, stream: Stream) -> None:
    data, end = event.data, event.end
    shown_tokens = 0
    for choice in choices:
        if choice.error is not None and is_error(choice.error):
            raise ServerSaidError(shown(data))
        if choice.usage is not None and chunk.usage is None:
            stream.usage = read_usage(choice.usage) or stream.usage
        shown_tokens += choice.has_token()
        stream.has_reasoning = stream.has_reasoning or choice.has_reasoning()
    tokens = _tokens_in(chunk, shown_tokens, stream)
    if tokens:
        stream.token_offsets += [end] * tokens
        stream.event_offsets.append(end)
        stream.parts.append(choices[0].part(stream.parts[-1] if stream.parts else ""))
        if stream.measures_text:
            stream.text_lengths.append(sum(choice.text_length() for choice in choices))
    for choice in choices:
        if choice.finish_reason and choice.finish_reason not in _NO_REASON:
            stream.finish_reason = _reason(choice.finish_reason)
            stream.textless_end = None if tokens else end


def text_lengths(body: bytes) -> list[int]:
    """Return how many characters each event with tokens brought, of a stream that has been read well."""
    stream = Stream(measures_text=True)
    read_stream(body, stream)
    return stream.text_lengths


def _tokens_in(chunk: Chunk, shown_tokens: int, stream: Stream) -> int:
    """Return the tokens that an event brings: with text, or without one where the server counts along.

    Half a character and a special token have no text, and yet they took a step.
    """
    if stream.is_counted_along is None:
        stream.is_counted_along = chunk.usage is not None
    usage = stream.usage
    if not stream.is_counted_along or chunk.usage is None or usage is None:
        return shown_tokens
    hidden = 0 if stream.has_reasoning else usage.reasoning_tokens or 0
    new = (usage.completion_tokens or 0) - hidden - len(stream.token_offsets)
    return new if shown_tokens < new <= _MOST_TOKENS else shown_tokens


def _chunk(event: Event) -> Chunk:
    """Decode an event's JSON; where its outline is not the usual one, take from it what can be read."""
    try:
        return _decode_chunk(event.data)
    except DECODING_ERRORS:
        return _cleaned(_object(event))


def _object(event: Event) -> dict[str, Any]:
    """Decode an event that should be a JSON object."""
    try:
        said = read_json(event.data)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError(_what_is_wrong(event, error)) from error
    if not isinstance(said, dict):
        raise MalformedEventError(f"an event whose data is not a JSON object: {shown(event.data)}")
    return said


def read_json(data: bytes) -> Any:
    """Decode JSON as servers write it: NaN, half a character and any number of digits included.

    Raises `ValueError`, `RecursionError`.
    """
    return json.loads(data.decode("utf-8", "replace"), strict=False, parse_int=_whole)


def _whole(digits: str) -> int | float:
    """Read an integer; one that Python would refuse to (by default, of over 4,300 digits) is as good as infinite."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits[:400])


def _what_is_wrong(event: Event, error: Exception) -> str:
    if event.lines > 1:
        return (
            f"an event with {event.lines} lines of data that are no JSON together: between two events there must be an "
            f"empty line, not only a newline: {shown(event.data)}"
        )
    return f"an event whose data is not JSON ({error}): {shown(event.data)}"


def _cleaned(said: dict[str, Any]) -> Chunk:
    choices = said.get("choices")
    if isinstance(choices, dict):
        choices = [choices] if choices else []
    if choices is not None and not isinstance(choices, list):
        raise MalformedEventError(f"`choices` is not a list but {choices!r}")
    return Chunk(
        choices=[_choice(choice) for choice in choices or () if isinstance(choice, dict)],
        usage=said.get("usage"),
        error=said.get("error"),
        model=said.get("model"),
        timings=said.get("timings"),
        x_groq=said.get("x_groq"),
    )


def _choice(said: dict[str, Any]) -> Choice:
    return Choice(
        text=said.get("text"),
        delta=_delta(said.get("delta")),
        message=_delta(said.get("message")),
        finish_reason=said.get("finish_reason"),
        error=said.get("error"),
        usage=said.get("usage"),
    )


def _delta(said: object) -> Delta | None:
    if isinstance(said, dict):
        return Delta(**{name: said.get(name) for name in Delta.__struct_fields__})
    return None if said is None else Delta(content=said)


def _reason(value: object) -> str:
    """Return a finish reason as a word; SGLang's may be an object with a `type`."""
    if isinstance(value, dict):
        value = value.get("type") or value.get("reason") or value.get("name") or value
    return text_of(value) or json.dumps(value)


def _server_timings(said: object) -> ServerTimings | None:
    try:
        timings = msgspec.convert(said, ServerTimings)
    except DECODING_ERRORS:
        return None
    counts = (timings.cache_n or 0, timings.prompt_n, timings.predicted_n, timings.draft_n or 0)
    times_ms = (timings.prompt_ms, timings.predicted_ms)
    is_sound = all(count_of(count) is not None for count in counts) and all(0 <= ms <= MOST_COUNTED for ms in times_ms)
    return timings if is_sound else None


_SHOWN_BYTES = 8192  # enough for a key to be found and hidden before the text is cut


def shown(data: bytes) -> str:
    """Return the beginning of what a server sent as text, not yet cut to what is printed."""
    return data[:_SHOWN_BYTES].decode("utf-8", "replace").strip()
