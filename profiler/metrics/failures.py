"""Which failures a run saw, the commonest first, in the server's own text."""

import json
import re
import unicodedata
from collections import Counter
from typing import Any

from profiler.results.records import Outcome, RequestRecord
from profiler.results.summary import Failure

_MOST_KINDS = 100  # told apart; further ones count with the others of the same outcome
_MOST_SHOWN = 5
_MOST_CHARACTERS = 160
_VARYING = re.compile(
    r"[0-9a-f]{6,}|\d+", re.IGNORECASE
)  # ids of requests, ports, times: the same failure all the same
_MESSAGE_KEYS = ("error", "message", "detail", "msg", "title", "errors", "error_description", "reason")
_CUT_MESSAGE = re.compile(r'"(?:message|error|detail|msg|title|reason)"\s*:\s*"((?:[^"\\]|\\.)+)')
_HTML_TITLE = re.compile(r"<title>\s*([^<]+)", re.IGNORECASE)

_Kind = tuple[str, int | None, str]


class Failures:
    """Counts failed requests by outcome, HTTP status and message."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: Counter[_Kind] = Counter()
        self._texts: dict[_Kind, str] = {}

    def take(self, request: RequestRecord) -> None:
        """Add a request that failed."""
        text = one_line(server_message(request.detail or ""))
        status = request.http_status if request.outcome is Outcome.HTTP_ERROR else None
        kind = (str(request.outcome), status, _VARYING.sub("#", text))
        if kind not in self._counts and len(self._counts) >= _MOST_KINDS:
            kind = (str(request.outcome), status, "")
        self._counts[kind] += 1
        self._texts.setdefault(kind, text)

    def __add__(self, later: "Failures") -> "Failures":
        """Return both together."""
        both = Failures()
        both._counts = self._counts + later._counts
        both._texts = {**later._texts, **self._texts}
        return both

    def commonest(self) -> list[Failure]:
        """Return a few kinds, the commonest first."""
        return [
            Failure(outcome=kind[0], http_status=kind[1], count=count, text=self._texts[kind])
            for kind, count in self._counts.most_common(_MOST_SHOWN)
        ]


def of_outcome(outcome: Outcome, http_status: int | None) -> str:
    """Return a failure by its outcome alone, such as "HTTP 503"."""
    is_status = outcome is Outcome.HTTP_ERROR and http_status is not None
    return f"HTTP {http_status}" if is_status else outcome.replace("_", " ")


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
