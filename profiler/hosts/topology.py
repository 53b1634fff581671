"""Cores, sockets, NUMA nodes, caches and frequencies as `/sys` tells them."""

from statistics import fmean
from typing import Literal, cast

from profiler.hosts.tree import Tree, number, whole_number
from profiler.results.host_facts import CacheFacts

_CPU = "sys/devices/system/cpu"
_KIB = 1024


def physical_cores(tree: Tree) -> int | None:
    """Count the groups of logical CPUs that share a core."""
    return _distinct(tree, "topology/thread_siblings_list")


def sockets(tree: Tree) -> int | None:
    """Count the packages; a kernel that does not know says -1, which is `None` here."""
    seen = _values(tree, "topology/physical_package_id") - {"-1"}
    return len(seen) or None


def numa_nodes(tree: Tree) -> int | None:
    """Count the memory nodes."""
    return sum(1 for _ in tree.matching("sys/devices/system/node/node[0-9]*")) or None


def _distinct(tree: Tree, leaf: str) -> int | None:
    return len(_values(tree, leaf)) or None


def _values(tree: Tree, leaf: str) -> set[str]:
    texts = (tree.text(path) for path in tree.matching(f"{_CPU}/cpu[0-9]*/{leaf}"))
    return {text for text in texts if text}


def caches(tree: Tree) -> list[CacheFacts]:
    """List the caches by level. Those whose size the kernel does not know are left out."""
    sharers: dict[tuple[int, str, int], set[str]] = {}
    for folder in tree.matching(f"{_CPU}/cpu[0-9]*/cache/index[0-9]*"):
        level, size_bytes = tree.number(f"{folder}/level"), cache_size_bytes(tree.text(f"{folder}/size"))
        kind, sharing = tree.text(f"{folder}/type"), tree.text(f"{folder}/shared_cpu_list")
        if level and size_bytes and kind in {"Data", "Instruction", "Unified"}:
            sharers.setdefault((level, kind.lower(), size_bytes), set()).add(sharing or folder)
    return [_cache(*key, len(groups)) for key, groups in sorted(sharers.items())]


def _cache(level: int, kind: str, size_bytes: int, instances: int) -> CacheFacts:
    known = cast("Literal['data', 'instruction', 'unified']", kind)
    return CacheFacts(level=level, kind=known, size_bytes=size_bytes, instances=instances)


def cache_size_bytes(text: str | None) -> int | None:
    """Read a size as `/sys` writes it: '2048K' is 2 097 152 bytes."""
    size_kib = whole_number((text or "").removesuffix("K")) if (text or "").endswith("K") else None
    return None if size_kib is None else size_kib * _KIB


def max_frequency_mhz(tree: Tree) -> float | None:
    """Return the highest frequency that any CPU may reach, turbo included."""
    return max(_frequencies_mhz(tree, "cpuinfo_max_freq"), default=None)


def current_frequency_mhz(tree: Tree, processors: list[dict[str, str]]) -> float | None:
    """Return the mean over the CPUs, from the frequency driver or from `/proc/cpuinfo`."""
    seen = _frequencies_mhz(tree, "scaling_cur_freq")
    printed = (number(block.get("cpu MHz")) for block in processors)
    seen = seen or [mhz for mhz in printed if mhz]
    return round(fmean(seen), 1) if seen else None


def _frequencies_mhz(tree: Tree, leaf: str) -> list[float]:
    values_khz = (tree.number(path) for path in tree.matching(f"{_CPU}/cpu[0-9]*/cpufreq/{leaf}"))
    return [khz / 1000 for khz in values_khz if khz]


def governor(tree: Tree) -> str | None:
    """Return the frequency governor, or all of them where CPUs differ."""
    return "+".join(sorted(_values(tree, "cpufreq/scaling_governor"))) or None


def turbo(tree: Tree) -> bool | None:
    """Tell whether turbo is allowed; `None` where the frequency driver does not say (a guest has none).

    Linux, Documentation/admin-guide/pm: intel_pstate's `no_turbo`, and `boost` of the other drivers.
    """
    no_turbo = tree.number(f"{_CPU}/intel_pstate/no_turbo")
    if no_turbo is not None:
        return no_turbo == 0
    boost = tree.number(f"{_CPU}/cpufreq/boost")
    return None if boost is None else boost == 1
