"""Holds one model server, and ends it when the profiler is gone, however it went.

Started as `python -m profiler.servers.warden GRACE_S CPUS MARK COMMAND…`; CPUS are the processors that the server
stays on, such as 0,1,2, or empty; the mark is what all processes of the server are known by (see `family.py`).
Standard input is a pipe that only the profiler holds open: its end, even by SIGKILL, tells the warden to stop all
processes of the server. Standard error is the server's log. Standard output tells `pid N`, then `exit CODE`.

Should the warden be killed itself, the kernel kills the server, and a second process, the keeper, whatever the server
has started. Both sleep and cost the measurement nothing.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from profiler.servers.family import VARIABLE, end_family, signal_group

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_S = 0.02


def _die_with_parent(parent: int) -> None:
    """On Linux, have the kernel kill the server should the warden itself be killed."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - runs between fork and exec, on Linux only

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before that
            os._exit(1)


def _start_keeper(mark: str) -> "subprocess.Popen[bytes]":
    """Start the process that acts if this one is killed."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "profiler.servers.keeper", mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
        start_new_session=True,
    )


def _stop(server: "subprocess.Popen[bytes]", mark: str, grace_s: float) -> None:
    """Ask the group to end, then make it, and whatever has left the group."""
    signal_group(server.pid, signal.SIGTERM)
    deadline_s = time.monotonic() + grace_s
    while server.poll() is None and time.monotonic() < deadline_s:
        time.sleep(_LOOK_S)
    end_family(server.pid, mark)
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
    grace_s, cpus, mark, *command = arguments
    if cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})  # which the server inherits
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    stop_requested: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _: stop_requested.append(got))
    keeper = _start_keeper(mark)
    assert keeper.stdin is not None  # noqa: S101 - opened just now
    parent = os.getpid()
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        start_new_session=True,
        env={**os.environ, VARIABLE: mark},
        preexec_fn=lambda: _die_with_parent(parent),  # noqa: PLW1509 - this process has no threads
    )
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.write(b"%d\n" % server.pid)
        keeper.stdin.flush()
    with contextlib.suppress(BrokenPipeError):
        print(f"pid {server.pid}", flush=True)
    _wait_for_end(server, wakeup_read, stop_requested)
    _stop(server, mark, float(grace_s))
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.close()
    keeper.wait()
    with contextlib.suppress(BrokenPipeError):
        print(f"exit {server.returncode}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
