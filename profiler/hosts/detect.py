"""Find out what this host is, from files and answers that may all be missing. No network."""

import platform
from pathlib import Path

from profiler.hosts import lscpu, procfs
from profiler.hosts.cgroup import limits
from profiler.hosts.cpu import cpu
from profiler.hosts.facts import HostFacts, MemoryFacts, fingerprint
from profiler.hosts.probe import Probe, this_machine
from profiler.hosts.tree import Tree
from profiler.hosts.virtualisation import virtualisation


def describe(root: Path = Path("/"), probe: Probe | None = None) -> HostFacts:
    """Describe this machine, or a recorded one: its `/proc` and `/sys` under `root`, its answers in `probe`.

    Never raises for what a machine does not tell: the fact is `None`.
    """
    tree, probe = Tree(root), probe or this_machine()
    processors = procfs.processors(tree.text("proc/cpuinfo"))
    listed = lscpu.fields(probe.lscpu)
    layers = virtualisation(tree, probe.machine, listed, (processors or [{}])[0])
    facts = HostFacts(
        name=probe.name,
        system=procfs.system_name(tree.text("etc/os-release")) or probe.system,
        kernel=probe.kernel,
        machine=probe.machine,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cpu=cpu(tree, probe, processors, listed, layers.system_vendor),
        memory=_memory(tree, probe),
        virtualisation=layers,
        limits=limits(tree),
    )
    return facts.model_copy(update={"fingerprint": fingerprint(facts)})


def _memory(tree: Tree, probe: Probe) -> MemoryFacts:
    meminfo = tree.text("proc/meminfo")
    total_bytes = procfs.memory_bytes(meminfo, "MemTotal")
    swap_bytes = procfs.memory_bytes(meminfo, "SwapTotal")
    return MemoryFacts(
        total_bytes=probe.memory_bytes if total_bytes is None else total_bytes,
        swap_total_bytes=probe.swap_bytes if swap_bytes is None else swap_bytes,
        transparent_hugepages=procfs.chosen(tree.text("sys/kernel/mm/transparent_hugepage/enabled")),
    )
