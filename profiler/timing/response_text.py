"""The text of a streamed response, put together once its request has finished; total: it ends on any input."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from profiler.timing.framing import events
from profiler.timing.reasoning import split
from profiler.timing.stream import read_json
from profiler.timing.usage import text_of

_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_details")  # keys of a delta, by engine
_REASONING_PARTS = {"thinking", "reasoning"}  # types of a part of a content in parts, as Mistral's Magistral sends it


class ResponseText(NamedTuple):
    """What a response says, and what it says of how it came to it; empty where there was no such text."""

    text: str = ""
    reasoning: str = ""
    is_damaged: bool = False  # not UTF-8: what could not be read stands as U+FFFD


def read_text(body: bytes) -> ResponseText:
    """Read the text of the first choice of every event; what cannot be read brings none.

    Reasoning that the server streamed among the text, between the tags of the model, is told apart.
    """
    texts, reasoning = list[str](), list[str]()
    for choice in _choices(body):
        said = choice.get("delta") or choice.get("message")
        said = said if isinstance(said, dict) else {"content": said}
        for part in _parts(said.get("content")):
            is_reasoning = isinstance(part, dict) and part.get("type") in _REASONING_PARTS
            (reasoning if is_reasoning else texts).append(_plain(part))
        texts += [_plain(choice.get("text")), _plain(said.get("refusal"))]
        reasoning.append(next((text for key in _REASONING if (text := _plain(said.get(key)))), ""))
    tagged, answer = split("".join(texts))
    return ResponseText(answer, "".join(reasoning) + tagged, not _is_utf8(body))


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _choices(body: bytes) -> Iterator[dict[str, Any]]:
    for event in events(body):
        try:
            said = read_json(event.data)
        except (ValueError, RecursionError):
            continue
        choices = said.get("choices") if isinstance(said, dict) else None
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            yield choices[0]


def _parts(content: object) -> list[object]:
    return content if isinstance(content, list) else [content]


def _plain(value: object) -> str:
    """Return the text of a field: a string, an object that holds one, or a list of either, one level deep."""
    if isinstance(value, list):
        return "".join(_plain(part) for part in value if not isinstance(part, list))
    if isinstance(value, dict):
        inner = next((value[key] for key in ("text", "content", *_REASONING) if value.get(key)), None)
        return _plain(inner) if not isinstance(inner, dict) else text_of(inner.get("text")) or ""
    return text_of(value) or ""
