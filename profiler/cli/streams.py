"""Standard input, output and error, made fit for what is written to them, once, before anything else runs.

- Descriptors 0 to 2 that the parent has closed (`aforo run <&-`, cron, service managers) are opened to /dev/null. Else
  the next file that is opened would get such a number, and be taken for a standard stream by every child.
- Text that comes from servers, models and folders of others may hold terminal escapes, and lines that a build service
  obeys (`::warning::`). Neither leaves this process: whatever is printed passes through `Shown`.
- A character that the terminal's encoding lacks is written as its nearest plain one, never a failure.
- Standard output that takes no more is an error with a sentence; standard error that takes no more is nobody's loss.
"""

import codecs
import errno
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from typing import TextIO

from profiler.errors import OutputError

_PLAIN = "aforo-plain"  # the name of our handler of characters that an encoding lacks
_NEAREST = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\u2501\u2022", "-"),
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
    **dict.fromkeys("\u2502\u2503", "|"),
    "\u00d7": "x",
    "\u00b7": "*",
    "\u00b5": "u",
    "\u03bc": "u",
    "\u03bb": "lambda",
    "\u0394": "delta",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2248": "~",
    "\u00b1": "+-",
    "\u2192": "->",
    "\u2190": "<-",
    "\u25b2": "^",
    "\u25bc": "v",
}

_ESCAPES = re.compile(
    r"""
      \x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?       # operating system command: titles, links, clipboard
    | \x1b[PX^_][^\x1b\n]*(?:\x1b\\)?            # strings for devices
    | (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?          # colours, cursor
    | \x1b[ -/]*[0-~]?                           # any other escape
    | [\x00-\x08\x0b-\x1f\x7f-\x9f]              # control characters but tab and line feed
    | [\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]  # what turns the direction of writing, other ends of lines
    """,
    re.VERBOSE,
)
_COMMAND = re.compile(r"^(\s*:)(?=:[A-Za-z])", re.MULTILINE)  # GitHub: at the start of a line
_COMMAND_INSIDE = re.compile(r"#(?=#\w*\[)")  # GitHub's older form, Azure's, TeamCity's: anywhere


def printable(text: str) -> str:
    """Return text without terminal escapes, control characters but tab and line feed, and bidirectional controls."""
    return _ESCAPES.sub("", text)


class Shown(io.TextIOBase):
    """A standard stream through which only what may be shown passes."""

    def __init__(self, stream: TextIO, *, is_needed: bool, is_styled: bool = False) -> None:
        """Write to `stream`; where it takes no more, that is an error only if it `is_needed`.

        With `is_styled` escapes pass: those of rich, whose texts `output.console` has cleaned.
        """
        self._stream = stream
        self._is_needed = is_needed
        self._is_styled = is_styled
        self._is_blank = True  # nothing but white space on this line yet
        if not is_styled:
            self.rich_proxied_file = Shown(stream, is_needed=is_needed, is_styled=True)  # where rich writes instead

    def write(self, text: str) -> int:
        """Write what may be shown of a text. Raises `OutputError` where standard output takes no more."""
        self._write(self._without_commands(text if self._is_styled else printable(text)))
        return len(text)

    def write_commands(self, lines: Iterable[str]) -> None:
        """Write lines that a build service is meant to obey, their texts escaped as it asks."""
        self._write("".join(f"{printable(line)}\n" for line in lines))

    def flush(self) -> None:
        """Hand over what is buffered. Raises `OutputError` as `write`."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's encoding."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How characters that it lacks are written."""
        return self._stream.errors

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except OSError as error:
            self._give_up(error)

    def _without_commands(self, text: str) -> str:
        """Part the signs that a build service would take for a command to it."""
        if not text:
            return text
        first, end, rest = text.partition("\n")
        shown = (_COMMAND.sub(r"\1 ", first) if self._is_blank else first) + end + _COMMAND.sub(r"\1 ", rest)
        last = text.rpartition("\n")[2]
        self._is_blank = not last.strip() and (bool(end) or self._is_blank)
        return _COMMAND_INSIDE.sub("# ", shown)

    def _give_up(self, error: OSError) -> None:
        """Let what is still buffered go nowhere, or the interpreter would fail over it once more at its end."""
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
            os.dup2(nowhere.fileno(), self.fileno())
        if not self._is_needed:
            return
        if error.errno == errno.EPIPE:
            raise error
        raise OutputError(
            f"Standard output could not be written: {error.strerror}. Free some space, or send it to another file; "
            "what stands in files is not touched by this."
        ) from error


def prepare() -> None:
    """Make the standard streams of this process fit, as the module's text says."""
    _open_closed()
    codecs.register_error(_PLAIN, _in_plain_characters)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
    sys.stdout = Shown(_writer(sys.stdout, 1), is_needed=True)
    sys.stderr = Shown(_writer(sys.stderr, 2), is_needed=False)


def _open_closed() -> None:
    """Open whichever of the descriptors 0 to 2 is closed, in this order, for each gets the lowest free number."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if fd == 0 else os.O_WRONLY)
            os.set_inheritable(fd, True)


def _writer(stream: TextIO | None, fd: int) -> TextIO:
    """Return the stream of a descriptor; Python makes none where it was closed."""
    if stream is None:
        stream = open(fd, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_PLAIN)
    return stream


def _in_plain_characters(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks in characters that every encoding has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(char: str) -> str:
    nearest = _NEAREST.get(char) or unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return nearest or "?"
