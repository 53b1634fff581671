"""The machine that a benchmark ran on, and processes that keep it busy on purpose."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from profiler.hosts import detect
from profiler.hosts.usable_cpus import usable_cpu_count
from profiler.timing.clock import SystemClock

_MOST_BUSY_S = 3600

# A busy process ends by itself: with its time, or soon after the benchmark that started it.
_BUSY = """
import os, sys, time
end_s, parent = time.monotonic() + float(sys.argv[1]), int(sys.argv[2])
while time.monotonic() < end_s and os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


def describe() -> dict[str, object]:
    """Return what a reader needs to judge figures from here."""
    host = detect.describe()
    return {
        "cpu": host.cpu.model_name,
        "usable_cpus": host.cpu.usable_cpus,
        "virtual": host.virtualisation.is_virtual,
        "system": host.system,
        "kernel": host.kernel,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "utc": SystemClock().utc().isoformat(timespec="seconds"),
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def sentence(machine: dict[str, object]) -> str:
    """Return the same as a line of text."""
    kind = "virtual machine" if machine["virtual"] else "machine"
    return (
        f"{machine['usable_cpus']}-CPU {kind}, {machine['cpu']}, {machine['system']}, Linux {machine['kernel']}, "
        f"{machine['python']}; {machine['utc']}; load average before: {machine['load_average_before']}."
    )


@contextmanager
def busy(*, wanted: bool) -> Iterator[None]:
    """Keep every usable core busy with a process at normal priority, as a model server on the CPU would."""
    command = [sys.executable, "-c", _BUSY, str(_MOST_BUSY_S), str(os.getpid())]
    processes = [subprocess.Popen(command) for _ in range(usable_cpu_count())] if wanted else []
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
