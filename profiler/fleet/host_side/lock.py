"""One measurement at a time on a machine, whoever asks: a lock that every user of the machine meets.

It is a lock on an open file (flock), so it ends with whoever holds it, however that ends.
"""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from profiler.fleet.messages import Job
from profiler.timing.clock import SystemClock

VARIABLE = "AFORO_LOCK_FILE"
_FILE = "/tmp/aforo-measuring.lock"  # noqa: S108 - not a scratch file: the one place that all users share
_MOST_BYTES = 4096
_RESTS_S = (0.02, 0.1, 0.0)  # between tries: whoever only looks who measures has it for a moment, too


class Holder(NamedTuple):
    """Who measures on this machine: a sentence, and the job, where it can be read."""

    sentence: str
    job: Job | None = None


def lock_file() -> Path:
    """Return the file that is locked: one for all users, unless `$AFORO_LOCK_FILE` names another.

    Containers that share a machine share the lock where the variable names a file that all of them have.
    """
    return Path(os.environ.get(VARIABLE) or _FILE)


def take(told: dict[str, str], path: Path | None = None) -> int | None:
    """Return a descriptor that holds the lock for as long as it is open anywhere; None where somebody else holds it.

    `told` says who measures, to be read by others. Raises `OSError`.
    """
    handle = _open(path or lock_file())
    if not any(_is_had(handle, rest_s) for rest_s in _RESTS_S):
        os.close(handle)
        return None
    with suppress(OSError):  # of another user's file only the lock can be had
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(told).encode()[:_MOST_BYTES], 0)
    return handle


def holder(path: Path | None = None) -> Holder | None:
    """Return who measures here now; None where nobody does."""
    try:
        handle = os.open(path or lock_file(), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(os.pread(handle, _MOST_BYTES, 0))
    else:
        return None
    finally:
        os.close(handle)


def _is_had(handle: int, rest_s: float) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        SystemClock().sleep(rest_s)
        return False
    return True


def _open(path: Path) -> int:
    """Open the file for all users, made where it is not there; no link is followed. Raises `OSError`."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with suppress(OSError):
            os.fchmod(handle, 0o666)  # whatever the umask says
        return handle
    try:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _read(data: bytes) -> Holder:
    try:
        told = json.loads(data)
        sentence = (
            f"the plan {told['fleet']} of {told['user']} measures its cell {told['cell']} there since {told['since']}"
        )
        return Holder(sentence, Job(plan=str(told["plan"]), name=str(told["cell"])) if "plan" in told else None)
    except (ValueError, KeyError, TypeError):
        return Holder("another measurement is under way there")
