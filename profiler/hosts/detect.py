"""Find out what this host is, from files and answers that may all be missing."""

import platform
from pathlib import Path

from profiler.hosts import cloud, lscpu, procfs, roofline_cache
from profiler.hosts.cgroup import limits
from profiler.hosts.cpu import cpu
from profiler.hosts.fingerprint import fingerprint
from profiler.hosts.probe import Probe, this_machine
from profiler.hosts.tree import Tree
from profiler.hosts.virtualisation import virtualisation
from profiler.results.host_facts import HostFacts, MemoryFacts


def this_host(ask_cloud: bool | None = None) -> HostFacts:
    """Describe this machine with all that is known of it: the cloud it is rented from, the measured roofline.

    `ask_cloud`: `None` asks the metadata service of the provider that the firmware names, `True` those of all
    providers where it names none, `False` asks nobody. Takes 1 s at most where nobody answers.
    """
    facts = describe()
    asked = facts.cloud if ask_cloud is False else cloud.ask(facts.cloud, everyone=ask_cloud is True)
    return facts.model_copy(update={"cloud": asked, "roofline": roofline_cache.read(facts.fingerprint)})


def describe(root: Path = Path("/"), probe: Probe | None = None) -> HostFacts:
    """Describe this machine, or a recorded one: its `/proc` and `/sys` under `root`, its answers in `probe`.

    Asks nobody over a network. Never raises for what a machine does not tell: the fact is `None`.
    """
    tree, probe = Tree(root), probe or this_machine()
    processors = procfs.processors(tree.text("proc/cpuinfo"))
    listed = lscpu.fields(probe.lscpu)
    layers = virtualisation(tree, probe.machine, listed, (processors or [{}])[0])
    memory = _memory(tree, probe)
    facts = HostFacts(
        name=probe.name,
        system=procfs.system_name(tree.text("etc/os-release")) or probe.system,
        kernel=probe.kernel,
        machine=probe.machine,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cpu=cpu(tree, probe, processors, listed, layers),
        memory=memory,
        virtualisation=layers,
        limits=limits(tree, probe.usable_cpus, memory.total_bytes),
        gpus=list(probe.gpus),
        gpu_note=probe.gpu_note,
        cloud=cloud.by_dmi(tree),
    )
    return facts.model_copy(update={"fingerprint": fingerprint(facts)})


def _memory(tree: Tree, probe: Probe) -> MemoryFacts:
    meminfo = tree.text("proc/meminfo")
    total_bytes = procfs.memory_bytes(meminfo, "MemTotal")
    swap_bytes, free_bytes = procfs.memory_bytes(meminfo, "SwapTotal"), procfs.memory_bytes(meminfo, "SwapFree")
    return MemoryFacts(
        total_bytes=probe.memory_bytes if total_bytes is None else total_bytes,
        swap_total_bytes=probe.swap_bytes if swap_bytes is None else swap_bytes,
        swap_used_bytes=None if swap_bytes is None or free_bytes is None else swap_bytes - free_bytes,
        transparent_hugepages=procfs.chosen(tree.text("sys/kernel/mm/transparent_hugepage/enabled")),
    )
