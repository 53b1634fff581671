"""What could spoil a measurement on this host: one class per knob, each with what is seen and what to do.

Nothing is ever changed. In the manner of `pyperf system` (pyperf.readthedocs.io/en/latest/system.html).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, Field

from profiler.hosts.counters import HostCounters
from profiler.hosts.cpulist import cpus
from profiler.hosts.fast_cores import fast_cores
from profiler.hosts.procfs import CpuTimes, cpu_times, memory_bytes, pressure_ratio
from profiler.hosts.tree import Tree
from profiler.hosts.usable_cpus import usable_cpus
from profiler.results.host_facts import HostFacts
from profiler.timing.clock import Clock

_LOOK_S = 1.0
_STEAL_LIMIT_RATIO = 0.01  # as in `aforo rules`
_OTHER_LIMIT_CORES = 0.25  # likewise
_PRESSURE_LIMIT_RATIO = 0.01
_LEAST_AVAILABLE_RATIO = 0.10


class KnobReport(BaseModel):
    """What was seen of one knob."""

    knob: str
    seen: str | None = Field(description="None: this host does not tell.")
    advice: str | None = Field(default=None, description="None: nothing to do.")
    why: str = Field(description="What it does to a measurement.")


@dataclass(frozen=True)
class Moment:
    """Counters at one instant."""

    times: CpuTimes
    throttle_events: int | None


@dataclass(frozen=True)
class Look:
    """All that the knobs look at: the files and facts of a host, and counters a second apart."""

    tree: Tree
    host: HostFacts
    before: Moment
    after: Moment
    allowed_cpus: frozenset[int] = frozenset()  # that this process may run on; empty where that is not known

    @property
    def between(self) -> CpuTimes:
        """Processor time spent between the two moments."""
        return self.after.times.since(self.before.times)


def moment(root: Path = Path("/")) -> Moment:
    """Read the counters now."""
    return Moment(cpu_times(Tree(root).text("proc/stat")), HostCounters(root).sample().throttle_events)


def look(host: HostFacts, clock: Clock, root: Path = Path("/")) -> Look:
    """Look at this machine for a second."""
    before = moment(root)
    clock.sleep(_LOOK_S)
    return Look(Tree(root), host, before, moment(root), usable_cpus() or frozenset())


class Knob(Protocol):
    """Something about a host that a measurement depends on."""

    name: str
    why: str

    def show(self, look: Look) -> str | None:
        """Say what is seen; `None` where this host does not tell."""
        ...

    def advice(self, look: Look) -> str | None:
        """Say what to do, or `None` where all is well or nothing is known."""
        ...


class Steal:
    """Time that the hypervisor gave to neighbours."""

    name = "steal"
    why = "While a neighbour has the CPU, the server stands still and its latencies grow."

    def show(self, look: Look) -> str | None:
        """Say the share stolen during the look."""
        ratio = look.between.steal_ratio
        return None if ratio is None else f"{ratio:.1%} of CPU time"

    def advice(self, look: Look) -> str | None:
        """Advise above 1 %."""
        if (look.between.steal_ratio or 0.0) <= _STEAL_LIMIT_RATIO:
            return None
        return "Neighbours take this machine's CPUs: use dedicated ones, or measure at another time."


class OtherLoad:
    """What runs here already."""

    name = "other load"
    why = "Other processes take CPUs, caches and memory bandwidth from the server."

    def show(self, look: Look) -> str | None:
        """Say how many cores were busy."""
        busy = self._cores(look)
        return None if busy is None else f"{busy:.2f} of {look.host.cpu.logical_cpus} CPUs busy"

    def advice(self, look: Look) -> str | None:
        """Advise above a quarter of a core."""
        if (self._cores(look) or 0.0) <= _OTHER_LIMIT_CORES:
            return None
        return "Stop other work and look again; `top` shows what it is."

    def _cores(self, look: Look) -> float | None:
        ratio, count = look.between.busy_ratio, look.host.cpu.logical_cpus
        return None if ratio is None or not count else ratio * count


class Governor:
    """The policy that chooses the processors' frequency."""

    name = "governor"
    why = "Another governor than 'performance' raises the frequency late, so a run begins slow."

    def show(self, look: Look) -> str | None:
        """Say its name."""
        return look.host.cpu.governor

    def advice(self, look: Look) -> str | None:
        """Advise 'performance'."""
        if look.host.cpu.governor in {None, "performance"}:
            return None
        return "sudo cpupower frequency-set --governor performance"


class Turbo:
    """Frequencies above the nominal one."""

    name = "turbo"
    why = "With turbo, speed depends on temperature and on how many cores work; without it, on neither."

    def show(self, look: Look) -> str | None:
        """Say whether it is allowed."""
        return {True: "allowed", False: "forbidden", None: None}[look.host.cpu.turbo]

    def advice(self, look: Look) -> str | None:
        """Advise what stands for a host in service, which has turbo."""
        if look.host.cpu.turbo is not False:
            return None
        return "Turbo is off: results are steadier but lower than this host gives in service. Compare like with like."


class Swap:
    """Memory on a disk."""

    name = "swap"
    why = "Weights that were swapped out come back at the speed of a disk."

    def show(self, look: Look) -> str | None:
        """Say how much is used."""
        used, total = look.host.memory.swap_used_bytes, look.host.memory.swap_total_bytes
        if total == 0:
            return "none"
        return None if used is None else f"{used / 2**20:,.0f} MiB used"

    def advice(self, look: Look) -> str | None:
        """Advise where any is used."""
        if not look.host.memory.swap_used_bytes:
            return None
        return "Free some memory, then: sudo swapoff -a"


class TransparentHugepages:
    """Pages of 2 MiB instead of 4 KiB."""

    name = "huge pages"
    why = "Without them, reading gigabytes of weights costs many walks of the page table."

    def show(self, look: Look) -> str | None:
        """Say the setting."""
        return look.host.memory.transparent_hugepages

    def advice(self, look: Look) -> str | None:
        """Advise where they are off altogether."""
        if look.host.memory.transparent_hugepages != "never":
            return None
        return "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"


class NumaBalancing:
    """The kernel's moving of pages between memory nodes."""

    name = "NUMA balancing"
    why = "Pages that move while they are read slow decoding; llama.cpp warns of it, too."

    def show(self, look: Look) -> str | None:
        """Say whether it is on, and how many nodes there are."""
        setting, nodes = look.tree.number("proc/sys/kernel/numa_balancing"), look.host.cpu.numa_nodes
        if nodes == 1:
            return "one node, nothing to balance"
        return None if setting is None else f"{'on' if setting else 'off'}, {nodes or 'unknown'} nodes"

    def advice(self, look: Look) -> str | None:
        """Advise off where there are several nodes."""
        is_on = bool(look.tree.number("proc/sys/kernel/numa_balancing"))
        if not is_on or (look.host.cpu.numa_nodes or 1) == 1:
            return None
        return "echo 0 | sudo tee /proc/sys/kernel/numa_balancing"


class NumaBinding:
    """Which memory nodes this process's processors belong to."""

    name = "NUMA binding"
    why = "A CPU reads the memory of another node more slowly than its own."

    def show(self, look: Look) -> str | None:
        """Say over how many nodes the allowed processors are spread."""
        if look.host.cpu.numa_nodes == 1:
            return "one node"
        spread = self._nodes(look)
        return f"free to run on {len(spread)} of {look.host.cpu.numa_nodes} nodes" if spread else None

    def advice(self, look: Look) -> str | None:
        """Advise one node where it is several."""
        spread = self._nodes(look)
        if len(spread) < 2:
            return None
        return f"If the model fits into one node: numactl --cpunodebind={spread[0]} --membind={spread[0]} aforo run …"

    def _nodes(self, look: Look) -> list[str]:
        listed = {path: cpus(look.tree.text(path)) for path in look.tree.matching(_NODE_LISTS)}
        names = {path.split("/")[-2].removeprefix("node"): found for path, found in listed.items()}
        return [name for name, found in names.items() if found and look.allowed_cpus & set(found)]


_NODE_LISTS = "sys/devices/system/node/node[0-9]*/cpulist"


class SmtSiblings:
    """Logical processors that share a core."""

    name = "SMT siblings"
    why = "Two threads of a core share its arithmetic: the second one adds little and disturbs the first."

    def show(self, look: Look) -> str | None:
        """Say how many threads a core has."""
        cpu = look.host.cpu
        if cpu.smt is None:
            return None
        return f"{cpu.threads_per_core} threads a core" if cpu.smt else "one thread a core"

    def advice(self, look: Look) -> str | None:
        """Advise one thread for each core that may be used."""
        if not look.host.cpu.smt:
            return None
        cores = fast_cores(look.allowed_cpus, look.tree) or look.host.cpu.physical_cores
        quota = look.host.limits.cpu_limit_cores
        cores = min(cores, max(1, int(quota))) if cores and quota else cores
        return f"Keep to one thread a core, as aforo run does unless told otherwise: --threads {cores or 'CORES'}."


class MemoryPressure:
    """Stalls for want of memory."""

    name = "memory pressure"
    why = "A host short of memory drops the pages of the model's file and reads them again."

    def show(self, look: Look) -> str | None:
        """Say the share of time stalled (PSI) and what is available."""
        stalled, available = self._stalled(look), self._available(look)
        parts = [
            None if stalled is None else f"stalled {stalled:.1%} of the last 10 s",
            None if available is None else f"{available:.0%} of memory available",
        ]
        return ", ".join(part for part in parts if part) or None

    def advice(self, look: Look) -> str | None:
        """Advise above 1 % of stalls, or with less than a tenth available."""
        available = self._available(look)
        is_short = available is not None and available < _LEAST_AVAILABLE_RATIO
        if not is_short and (self._stalled(look) or 0.0) <= _PRESSURE_LIMIT_RATIO:
            return None
        return "Stop what holds memory, or choose a smaller model."

    def _stalled(self, look: Look) -> float | None:
        return pressure_ratio(look.tree.text("proc/pressure/memory"))

    def _available(self, look: Look) -> float | None:
        total = look.host.memory.total_bytes
        available = memory_bytes(look.tree.text("proc/meminfo"), "MemAvailable")
        return None if available is None or not total else available / total


class ThermalThrottling:
    """Slowing down by heat or a power limit."""

    name = "throttling"
    why = "A CPU that is too hot, or at its power limit, runs slower than it could."

    def show(self, look: Look) -> str | None:
        """Say how often, since the start and during the look."""
        before, after = look.before.throttle_events, look.after.throttle_events
        if before is None or after is None:
            return None
        return f"{after - before} times during the look, {after} since the host started"

    def advice(self, look: Look) -> str | None:
        """Advise where it happens now."""
        before, after = look.before.throttle_events, look.after.throttle_events
        if before is None or after is None or after <= before:
            return None
        return "Let the host cool down, look at its fans and its power limit, and measure again."


class ContainerShare:
    """The part of the machine that the container leaves."""

    name = "container share"
    why = "With more threads than its quota of CPUs, a container is halted for part of every tenth of a second."

    def show(self, look: Look) -> str | None:
        """Say the share of processors and memory."""
        limits, count = look.host.limits, look.host.cpu.logical_cpus
        if limits.share_cores is None or count is None:
            return None
        return f"{limits.share_cores:g} of {count} CPUs"

    def advice(self, look: Look) -> str | None:
        """Advise where a quota is smaller than the number of processors in sight."""
        quota, usable = look.host.limits.cpu_limit_cores, look.host.cpu.usable_cpus
        if quota is None or usable is None or quota >= usable:
            return None
        return f"Pass --threads {max(1, int(quota))} or fewer: the quota is {quota:g} of {usable} CPUs."


KNOBS: Sequence[Knob] = (
    *(Steal(), OtherLoad(), ContainerShare(), Governor(), Turbo(), ThermalThrottling(), SmtSiblings()),
    *(NumaBalancing(), NumaBinding(), TransparentHugepages(), MemoryPressure(), Swap()),
)


def check(look: Look) -> list[KnobReport]:
    """Look at every knob."""
    return [KnobReport(knob=knob.name, seen=knob.show(look), advice=knob.advice(look), why=knob.why) for knob in KNOBS]
