"""Texts of strangers on pages and in Markdown: no control characters, and no more of them than can be read."""

import re
from dataclasses import dataclass

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Control characters but tab and line feed; what turns the direction of writing for whatever stands behind it.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


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
