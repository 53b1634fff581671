"""The sampler looks at real processes."""

import os
import subprocess
import sys
import time
from typing import NamedTuple

import psutil
import pytest

from profiler.run.sampling import INTERVAL_NS, Sampler
from profiler.timing.clock import SystemClock

BUSY = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'while True: pass']); input()"


def wait_until_used(server: int, more_s: float) -> float:
    """Wait until the only child of a server has used so much more CPU time; return how much more it was."""
    while not (children := psutil.Process(server).children()):
        time.sleep(0.01)
    start_s = sum(children[0].cpu_times()[:2])
    while (used_s := sum(children[0].cpu_times()[:2]) - start_s) < more_s:
        time.sleep(0.05)
    return used_s


def test_work_of_a_servers_children_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, start_new_session=True) as server:
        wait_until_used(server.pid, 0.0)
        start_s = time.monotonic()
        sampler = Sampler(SystemClock(), server.pid, [os.getpid()])
        used_s = wait_until_used(server.pid, 0.2)
        sample = sampler.take_if_due()
        duration_s = time.monotonic() - start_s
        os.killpg(server.pid, 9)
    assert sample is not None
    assert sample.server_cpu_cores is not None
    assert sample.server_cpu_cores * duration_s >= used_s - 0.05  # the kernel counts in steps of 10 ms
    assert sample.server_rss_bytes is not None
    assert sample.server_rss_bytes > 5_000_000
    assert sample.host_cpu_ratio is not None
    assert 0 < sample.host_cpu_ratio <= 1


class Times(NamedTuple):
    """Columns of /proc/stat, s; guest time is part of user time."""

    user: float
    idle: float
    iowait: float
    steal: float
    guest: float


def test_what_a_hypervisor_gives_to_others_is_no_load_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([Times(100, 500, 10, 20, 3), Times(102, 504, 11, 23, 4)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(looks))
    sample = Sampler(SystemClock(), None, []).take_if_due()
    # of 2 + 4 + 1 + 3 s, 2 were used here and 3 by other guests
    assert sample is not None
    assert (sample.host_cpu_ratio, sample.host_steal_ratio) == (pytest.approx(0.2), pytest.approx(0.3))


def test_a_server_that_is_gone_is_not_measured() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as server:
        server.wait()
    sample = Sampler(SystemClock(), server.pid, [os.getpid()]).take_if_due()
    assert sample is not None
    assert sample.server_cpu_cores is None
    assert sample.server_rss_bytes is None


def test_samples_come_at_their_pace() -> None:
    sampler = Sampler(SystemClock(), os.getpid(), [os.getpid()])
    first, second = sampler.take_if_due(), sampler.take_if_due()
    assert first is not None
    assert second is None
    assert INTERVAL_NS == 500_000_000
