"""Work that is shared out among processes, with results in the order of the work.

The processes are forked, so they know all that this one knows and cost little memory; where `fork` cannot be relied on
(macOS), this one does all the work.
"""

import fcntl
import gc
import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

from profiler.units import BYTES_PER_MIB

_FEWEST_PARTS = 64  # fewer are not worth a process
_PIPE_BYTES = BYTES_PER_MIB  # room for a result, so that a process goes on while this one is busy
_MOST_PROCESSES = 4  # with more, this process could not take in what they find
_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


def in_order(work: Callable[[_Part], _Result], parts: Sequence[_Part]) -> Iterator[_Result]:
    """Yield what `work` makes of each part, in the order of the parts.

    Many parts are shared out among a process for each CPU, which take them in turn; what they return is pickled. Each
    goes on only once there is room for its last result in a pipe, so few are in memory. What a process fails at,
    for whatever reason, is done here instead, where errors are raised as usual.
    """
    helpers: list[_Helper] = []
    try:
        count = _processes() if len(parts) >= _FEWEST_PARTS else 1
        if count > 1:
            with suppress(ImportError):  # where it is installed: once for all processes
                import numpy as np  # noqa: F401, PLC0415 - a base install does without, and few runs are shared out
            for number in range(count):
                helpers.append(_Helper(work, parts[number::count], helpers))
        for number, part in enumerate(parts):
            found = helpers[number % count].result() if helpers else None
            yield work(part) if found is None else found[0]
    finally:
        for helper in helpers:
            helper.close()


def _processes() -> int:
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES) if sys.platform == "linux" else 1


class _Helper:
    """A forked process that does some of the parts."""

    def __init__(self, work: Callable[[_Part], object], parts: Sequence[_Part], others: "Sequence[_Helper]") -> None:
        """Start it; a system that has no room for one more leaves the work to this process."""
        self._pid = 0
        reads, writes = os.pipe()
        with suppress(OSError):  # beyond what a user may have: it waits for room then
            fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.results: BinaryIO = os.fdopen(reads, "rb")
        with os.fdopen(writes, "wb") as pipe, suppress(OSError), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of other threads: a helper needs nothing they lock
            self._pid = os.fork()
            if not self._pid:
                _help(work, parts, pipe, [self, *others])

    def result(self) -> tuple[Any] | None:
        """Return the next result, in a tuple; `None` once the process has ended."""
        try:
            return (pickle.load(self.results),)  # noqa: S301 - from our own child
        except (EOFError, OSError, pickle.UnpicklingError):
            return None

    def close(self) -> None:
        """End the process."""
        self.results.close()
        if self._pid:
            with suppress(ProcessLookupError, ChildProcessError):  # where SIGCHLD is ignored the system waits for it
                os.kill(self._pid, signal.SIGKILL)  # else a child that has not been waited for is still there
                os.waitpid(self._pid, 0)


def _help(work: Callable[[_Part], object], parts: Sequence[_Part], pipe: BinaryIO, to_close: Sequence[_Helper]) -> None:
    """Do the parts and end this process, which has nothing of its parent's to flush or to clean up."""
    try:
        gc.disable()  # what is shared with the parent stays shared, and a part leaves little behind
        for helper in to_close:
            helper.results.close()
        for part in parts:
            pickle.dump(work(part), pipe, pickle.HIGHEST_PROTOCOL)
            pipe.flush()
    finally:
        os._exit(0)
