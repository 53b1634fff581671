"""What a server says of an error, out of whatever it is wrapped in, as a line that can be printed."""

import json
import re
import unicodedata
from typing import Any

_MOST_CHARACTERS = 160
_MESSAGE_KEYS = ("error", "message", "detail", "msg", "title", "errors", "error_description", "reason")
_CUT_MESSAGE = re.compile(r'"(?:message|error|detail|msg|title|reason)"\s*:\s*"((?:[^"\\]|\\.)+)')
_HTML_TITLE = re.compile(r"<title>\s*([^<]+)", re.IGNORECASE)


def server_message(detail: str) -> str:
    """Return the message in an error that a server sent, with what stands before it: "HTTP 400: no such model".

    Servers wrap it as `{"error": {"message": …}}` (OpenAI, vLLM, llama.cpp, Azure), `{"error": …}` (TGI, Ollama),
    `{"message": …}` (older vLLM, gateways), `{"detail": …}` (FastAPI; problem details, RFC 9457) or an HTML page
    (nginx); JSON may have been cut off.
    """
    starts = [at for at in (detail.find("{"), detail.find("[")) if at >= 0]
    if starts:
        before, body = detail[: min(starts)], detail[min(starts) :]
        return before + (_of_json(body) or body)
    if (title := _HTML_TITLE.search(detail)) is not None:
        return _without_repeated_status(f"{detail[: detail.find('<')]}{title[1]}")
    return detail


def _without_repeated_status(text: str) -> str:
    return re.sub(r"^HTTP (\d{3}): \1 ", r"HTTP \1: ", text)


def _of_json(body: str) -> str | None:
    try:
        return _message(json.loads(body), 0)
    except (ValueError, RecursionError):
        cut = _CUT_MESSAGE.search(body)
        return None if cut is None else _unescaped(cut[1])


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:  # cut off within an escape
        return text


def _message(found: Any, depth: int) -> str | None:
    """Return the first message in a document, a few levels deep."""
    if isinstance(found, str):
        return found or None
    if depth > len(_MESSAGE_KEYS):
        return None
    if isinstance(found, list):
        return _message(found[0], depth + 1) if found else None
    if not isinstance(found, dict):
        return None
    inner = (_message(found[key], depth + 1) for key in _MESSAGE_KEYS if key in found)
    return next((text for text in inner if text), None)


def one_line(text: str) -> str:
    """Return foreign text as one printable line of limited length: no control, format or private characters."""
    plain = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 20 * _MOST_CHARACTERS])
    line = " ".join(plain.split())
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1].rstrip() + "…"
