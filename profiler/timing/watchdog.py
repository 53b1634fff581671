"""What ends a load driver that makes no progress, and one whose parent is gone, whatever either is doing.

A driver of real-time priority that never rests takes its processor from everybody else. So it looks at itself each
second of processor time that it has used, and the kernel ends it should even that fail: a limit on time without rest
for real-time processes (`RLIMIT_RTTIME`, getrlimit(2)), and a signal at its parent's death (`PR_SET_PDEATHSIG`,
prctl(2)).
"""

import resource
import signal
import sys
import time
from types import FrameType

_LOOK_S = 1.0
_MOST_LOOKS = 5
_MOST_RT_S = 15  # well after the looks have done it
_REST_S = 1e-6
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class StuckError(RuntimeError):
    """The driver has used processor time without coming round."""


class Watchdog:
    """Counts how often the driver comes round, and ends it where it does not."""

    def __init__(self) -> None:
        """Begin without looking."""
        self.turns = 0
        self._seen = 0
        self._looks = 0

    def start(self, *, is_realtime: bool) -> None:
        """Look from now on, in this thread, which must be the main one."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _LOOK_S, _LOOK_S)
        if is_realtime and sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_RTTIME, (_MOST_RT_S * 1_000_000,) * 2)

    def _look(self, number: int, frame: FrameType | None) -> None:
        """Raise `StuckError` after several seconds of processor time within one turn."""
        self._looks = 0 if self.turns != self._seen else self._looks + 1
        self._seen = self.turns
        if self._looks >= _MOST_LOOKS:
            raise StuckError(f"the load driver made no progress in {_MOST_LOOKS} s of CPU time and has ended")
        time.sleep(_REST_S)  # the kernel counts from the last rest: one who is busy with good reason may go on


def die_with_parent() -> None:
    """On Linux, have the kernel kill this process when the thread that started it ends."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - on Linux only

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
