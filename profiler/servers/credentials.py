"""Keys and headers for an endpoint: taken from files and variables, sent, and never shown or written down."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from profiler.errors import UsageError
from profiler.files import read_secret
from profiler.servers.secrets import MASK, is_secret_name

VARIABLES = ("AFORO_API_KEY", "OPENAI_API_KEY")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token of RFC 9110, section 5.6.2
_OURS = {"host", "content-type", "content-length", "accept", "transfer-encoding"}
_CONNECTION = {"close", "keep-alive"}
_SHORTEST = 6  # what is shorter is no secret, and would be found in innocent words
_SHORTEST_UNNAMED = 16  # of a header whose name does not say that it holds a secret
_SHORTEST_PART = 8  # of a secret that was cut, to be recognised by
_PLACEHOLDERS = {"no-key", "not-needed", "lm-studio", "ollama", "no-key-required", "sk-no-key-required"}
_SEPARATORS = re.compile(r"[\s;,=:]+")
_ODDS_AND_ENDS = "….'\")]} "  # behind a text that was cut
_LONGEST_KEY_BYTES = 64 * 1024
_PATIENCE_S = 10.0  # with a program that fetches the key


@dataclass(frozen=True)
class Credentials:
    """Headers that go with every request. What they hold is left out of `repr`."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    origin: str | None = None  # where the key came from

    def mask(self, text: str) -> str:
        """Return a text without any secret, be it whole, or cut somewhere. Never to be used on what is sent."""
        for secret in self._secrets():
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
            if len(secret) >= _SHORTEST_UNNAMED and " " not in secret:
                text = _mask_parts(text, secret)
            text = _mask_cut(text, secret)
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
        """Return what must not be shown: each value and its parts (a scheme's key, cookies), longest first.

        Short values and those of headers such as X-Env are common words; they are not written down, but not hunted for.
        """
        found: set[str] = set()
        for name, value in self.headers.items():
            shortest = _SHORTEST if is_secret_name(name) else _SHORTEST_UNNAMED
            found |= {part for part in (value, *_SEPARATORS.split(value)) if len(part) >= shortest}
        return sorted(found - _PLACEHOLDERS, key=len, reverse=True)


def _mask_parts(text: str, secret: str) -> str:
    """Mask every stretch of a long secret: half of it, or eight characters where it looks random."""
    is_random = re.search(r"(?=\w*[0-9])(?=\w*[A-Za-z])\w{16}", secret) is not None
    shortest = _SHORTEST_PART if is_random else -(-len(secret) // 2)
    for start in range(len(secret) - shortest + 1):
        position = 0
        while (position := text.find(secret[start : start + shortest], position)) >= 0:
            length = shortest
            while secret[start + length :][:1] and text[position + length :][:1] == secret[start + length]:
                length += 1
            text = text[:position] + MASK + text[position + length :]
            position += len(MASK)
    return text


def _mask_cut(text: str, secret: str) -> str:
    """Mask the beginning of a secret that the text breaks off in."""
    body = text.rstrip(_ODDS_AND_ENDS)
    longest = range(len(secret) - 1, _SHORTEST_PART - 1, -1)
    part = next((n for n in longest if body.endswith(secret[:n])), 0)
    return body[:-part] + MASK + text[len(body) :] if part else text


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
        text = read_secret(key_file, _LONGEST_KEY_BYTES, _PATIENCE_S).decode("utf-8-sig")
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
    if name.lower() == "connection" and value.lower() not in _CONNECTION:
        raise UsageError("--header Connection: expected close, for a connection of its own for every request.")
    return ("Authorization" if name.lower() == "authorization" else name), value
