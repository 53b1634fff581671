"""The process above a run of a fleet: starts it, ends it in time or where that was asked for, writes down how it ended.

Started as a module with the folder of the job; command, limit and the descriptors of its locks come as JSON on standard
input. It sleeps nearly all of the time: beside a measurement it looks for one file twice a second.

The run has an alarm of the kernel's besides, some time after its limit, which ends it should the supervisor have been
killed: interval timers stay over execve(2), and its own children do not inherit them.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from profiler.fleet.host_side.job_folder import JobFolder
from profiler.timing.clock import Clock, SystemClock
from profiler.units import ns_to_s

_LOOK_S = 0.5
_PATIENCE_S = 90.0  # with a run that was asked to end: it stops its server and writes its summary


def supervise(folder: JobFolder, command: list[str], limit_s: float, keep: list[int], clock: Clock) -> None:
    """Carry out a job to its end. `keep`: the locks of machine and job, inherited and open.

    Raises `OSError` where it cannot be started, `RecordError`.
    """
    began_ns = clock.monotonic_ns()
    with folder.printed.open("wb") as printed, folder.said.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "profiler", *command],
            cwd=folder.path,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            pass_fds=keep,  # machine and job are held for as long as the run lives, even without its supervisor
            preexec_fn=partial(_make_endable, limit_s + 2 * _PATIENCE_S),  # noqa: PLW1509 - one thread is all there is
        )
    asked_ns: int | None = None
    is_over_limit = False
    while process.poll() is None:
        now_ns = clock.monotonic_ns()
        if asked_ns is None and (folder.cancelled.exists() or ns_to_s(now_ns - began_ns) > limit_s):
            is_over_limit = not folder.cancelled.exists()
            asked_ns = now_ns
            process.send_signal(signal.SIGINT)
        elif asked_ns is not None and ns_to_s(now_ns - asked_ns) > _PATIENCE_S:
            process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_S)
    for handle in keep[:1]:
        os.close(handle)  # whoever hears that it has ended may begin the next at once
    folder.end(process.returncode, ns_to_s(clock.monotonic_ns() - began_ns), is_over_limit=is_over_limit)


def _make_endable(after_s: float) -> None:
    """Have this process hear Ctrl-C, whatever was ignored where Aforo was called (nohup, &), and end after a time."""
    for number in (signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, after_s)


def _main() -> None:
    given = json.load(sys.stdin)
    supervise(JobFolder(Path(sys.argv[1])), given["command"], given["limit_s"], given["keep"], SystemClock())


if __name__ == "__main__":
    _main()
