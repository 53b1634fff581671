"""The outline of an event's JSON, `chat.completion.chunk` and `text_completion`, with all the fields that bring text.

A field may have any form: text, an object with some, a list of parts.
"""

from typing import Any

import msgspec

_OTHER = "…"
_TEXT_KEYS = ("text", "content", "thinking", "reasoning", "summary", "refusal", "transcript", "data")


class Delta(msgspec.Struct):
    """What an event adds to a message."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking: Any = None
    reasoning_details: Any = None  # MiniMax sends them alone, OpenRouter beside `reasoning`
    refusal: Any = None
    audio: Any = None
    tool_calls: Any = None
    function_call: Any = None

    def has_reasoning(self) -> bool:
        """Whether it brings some of the model's reasoning."""
        kinds = (self.reasoning_content, self.reasoning, self.thinking, self.reasoning_details)
        return any(map(_has_text, kinds))

    def text_length(self) -> int:
        """Return how many characters of text it brings; `reasoning_details` repeat those of `reasoning`."""
        if type(self.content) is str and self.content:
            return len(self.content)
        names = [name for name in self.__struct_fields__ if name != "reasoning_details"]
        return sum(_length(getattr(self, name)) for name in names) or _length(self.reasoning_details)

    def has_token(self) -> bool:
        """Whether it brings anything that the model has made."""
        return (
            _has_text(self.content)
            or self.has_reasoning()
            or _has_text(self.refusal)
            or _has_text(self.audio)
            or bool(self.tool_calls)
            or bool(self.function_call)
        )


class Choice(msgspec.Struct):
    """One of the answers to a request, or the next piece of it."""

    text: Any = None
    delta: Delta | None = None
    message: Delta | None = None  # some send it in place of `delta`
    finish_reason: Any = None
    error: Any = None  # OpenRouter's, of a provider that failed
    usage: Any = None  # Moonshot's

    def has_token(self) -> bool:
        """Whether it brings anything that the model has made."""
        said = self.delta or self.message
        if said is None:
            return _has_text(self.text)
        content = said.content
        return (type(content) is str and bool(content)) or said.has_token() or _has_text(self.text)

    def text_length(self) -> int:
        """Return how many characters of text it brings."""
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
        """Whether it brings reasoning and nothing of the answer."""
        said = self.delta or self.message
        if said is None or (type(said.content) is str and said.content):
            return False
        return said.has_reasoning() or _is_thinking(said.content)


class Chunk(msgspec.Struct):
    """All that one event says."""

    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None
    model: Any = None
    timings: Any = None  # llama-server's; another server may mean something else by it
    x_groq: Any = None  # Groq's: why it stopped early, or its usage


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
