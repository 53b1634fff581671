"""What a worker of Ray does for a call: run a command and yield what it prints. Standard library only.

The code itself is sent to the worker (pickled by value), for the Python of a node's Ray need not have Aforo in it: the
command that is run is the host's own. A worker is no place to measure from as Ray leaves it: it is nice by 15, has one
thread for OpenMP, may see no GPU, and is the first to be killed when memory runs out. The command gets the environment,
the priority and the standing of the node itself instead, as `ray start` was given them.
"""

import os
import selectors
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

OUT, LINES, ENDED, NOT_RUN, TOO_NICE = "out", "lines", "ended", "not run", "too nice"

_PIECE_BYTES = 64 * 1024  # small enough to travel without the object store
_LOOK_S = 1.0  # how soon a task that is cancelled notices it
_OOM_SCORE = "oom_score_adj"

Piece = tuple[str, bytes]


def carry(argv: Sequence[str], stdin: bytes) -> Iterator[Piece]:
    """Run a command; yield pieces of its output (OUT) and of its standard error (LINES), then (ENDED, exit code).

    In place of all that comes (TOO_NICE, niceness) where the command would be slowed down, and (NOT_RUN, why) where
    it cannot be run.
    """
    node = os.getppid()
    excess = _take_back_niceness(node)
    if excess:
        yield TOO_NICE, str(excess).encode()
        return
    _take_back_standing(node)
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment_of(node),
                cwd=Path.home(),
                start_new_session=True,
            )
        except OSError as error:
            yield NOT_RUN, str(error.strerror).encode()
            return
        yield from _said(process)


def _said(process: "subprocess.Popen[bytes]") -> Iterator[Piece]:
    """Yield what a process prints, and its exit code; it is killed where the task is cancelled."""
    with process:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ, OUT)  # type: ignore[arg-type]  # a pipe
                selector.register(process.stderr, selectors.EVENT_READ, LINES)  # type: ignore[arg-type]  # a pipe
                while selector.get_map():
                    for key, _ in selector.select(_LOOK_S):
                        piece = os.read(key.fd, _PIECE_BYTES)
                        if piece:
                            yield key.data, piece
                        else:
                            selector.unregister(key.fileobj)
            yield ENDED, str(process.wait()).encode()
        finally:
            process.kill()


def _take_back_niceness(node: int) -> int:
    """Take the node's own priority; return by how much this worker stays nicer than that, 0 where it does not."""
    wanted, own = os.getpriority(os.PRIO_PROCESS, node), os.getpriority(os.PRIO_PROCESS, 0)
    if own > wanted:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, wanted)
            own = wanted
    return max(0, own - wanted)


def _take_back_standing(node: int) -> None:
    """Take the node's own place among the processes that are killed first where memory runs out, where there is one."""
    with suppress(OSError):
        score = Path("/proc", str(node), _OOM_SCORE).read_text("ascii")
        Path("/proc/self", _OOM_SCORE).write_text(score, "ascii")


def _environment_of(node: int) -> dict[str, str]:
    """Return the environment of the node's own process without what is Ray's; our own where that is not to be read."""
    try:
        data = Path("/proc", str(node), "environ").read_bytes()
    except OSError:
        found = dict(os.environ)
        found.pop("OMP_NUM_THREADS", None)
    else:
        pairs = [os.fsdecode(each).partition("=") for each in data.split(b"\0") if each]
        found = {name: value for name, _, value in pairs}
    return {name: value for name, value in found.items() if not name.startswith("RAY_")}
