"""Holds one model server, and ends it when the profiler is gone, however it went.

Started as `python -m profiler.servers.warden GRACE_S CPUS COMMAND…`; CPUS are the processors that the server
stays on, such as 0,1,2, or empty. Standard input is a pipe that only the
profiler holds open: its end, even by SIGKILL, tells the warden to stop the server's whole process group.
Standard error is the server's log. Standard output tells `pid N`, then `exit CODE`.

The warden sleeps in `select` and costs the measurement nothing.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_S = 0.02


def _die_with_parent() -> None:
    """On Linux, have the kernel kill the server should the warden itself be killed."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - runs between fork and exec, on Linux only

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal_group(group: int, number: int) -> bool:
    """Signal a process group; return whether it still had members."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _stop(server: "subprocess.Popen[bytes]", grace_s: float) -> None:
    """Ask the group to end, then make it."""
    _signal_group(server.pid, signal.SIGTERM)
    deadline_s = time.monotonic() + grace_s
    while server.poll() is None and time.monotonic() < deadline_s:
        time.sleep(_LOOK_S)
    _signal_group(server.pid, signal.SIGKILL)
    server.wait()


def _wait_for_end(server: "subprocess.Popen[bytes]", wakeup_fd: int, stop_requested: list[int]) -> None:
    """Return when the server has ended or is to be ended."""
    while server.poll() is None and not stop_requested:
        readable, _, _ = select.select([sys.stdin, wakeup_fd], [], [])
        if sys.stdin in readable and not os.read(sys.stdin.fileno(), 1):
            return
        if wakeup_fd in readable:
            os.read(wakeup_fd, 4096)


def main(arguments: Sequence[str]) -> None:
    """Start the server and watch over it."""
    grace_s, cpus, *command = arguments
    if cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})  # which the server inherits
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    stop_requested: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _: stop_requested.append(got))
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has no threads
    )
    with contextlib.suppress(BrokenPipeError):
        print(f"pid {server.pid}", flush=True)
    _wait_for_end(server, wakeup_read, stop_requested)
    _stop(server, float(grace_s))
    with contextlib.suppress(BrokenPipeError):
        print(f"exit {server.returncode}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
