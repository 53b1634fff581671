"""All processes of a model server: what it started, and what these started, wherever they have gone.

A process belongs to the family if it is in the server's session, if it has inherited the server's mark in its
environment, or if its parent belongs to it. A session alone would miss a worker that begins one of its own, the mark
one that writes its title over its environment (setproctitle), and parenthood one whose parent has ended.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "AFORO_SERVER"
_PROC = Path("/proc")
_ROUNDS = 200
_LOOK_S = 0.01
_QUIET_ROUNDS = 3  # without a member, after which none is about to appear
_PARENT, _SESSION = 1, 3  # of the fields behind a process's name in /proc/PID/stat, proc_pid_stat(5)


def end_family(leader: int | None, mark: str) -> None:
    """Kill every process of a family, and those that they start meanwhile; return when none is left.

    `leader` is the first process of the server's session; `None`: not known. Where there is no /proc, its process group
    is killed.
    """
    quiet = 0
    for _ in range(_ROUNDS):
        if leader is not None:
            signal_group(leader, signal.SIGKILL)
        quiet = 0 if _kill_members(leader, mark) else quiet + 1
        if quiet == _QUIET_ROUNDS or sys.platform != "linux":
            return
        time.sleep(_LOOK_S)


def signal_group(group: int, number: int) -> bool:
    """Signal a process group; return whether it still had members."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def members(leader: int | None, mark: str) -> set[int]:
    """Return the numbers of all living processes of a family."""
    parents = dict(_processes())
    found = {pid for pid, (_, session) in parents.items() if session == leader or _is_marked(pid, mark)}
    while more := {pid for pid, (parent, _) in parents.items() if parent in found} - found:
        found |= more
    return found


def _kill_members(leader: int | None, mark: str) -> bool:
    """Kill those who are there; return whether there was anybody."""
    found = members(leader, mark)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


def _processes() -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield every process with its parent and its session; those that have ended and wait to be reaped are left out."""
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            if fields[0] not in {"Z", "X"}:
                yield int(folder.name), (int(fields[_PARENT]), int(fields[_SESSION]))


def _is_marked(pid: int, mark: str) -> bool:
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return False
    return f"{VARIABLE}={mark}".encode() in environment.split(b"\0")
