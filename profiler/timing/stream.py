"""What the events of a streamed response say: tokens, counts, how it ended, what went wrong.

Servers agree on the outline of a chunk (`choices`, `usage`, `[DONE]`) and differ in the rest. What a reader of tokens
does not need may have any form. Errors are recognised in all forms that servers are known to write, whatever the
status was.
"""

import json
from typing import Any

import msgspec

from profiler.results.records import ServerTimings
from profiler.timing.error_forms import is_error, says_error
from profiler.timing.framing import Event, events
from profiler.timing.usage import MOST_COUNTED, MOST_DIGITS, Usage, count_of, read_usage, text_of

DONE = b"[DONE]"
_MOST_TOKENS = 4096  # in one event; a server that counts more of them miscounts
_OTHER = "…"
_TEXT_KEYS = ("text", "content", "thinking", "reasoning", "summary", "refusal", "transcript", "data")
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


class _Delta(msgspec.Struct):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking: Any = None
    refusal: Any = None
    audio: Any = None
    tool_calls: Any = None
    function_call: Any = None

    def has_reasoning(self) -> bool:
        return _has_text(self.reasoning_content) or _has_text(self.reasoning) or _has_text(self.thinking)

    def text_length(self) -> int:
        if type(self.content) is str and self.content:
            return len(self.content)
        return sum(_length(getattr(self, name)) for name in self.__struct_fields__)

    def has_token(self) -> bool:
        return (
            _has_text(self.content)
            or self.has_reasoning()
            or _has_text(self.refusal)
            or _has_text(self.audio)
            or bool(self.tool_calls)
            or bool(self.function_call)
        )


class _Choice(msgspec.Struct):
    text: Any = None
    delta: _Delta | None = None
    message: _Delta | None = None  # some send it in place of `delta`
    finish_reason: Any = None

    def has_token(self) -> bool:
        said = self.delta or self.message
        if said is None:
            return _has_text(self.text)
        content = said.content
        return (type(content) is str and bool(content)) or said.has_token() or _has_text(self.text)

    def text_length(self) -> int:
        said = self.delta or self.message
        return _length(self.text) + (said.text_length() if said is not None else 0)

    def part(self, before: str | None) -> str | None:
        """Return what it brings of the answer as text, `_OTHER` where that is none, such as a call; None for reasoning.

        What has neither goes on with what was `before`: half a character, a special token.
        """
        said = self.delta or self.message
        content = self.text if said is None else said.content
        if type(content) is str and content:
            return content
        if self.has_reasoning():
            return None
        return _OTHER if self.has_token() else before and ""

    def has_reasoning(self) -> bool:
        said = self.delta or self.message
        if said is None or (type(said.content) is str and said.content):
            return False
        return said.has_reasoning() or _is_thinking(said.content)


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    model: Any = None
    timings: Any = None  # llama-server's; another server may mean something else by it


# In older versions of msgspec its errors are no ValueErrors, and broken UTF-8 is a UnicodeDecodeError.
DECODING_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
_decode_chunk = msgspec.json.Decoder(_Chunk).decode


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
        elif data.strip() == DONE:
            stream.is_done = True
            return
        elif data and not data.isspace():
            _read_chunk(event, stream)
    if not stream.event_offsets and not stream.is_ended:
        _read_plain(body)


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
    if stream.model is None:
        stream.model = text_of(chunk.model)
    if chunk.timings is not None:
        stream.timings = _server_timings(chunk.timings)
    if chunk.choices:
        _take_choices(chunk, chunk.choices, event.end, stream)


def _take_choices(chunk: _Chunk, choices: list[_Choice], end: int, stream: Stream) -> None:
    shown_tokens = 0
    for choice in choices:
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
        if choice.finish_reason:
            stream.finish_reason = _reason(choice.finish_reason)
            stream.textless_end = None if tokens else end


def text_lengths(body: bytes) -> list[int]:
    """Return how many characters each event with tokens brought, of a stream that has been read well."""
    stream = Stream(measures_text=True)
    read_stream(body, stream)
    return stream.text_lengths


def _tokens_in(chunk: _Chunk, shown_tokens: int, stream: Stream) -> int:
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


def _chunk(event: Event) -> _Chunk:
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


def _cleaned(said: dict[str, Any]) -> _Chunk:
    choices = said.get("choices")
    if isinstance(choices, dict):
        choices = [choices] if choices else []
    if choices is not None and not isinstance(choices, list):
        raise MalformedEventError(f"`choices` is not a list but {choices!r}")
    return _Chunk(
        choices=[_choice(choice) for choice in choices or () if isinstance(choice, dict)],
        usage=said.get("usage"),
        error=said.get("error"),
        model=said.get("model"),
        timings=said.get("timings"),
    )


def _choice(said: dict[str, Any]) -> _Choice:
    return _Choice(said.get("text"), _delta(said.get("delta")), _delta(said.get("message")), said.get("finish_reason"))


def _delta(said: object) -> _Delta | None:
    if isinstance(said, dict):
        return _Delta(**{name: said.get(name) for name in _Delta.__struct_fields__})
    return None if said is None else _Delta(content=said)


def _has_text(value: object) -> bool:
    """Whether a field holds text: a string, an object with one, or a list of parts, as Mistral's Magistral sends."""
    if isinstance(value, str):
        return bool(value)
    if isinstance(value, list):
        return any(_has_text(part) for part in value)
    if isinstance(value, dict):
        return any(_has_text(value.get(key)) for key in _TEXT_KEYS)
    return False


def _length(value: object) -> int:
    """Return how many characters of text a field holds."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(_length(part) for part in value)
    if isinstance(value, dict):
        return sum(_length(part) for part in value.values())
    return 0


def _is_thinking(content: object) -> bool:
    parts = content if isinstance(content, list) else [content]
    return any(isinstance(part, dict) and part.get("type") in {"thinking", "reasoning"} for part in parts)


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
    counts = (timings.cache_n, timings.prompt_n, timings.predicted_n)
    times_ms = (timings.prompt_ms, timings.predicted_ms)
    is_sound = all(count_of(count) is not None for count in counts) and all(0 <= ms <= MOST_COUNTED for ms in times_ms)
    return timings if is_sound else None


_SHOWN_BYTES = 8192  # enough for a key to be found and hidden before the text is cut


def shown(data: bytes) -> str:
    """Return the beginning of what a server sent as text, not yet cut to what is printed."""
    return data[:_SHOWN_BYTES].decode("utf-8", "replace").strip()
