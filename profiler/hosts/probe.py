"""What this machine answers to calls and commands, beside the files of `/proc` and `/sys`.

Everything here may be unknown; nothing raises, waits for long or touches the network.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil
from archspec import cpu as archspec_cpu

from profiler.hosts import gpu
from profiler.hosts.usable_cpus import usable_cpus
from profiler.results.host_facts import GpuFacts

Answer = TypeVar("Answer")

_LSCPU_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Probe:
    """The answers; a recorded host brings its own."""

    machine: str
    name: str | None = None
    system: str | None = None
    kernel: str | None = None
    lscpu: str | None = None
    logical_cpus: int | None = None
    usable_cpus: int | None = None
    physical_cores: int | None = None
    memory_bytes: int | None = None
    swap_bytes: int | None = None
    cpu_brand: str | None = None
    microarchitecture: str | None = None
    max_frequency_mhz: float | None = None
    gpus: tuple[GpuFacts, ...] = ()
    gpu_note: str | None = None


def this_machine() -> Probe:
    """Ask the machine that we run on."""
    on_linux = sys.platform == "linux"
    gpus = gpu.look()
    return Probe(
        machine=platform.machine(),
        name=platform.node() or None,
        system=f"{platform.system()} {platform.mac_ver()[0]}".strip(),
        kernel=platform.release() or None,
        lscpu=_lscpu() if on_linux else None,
        logical_cpus=os.cpu_count(),
        usable_cpus=len(usable_cpus() or ()) or os.cpu_count(),
        physical_cores=_answer(lambda: psutil.cpu_count(logical=False)),
        memory_bytes=_answer(lambda: psutil.virtual_memory().total),
        # On Linux the rest comes from files; asking psutil as well would only add warnings.
        swap_bytes=None if on_linux else _answer(lambda: psutil.swap_memory().total),
        cpu_brand=None if on_linux else _answer(archspec_cpu.brand_string),
        microarchitecture=None if on_linux else _answer(lambda: str(archspec_cpu.host().name)),
        max_frequency_mhz=None if on_linux else _answer(lambda: psutil.cpu_freq().max or None),
        gpus=gpus.cards,
        gpu_note=gpus.note,
    )


def _answer(ask: Callable[[], Answer]) -> Answer | None:
    try:
        return ask()
    except (OSError, RuntimeError, AttributeError, NotImplementedError, psutil.Error):
        return None


def _lscpu() -> str | None:
    plain_words = {**os.environ, "LC_ALL": "C"}
    try:
        answer = subprocess.check_output(
            ["lscpu", "-J"],  # noqa: S607 - a system command, where the system keeps it
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=plain_words,
            timeout=_LSCPU_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.decode(errors="replace")
