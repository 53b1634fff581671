"""Keys and headers for an endpoint: taken from files and variables, sent, and never shown or written down."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from profiler.errors import UsageError

VARIABLES = ("AFORO_API_KEY", "OPENAI_API_KEY")
MASK = "[hidden]"

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token of RFC 9110, section 5.6.2
_OURS = {"host", "content-type", "content-length", "accept", "connection", "transfer-encoding"}
_SHORTEST_PART = 4  # of a secret that was cut off, to be recognised by


@dataclass(frozen=True)
class Credentials:
    """Headers that go with every request. What they hold is left out of `repr`."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    origin: str | None = None  # where the key came from

    def mask(self, text: str) -> str:
        """Return a text without any of the values, not even the beginning of one that the text breaks off in."""
        for secret in self._secrets():
            text = text.replace(secret, MASK)
            body = text.rstrip("…")
            part = next((n for n in range(len(secret) - 1, _SHORTEST_PART - 1, -1) if body.endswith(secret[:n])), 0)
            if part:
                text = body[:-part] + MASK + text[len(body) :]
        return text

    def notes(self) -> list[str]:
        """Say what was sent, by name only."""
        key = [f"A key from {self.origin} was sent with every request."] if self.origin else []
        names = sorted(name for name in self.headers if name != "Authorization" or not self.origin)
        return [
            *key,
            *([f"Headers that were sent too: {', '.join(names)}; their values are not kept."] if names else []),
        ]

    def _secrets(self) -> list[str]:
        """Return the values, with and without the scheme before a key, longest first."""
        values = {part for value in self.headers.values() for part in (value, value.rpartition(" ")[2]) if part}
        return sorted(values, key=len, reverse=True)


def read_credentials(key_file: Path | None, headers: Sequence[str]) -> Credentials:
    """Return the key (from the file, or else the first variable that is set) and the headers. Raises `UsageError`."""
    key, origin = _key(key_file)
    sent = {"Authorization": f"Bearer {key}"} if key else {}
    for number, text in enumerate(headers, start=1):
        name, value = _header(number, text)
        sent[name] = value
    is_replaced = key is not None and sent.get("Authorization") != f"Bearer {key}"
    return Credentials(sent, None if is_replaced else origin)


def _key(key_file: Path | None) -> tuple[str | None, str | None]:
    if key_file is None:
        name = next((name for name in VARIABLES if os.environ.get(name)), None)
        return (_one_word(os.environ[name], f"${name}"), f"${name}") if name else (None, None)
    try:
        text = key_file.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(
            f"--api-key-file {key_file}: {why}. Expected a file that holds the key and nothing else."
        ) from None
    return _one_word(text, f"--api-key-file {key_file}"), str(key_file)


def _one_word(text: str, origin: str) -> str:
    """Return a key without white space around it. Raises `UsageError`, which does not show it."""
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"{origin}: expected one key, printable and without blanks. It is not shown here.")
    return key


def _header(number: int, text: str) -> tuple[str, str]:
    """Split `Name: value`. Raises `UsageError`, which does not show the value."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not _NAME.fullmatch(name) or not value or not value.isascii() or not value.isprintable():
        raise UsageError(f"--header number {number}: expected 'Name: value', printable. It is not shown here.")
    if name.lower() in _OURS:
        raise UsageError(f"--header {name}: Aforo sets this header itself. Leave it out.")
    return ("Authorization" if name.lower() == "authorization" else name), value
