"""CPU and memory limits that control groups set, versions 1 and 2."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Literal, TypeVar

from profiler.hosts.cpulist import cpus
from profiler.hosts.tree import Tree, whole_number
from profiler.results.host_facts import LimitFacts

Number = TypeVar("Number", int, float)

_MOUNT = "sys/fs/cgroup"
_NO_LIMIT_BYTES = 2**60  # version 1 writes "no limit" as the largest multiple of a page in 63 bits


def limits(tree: Tree, usable_cpus: int | None = None, memory_bytes: int | None = None) -> LimitFacts:
    """Return the tightest limits on the way from this process's group up to the root, and the share they leave.

    `usable_cpus` is this process's affinity, `memory_bytes` the machine's memory.
    """
    found = _found(tree)
    listed = cpus(found.cpuset)
    cores = (usable_cpus, len(listed) if listed else None, found.cpu_limit_cores)
    share = {
        "cpuset": None if listed == cpus(tree.text("sys/devices/system/cpu/online")) else found.cpuset,
        "share_cores": _least(None if count is None else float(count) for count in cores),
        "share_memory_bytes": _least((memory_bytes, found.memory_limit_bytes)),
    }
    return found.model_copy(update=share)


def _found(tree: Tree) -> LimitFacts:
    groups = membership(tree.text("proc/self/cgroup"))
    if tree.exists(f"{_MOUNT}/cgroup.controllers"):
        folders = _upwards(_MOUNT, groups.get(""))
        return _limits(tree, 2, folders, folders, folders)
    if any(tree.exists(_mount(tree, controller)) for controller in ("memory", "cpu", "cpuset")):
        upwards = (_upwards(_mount(tree, name), groups.get(name)) for name in ("cpu", "memory", "cpuset"))
        return _limits(tree, 1, *upwards)
    return LimitFacts()


def _mount(tree: Tree, controller: str) -> str:
    """Return where version 1 mounts a controller; some systems have no link to it from the name of one alone."""
    joined = next(
        (path for path in tree.matching(f"{_MOUNT}/*,*") if controller in path.split("/")[-1].split(",")), None
    )
    alone = f"{_MOUNT}/{controller}"
    return alone if joined is None or tree.exists(alone) else joined


def membership(proc_cgroup: str | None) -> dict[str, str]:
    """Map each controller to this process's group; version 2 is the controller ''."""
    lines = [line.split(":", 2) for line in (proc_cgroup or "").splitlines() if line.count(":") >= 2]
    return {controller: path for _, names, path in lines for controller in names.split(",")}


def cpu_limit_cores(quota: str | None, period: str | None) -> float | None:
    """Return quota / period: '150000' in '100000' is 1.5 cores; 'max' and -1 are no limit."""
    quota_us, period_us = whole_number(quota), whole_number(period)
    if quota_us is None or period_us is None or quota_us <= 0 or period_us <= 0:
        return None
    return quota_us / period_us


def memory_limit_bytes(text: str | None) -> int | None:
    """Return the limit; 'max' and version 1's huge number are no limit."""
    limit_bytes = whole_number(text)
    return limit_bytes if limit_bytes is not None and 0 < limit_bytes < _NO_LIMIT_BYTES else None


def _limits(
    tree: Tree, version: Literal[1, 2], cpu_folders: list[str], memory_folders: list[str], cpuset_folders: list[str]
) -> LimitFacts:
    memory_files = ("memory.max", "memory.high") if version == 2 else ("memory.limit_in_bytes",)
    cpuset_file = "cpuset.cpus.effective" if version == 2 else "cpuset.effective_cpus"
    cpusets = (tree.text(f"{folder}/{cpuset_file}") for folder in cpuset_folders)
    return LimitFacts(
        cgroup_version=version,
        cpu_limit_cores=_least(cpu_limit_cores(*_quota(tree, folder, version)) for folder in cpu_folders),
        memory_limit_bytes=_least(
            memory_limit_bytes(tree.text(f"{folder}/{file}")) for folder in memory_folders for file in memory_files
        ),
        cpuset=next((text for text in cpusets if cpus(text)), None),
    )


def _quota(tree: Tree, folder: str, version: Literal[1, 2]) -> tuple[str | None, str | None]:
    if version == 1:
        return tree.text(f"{folder}/cpu.cfs_quota_us"), tree.text(f"{folder}/cpu.cfs_period_us")
    quota, _, period = (tree.text(f"{folder}/cpu.max") or "").partition(" ")
    return quota, period


def _least(values: Iterable[Number | None]) -> Number | None:
    return min((value for value in values if value is not None), default=None)


def _upwards(mount: str, group: str | None) -> list[str]:
    path = PurePosixPath(group or "/")
    return [f"{mount}{folder}".rstrip("/") for folder in (path, *path.parents)]
