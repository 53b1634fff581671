"""The sampler looks at real processes."""

import os
import subprocess
import sys
import time

from profiler.run.sampling import INTERVAL_NS, Sampler
from profiler.timing.clock import SystemClock

BUSY = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'while True: pass']); input()"


def test_work_of_a_servers_children_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, start_new_session=True) as server:
        time.sleep(0.3)
        sampler = Sampler(SystemClock(), server.pid, [os.getpid()])
        time.sleep(0.5)
        sample = sampler.take_if_due()
        os.killpg(server.pid, 9)
    assert sample is not None
    assert sample.server_cpu_cores is not None
    assert sample.server_cpu_cores > 0.1
    assert sample.server_rss_bytes is not None
    assert sample.server_rss_bytes > 5_000_000
    assert sample.host_cpu_ratio is not None
    assert 0 < sample.host_cpu_ratio <= 1


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
