"""What the kernel prints in `/proc` and `/etc`: pure functions of the text."""

from typing import NamedTuple

from profiler.hosts.tree import whole_number

_IDLE, _IOWAIT, _STEAL = 3, 4, 7  # columns of /proc/stat, proc(5)


class CpuTimes(NamedTuple):
    """Processor time of all CPUs together, in ticks; a difference of two is that of the time between."""

    busy: int = 0
    stolen: int = 0
    total: int = 0

    @property
    def steal_ratio(self) -> float | None:
        """Share that the hypervisor gave to others; `None` where nothing was counted."""
        return self.stolen / self.total if self.total > 0 else None

    @property
    def busy_ratio(self) -> float | None:
        """Share in which a CPU worked, stolen time left out; `None` where nothing was counted."""
        return self.busy / self.total if self.total > 0 else None

    def since(self, earlier: "CpuTimes") -> "CpuTimes":
        """Return the difference."""
        return CpuTimes(*(now - then for now, then in zip(self, earlier, strict=True)))


def cpu_times(stat: str | None) -> CpuTimes:
    """Read the first line of `/proc/stat`; all zero where there is none. Guest time is part of user time."""
    words = next((line.split()[1:] for line in (stat or "").splitlines() if line.startswith("cpu ")), [])
    ticks = [tick for word in words[: _STEAL + 1] if (tick := whole_number(word)) is not None]
    if len(ticks) <= _STEAL:
        return CpuTimes()
    busy = sum(ticks) - ticks[_IDLE] - ticks[_IOWAIT] - ticks[_STEAL]
    return CpuTimes(busy, ticks[_STEAL], sum(ticks))


def processors(cpuinfo: str | None) -> list[dict[str, str]]:
    """Split `/proc/cpuinfo` into one dictionary a logical CPU."""
    blocks = (_pairs(block) for block in (cpuinfo or "").split("\n\n"))
    return [block for block in blocks if "processor" in block]


def _pairs(block: str) -> dict[str, str]:
    lines = (line.partition(":") for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, _, value in lines}


def memory_bytes(meminfo: str | None, key: str) -> int | None:
    """Return one line of `/proc/meminfo` ('MemTotal:  16384 kB'; its kB are KiB) in bytes."""
    words = _pairs(meminfo or "").get(key, "").split()
    size_kib = whole_number(words[0]) if words else None
    return None if size_kib is None else size_kib * 1024


def pressure_ratio(psi: str | None) -> float | None:
    """Return the share of the last ten seconds in which something stalled.

    From the line 'some avg10=1.23 …' of `/proc/pressure/*`, in per cent (Linux, Documentation/accounting/psi.rst).
    """
    some = next((line for line in (psi or "").splitlines() if line.startswith("some ")), "")
    pairs = dict(word.partition("=")[::2] for word in some.split()[1:])
    try:
        return float(pairs["avg10"]) / 100
    except (KeyError, ValueError):
        return None


def system_name(os_release: str | None) -> str | None:
    """Return PRETTY_NAME of `/etc/os-release`."""
    for line in (os_release or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip("\"'") or None
    return None


def chosen(options: str | None) -> str | None:
    """Return the option in brackets: 'always [madvise] never' is 'madvise'."""
    return next((word.strip("[]") for word in (options or "").split() if word.startswith("[")), "") or None
