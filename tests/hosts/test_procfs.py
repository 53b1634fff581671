"""What the kernel prints."""

import pytest

from profiler.hosts import procfs
from profiler.hosts.cpulist import cpus
from profiler.hosts.procfs import CpuTimes


def test_cpu_times_leave_idle_and_stolen_time_out_of_busy() -> None:
    # user 10, nice 1, system 5, idle 70, iowait 4, irq 2, softirq 3, steal 5; guest is part of user
    times = procfs.cpu_times("cpu  10 1 5 70 4 2 3 5 9 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")

    assert times == CpuTimes(busy=21, stolen=5, total=100)
    assert (times.busy_ratio, times.steal_ratio) == (0.21, 0.05)
    assert times.since(CpuTimes(busy=11, stolen=5, total=50)) == CpuTimes(busy=10, stolen=0, total=50)


@pytest.mark.parametrize("stat", [None, "", "cpu 1 2 3", "cpu  a b c d e f g h", "cpu0 1 1 1 1 1 1 1 1"])
def test_no_cpu_times(stat: str | None) -> None:
    assert procfs.cpu_times(stat) == CpuTimes()
    assert procfs.cpu_times(stat).steal_ratio is None


@pytest.mark.parametrize(
    ("psi", "ratio"),
    [("some avg10=1.50 avg60=0.00\nfull avg10=9.00", 0.015), ("full avg10=9.00", None), ("some avg10=x", None)],
)
def test_pressure(psi: str, ratio: float | None) -> None:
    assert procfs.pressure_ratio(psi) == ratio


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("0", [0]),
        ("0-2,8", [0, 1, 2, 8]),
        ("", None),
        (None, None),
        ("2-0", None),
        ("0-99999999", None),
        ("a-b", None),
        ("²", None),
    ],
)
def test_lists_of_cpus(text: str | None, listed: list[int] | None) -> None:
    assert cpus(text) == listed
