"""A conversation with a process: input in, output and lines out, an end where nothing comes any more."""

import os
import selectors
import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import IO, BinaryIO

from profiler.errors import HostLostError
from profiler.fleet.transport import Answer

_PIECE_BYTES = 64 * 1024
_PATIENCE_S = 5.0  # with a process that has closed its output and not ended
_LINES_KEPT = 200  # a command may talk for hours


def exchange(
    process: "subprocess.Popen[bytes]",
    stdin: bytes,
    timeout_s: float,
    output: BinaryIO | None,
    on_line: Callable[[str], None] | None,
) -> Answer:
    """Give a process its input and take what it prints, to its end; of its streams all three are pipes.

    Raises `HostLostError` where nothing comes for `timeout_s`, or a signal ended the process. It is killed before an
    error goes on.
    """
    with process:
        try:
            said, lines = _talk(process, stdin, timeout_s, output, on_line)
            exit_code = process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise HostLostError("The command closed its output and did not end.") from None
        except BaseException:
            process.kill()
            raise
    if exit_code < 0:
        raise HostLostError(f"The command was ended by signal {-exit_code}. {lines.text[-200:]}".rstrip())
    return Answer(exit_code, said.getvalue() if isinstance(said, BytesIO) else b"", lines.text)


class Lines:
    """Standard error, handed on line by line."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        """Take whoever wants each line, without its end."""
        self._on_line = on_line
        self._rest = b""
        self._taken = deque[str](maxlen=_LINES_KEPT)

    def take(self, piece: bytes) -> None:
        """Take what came next, wherever it was cut."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            self._hand_on(line)

    def end(self) -> None:
        """Hand on what came last and had no end."""
        if self._rest:
            self._hand_on(self._rest)
            self._rest = b""

    @property
    def text(self) -> str:
        """The last lines that were not empty."""
        return "\n".join(self._taken)

    def _hand_on(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        if text:
            self._taken.append(text)
        if self._on_line is not None:
            self._on_line(text)


def _talk(
    process: "subprocess.Popen[bytes]",
    stdin: bytes,
    timeout_s: float,
    output: BinaryIO | None,
    on_line: Callable[[str], None] | None,
) -> tuple[BinaryIO, Lines]:
    assert process.stdin is not None  # noqa: S101 - all three are pipes
    said: BinaryIO = BytesIO() if output is None else output
    lines = Lines(on_line)
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        for stream in (process.stdout, process.stderr):
            selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]  # all three are pipes
        rest = memoryview(stdin)
        while selector.get_map():
            ready = selector.select(timeout_s)
            if not ready:
                raise HostLostError(f"Nothing came for {timeout_s:g} s.")
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    rest = _write(selector, process.stdin, rest)
                    continue
                piece = os.read(key.fd, _PIECE_BYTES)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    lines.take(piece)
                else:
                    said.write(piece)
    lines.end()
    return said, lines


def _write(selector: selectors.BaseSelector, stream: IO[bytes], rest: memoryview) -> memoryview:
    """Write what goes in without waiting; close the stream at the end, or where nobody reads it any more."""
    with suppress(BlockingIOError):
        try:
            rest = rest[os.write(stream.fileno(), rest[:_PIECE_BYTES]) :]
        except BrokenPipeError:
            rest = rest[:0]
    if not rest:
        selector.unregister(stream)
        stream.close()
    return rest
