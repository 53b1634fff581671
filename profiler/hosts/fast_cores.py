"""How many cores a model server should compute on: one thread per physical core, and on the fast ones only. Pure.

A second thread on a core slows decoding, since both wait for the same memory. Where cores are of two kinds (Intel's P
and E cores, Arm's big and little ones), each step of a computation that is dealt out evenly waits for the slowest:
llama.cpp, too, counts P cores only (common/common.cpp, cpu_get_num_math).
"""

from collections.abc import Collection

from profiler.hosts.cpulist import cpus as parse_list
from profiler.hosts.tree import Tree

_CPU = "sys/devices/system/cpu"
_FAST_RATIO = 0.75  # of the capacity of the fastest core


def fast_cores(usable: Collection[int], tree: Tree) -> int | None:
    """Return how many fast physical cores these logical processors lie on; None where the kernel does not say."""
    siblings = [tree.text(f"{_CPU}/cpu{cpu}/topology/thread_siblings_list") for cpu in fast_cpus(usable, tree)]
    return None if None in siblings else len(set(siblings)) or None


def fast_cpus(usable: Collection[int], tree: Tree) -> Collection[int]:
    """Return those of the fast kind; all of them where there is one kind, or where no fast one may be used."""
    of_intel = set(parse_list(tree.text("sys/devices/cpu_core/cpus")) or ())
    capacities = {cpu: tree.number(f"{_CPU}/cpu{cpu}/cpu_capacity") for cpu in usable}
    known = [capacity for capacity in capacities.values() if capacity is not None]
    if of_intel and tree.exists("sys/devices/cpu_atom/cpus"):
        return of_intel.intersection(usable) or usable
    if len(known) < len(capacities):
        return usable
    return [cpu for cpu, capacity in capacities.items() if (capacity or 0) >= _FAST_RATIO * max(known)]
