"""Texts of strangers on pages and in Markdown: no control characters, and no more of them than can be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.results.records import KeptMessage

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Control characters but tab and line feed; what turns the direction of writing for whatever stands behind it.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


_HEAD_SHARE = 3  # of a text that is cut in its middle, the beginning has the third part of what is kept


@dataclass(frozen=True)
class Text:
    """The beginning of a text, and how many characters more it has."""

    shown: str
    left_out: int = 0

    @property
    def note(self) -> str:
        """How much is left out; empty where nothing is."""
        return f"… {self.left_out:,} more characters" if self.left_out else ""


def text(whole: str, most: int | None) -> Text:
    """Return at most so many characters (None: all) of a text, with a sign in place of what must not be shown."""
    kept = whole.strip().replace("\r\n", "\n")
    beginning = kept if most is None else kept[:most]
    return Text(_UNSHOWN.sub(_REPLACEMENT, beginning), len(kept) - len(beginning))


def conversation(messages: Sequence[KeptMessage], most: int | None) -> Text:
    """Return what was sent; of a long one beginning and end, for the question comes last.

    A single message stands alone, several have their roles before them.
    """
    parts = [(message.role, _whole(message).strip()) for message in messages]
    said = [content for _, content in parts] if len(parts) == 1 else [f"{role}: {content}" for role, content in parts]
    kept = text("\n".join(said), None).shown
    if most is None or len(kept) <= most:
        return Text(kept)
    head = most // _HEAD_SHARE
    return Text(f"{kept[:head]}\n[… {len(kept) - most:,} characters …]\n{kept[head - most :]}")


def _whole(message: KeptMessage) -> str:
    if not message.left_out:
        return message.text
    return f"{message.text}\n[… {message.left_out:,} characters, not kept …]\n{message.rest}"
