"""Real driver processes that hang in the ways a process can, and what ends them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from profiler.errors import DriverError
from profiler.timing import driver_client
from profiler.timing.driver_client import load_driver
from profiler.timing.messages import ClosedLoopPace, Exchange, Job, JobDone
from profiler.units import s_to_ns

HANGING = """
import time, resource
import profiler.timing.driver as driver
import profiler.timing.watchdog as watchdog
{settings}
def hang(self, ready):
    {hang}
driver.Driver._handle = hang
driver.main()
"""
QUICK = "watchdog._LOOK_S = 0.05"
SPIN = "while True: pass"


def job() -> Job:
    return Job(
        phase="repeat-1",
        host="127.0.0.1",
        port=9,
        pace=ClosedLoopPace(1, s_to_ns(60)),
        request_timeout_ns=s_to_ns(60),
        stall_timeout_ns=s_to_ns(60),
        first_index=0,
        requests=1,
    )


def hung(monkeypatch: pytest.MonkeyPatch, hang: str, settings: str = "") -> str:
    """Run a driver that hangs as soon as it has a job; return how the parent says that it ended."""
    monkeypatch.setattr(driver_client, "_PROGRAM", ("-c", HANGING.format(hang=hang, settings=settings)))
    with load_driver() as driver:
        driver.spool([b"x"])
        deadline_s = time.monotonic() + 300  # five seconds of CPU time are minutes on a busy machine
        with pytest.raises(DriverError) as raised:
            driver.start(job())
            while time.monotonic() < deadline_s:
                driver.receive(0.1)
    return str(raised.value)


def test_a_driver_that_spins_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "made no progress in 5 s of CPU time" in hung(monkeypatch, SPIN, QUICK)


def test_a_driver_that_spins_where_it_cannot_look_is_ended_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    with load_driver() as driver:
        if not driver.hello.is_realtime or sys.platform != "linux":
            pytest.skip("the kernel limits the time without rest of real-time processes only")
    monkeypatch.setattr(driver_client, "_SILENT_S", 1000)
    assert "has ended" in hung(monkeypatch, "sum(range(10**14))", "watchdog._MOST_RT_S = 1")


def test_a_driver_that_sleeps_is_ended_by_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_client, "_SILENT_S", 0.5)
    assert "made no progress for 0.5 s" in hung(monkeypatch, "time.sleep(1000)")


def test_a_driver_that_waits_for_a_slow_server_is_heard_and_so_left_alone() -> None:
    with load_driver() as driver, socket.create_server(("127.0.0.1", 0)) as silent:
        driver.spool([b"x"])
        driver.start(msgspec.structs.replace(job(), port=silent.getsockname()[1]))
        (worker,) = driver._workers.values()
        heard_s = {worker.heard_s}
        while len(heard_s) < 4:
            heard_s.add(worker.heard_s)
            assert not any(isinstance(message, JobDone | Exchange) for message in driver.receive(0.5))


PARENT = """
import sys
sys.path.insert(0, {tests!r})
from timing.test_watchdog import HANGING, SPIN, job
from profiler.timing import driver_client
driver_client._PROGRAM = ("-c", HANGING.format(hang=SPIN, settings=""))
with driver_client.load_driver() as driver:
    driver.spool([b"x"])
    driver.start(job())
    print(driver.pids[0], flush=True)
    while True: driver.receive(1.0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a driver that spins ends itself a little later")
def test_a_driver_that_spins_does_not_outlive_a_parent_that_is_killed() -> None:
    program = PARENT.format(tests=str(Path(__file__).parents[1]))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.send_signal(signal.SIGKILL)
    while is_running(pid) and cpu_s(pid) < 4:  # it would end itself after five
        time.sleep(0.02)
    try:
        assert not is_running(pid)
    finally:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def cpu_s(pid: int) -> float:
    try:
        return sum(psutil.Process(pid).cpu_times()[:2])
    except psutil.NoSuchProcess:
        return 0.0


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
