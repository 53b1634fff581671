"""A command in a login shell that may say what it likes: what the command itself printed lies between two marks.

Profiles print greetings, on standard output too, and `ssh` has messages of its own on standard error. So the shell
says a word of ours, made up for this one call, before and after the command, and behind the second the exit code.
Without the second mark the command did not come to its end, whatever the exit code of `ssh` may be.
"""

import re
import secrets
import shlex
from collections import deque
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import BinaryIO

from profiler.fleet.environment import FIND

_LINES_KEPT = 200
_LONGEST_GREETING = 64 * 1024
_LONGEST_END = 32  # bytes behind the word: " end 255\n"
_SCRIPT = """\
{find}echo "{word} begin"
echo "{word} begin" >&2
if command -v "$1" >/dev/null 2>&1; then "$@"; echo "{word} end $?"; else echo "{word} missing"; fi
"""


class Framed:
    """One call: the command line for the shell, and what of its two streams belongs to the command."""

    def __init__(self, argv: Sequence[str], output: BinaryIO | None, on_line: Callable[[str], None] | None) -> None:
        """`output` and `on_line` take what the command prints, as in `Transport.call`."""
        word = f"aforo-{secrets.token_hex(8)}"
        script = _SCRIPT.format(word=word, find=FIND)
        self.command = shlex.join(["sh", "-c", script, "aforo", *argv])
        self._printed = BytesIO()
        self.lines = deque[str](maxlen=_LINES_KEPT)  # of the command
        self.around = deque[str](maxlen=_LINES_KEPT)  # of whoever spoke before it
        self.sink = _Sink(word.encode(), self._printed if output is None else output)
        self._begin = f"{word} begin"
        self._has_begun = False
        self._on_line = on_line

    def take_line(self, text: str) -> None:
        """Take a line of standard error."""
        if not self._has_begun:
            before, mark, _ = text.partition(self._begin)
            self._has_begun = bool(mark)
            if before:
                self.around.append(before)
            return
        self.lines.append(text)
        if self._on_line is not None:
            self._on_line(text)

    @property
    def stdout(self) -> bytes:
        """What the command printed, where no `output` took it."""
        return self._printed.getvalue()


class _Sink(BytesIO):
    """Takes standard output, and hands on what lies between the marks; `close` it for the end."""

    def __init__(self, word: bytes, output: BinaryIO) -> None:
        super().__init__()
        self.has_begun = False
        self.is_missing = False  # the command is not there
        self.exit_code: int | None = None  # None: the end of the command was not heard of
        self.greeting = b""  # what was printed before the command
        self._begin = word + b" begin\n"
        self._end = re.compile(re.escape(word) + rb" (?:end (\d+)|(missing))\n\Z")
        self._held_bytes = len(word) + _LONGEST_END
        self._held = b""
        self._output = output

    def write(self, piece: bytes, /) -> int:  # type: ignore[override]  # bytes is all that comes
        """Take a piece."""
        self._held += piece
        if not self.has_begun:
            self.greeting, mark, rest = self._held.partition(self._begin)
            self.has_begun = bool(mark)
            self._held = rest if mark else self._held[-_LONGEST_GREETING:]
        if self.has_begun and len(self._held) > self._held_bytes:
            self._output.write(self._held[: -self._held_bytes])
            self._held = self._held[-self._held_bytes :]
        return len(piece)

    def finish(self) -> None:
        """Hand on the rest, without the last mark."""
        found = self._end.search(self._held) if self.has_begun else None
        if found is None:
            return
        self._output.write(self._held[: found.start()])
        self.is_missing = found[2] is not None
        self.exit_code = None if self.is_missing else int(found[1])
