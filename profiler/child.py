"""Processes of this package's own: started alike, up once they say so in a line, ended by the end of their input."""

import os
import select
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO


def start_python(
    arguments: Sequence[str],
    *,
    stdin: int = subprocess.PIPE,
    stdout: int | BinaryIO = subprocess.PIPE,
    stderr: int | BinaryIO = subprocess.DEVNULL,
    pass_fds: Collection[int] = (),
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start this Python with some arguments (`-m`, a module, …), out of reach of a Ctrl-C at the terminal.

    `environment` replaces this process's own. Raises `OSError`.
    """
    return subprocess.Popen(
        [sys.executable, "-P", *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        start_new_session=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"} if environment is None else environment,
    )


def read_line(process: "subprocess.Popen[bytes]", timeout_s: float) -> str:
    """Return the next line that a process prints; empty where it has ended, or prints nothing in time."""
    assert process.stdout is not None  # noqa: S101 - a process without a pipe is not listened to
    readable, _, _ = select.select([process.stdout], [], [], timeout_s)
    return process.stdout.readline().decode("utf-8", "replace").strip() if readable else ""


def end(process: "subprocess.Popen[bytes]", patience_s: float) -> None:
    """Close the input of a process, which it ends by; kill it where that takes longer. Twice does no harm."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
