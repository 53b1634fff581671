"""What models say that a machine draws, side by side: per-vCPU coefficients and a share of the TDP. Pure.

Neither was measured on the machine. Known traps: the published coefficients of Graviton are a copy of EPYC 2nd Gen,
and those of EPYC 5th Gen are 7 to 16 times their own input, so the catalogue leaves these out. That is why
estimates are kept apart and only their hull is used, as an interval.
"""

from collections.abc import Mapping, Sequence

from profiler import reference_data
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import PowerEstimate, Source
from profiler.stats.ranges import Range

_GB = 1e9
_PUBLISHED = "aws"  # whose coefficients are used where the provider has none of its own
_GRAVITONS = {"neoverse_n1", "neoverse_v1", "neoverse_v2"}
_FEWEST_SERVERS = 3


def power_w(estimate: PowerEstimate, busy: Range) -> Range:
    """Return the power at a share of busy processors: on the line from idle to full."""
    return Range(
        estimate.idle_w[0] + busy.low * (estimate.full_w[0] - estimate.idle_w[0]),
        estimate.idle_w[1] + busy.high * (estimate.full_w[1] - estimate.idle_w[1]),
    )


def estimates(host: HostFacts) -> tuple[list[PowerEstimate], dict[str, str]]:
    """Return what can be said of a machine, and why the rest cannot."""
    found, absent = [], {}
    for name, estimate in (("per-vCPU coefficients", coefficients(host)), ("TDP share", tdp_share(host))):
        if isinstance(estimate, PowerEstimate):
            found.append(estimate)
        else:
            absent[name] = estimate
    return found, absent


def coefficients(host: HostFacts) -> PowerEstimate | str:
    """Published watts per vCPU × vCPUs; or why there are none. Memory is not part of them."""
    provider, design, vcpus = host.cloud.provider, host.cpu.microarchitecture, host.cpu.logical_cpus
    if not vcpus:
        return "the number of CPUs is not known"
    table = [row for row in reference_data.rows("power/coefficients.csv") if row["microarchitecture"] == design]
    if design in _GRAVITONS and not _is_graviton(host):
        table = []
    if not table:
        return f"no coefficients are published for {design or 'an unknown design'}"
    row = next((r for r in table if r["provider"] == provider), None) or next(
        (r for r in table if r["provider"] == _PUBLISHED), table[0]
    )
    if row["left_out"]:
        return f"the published coefficients of {row['processor']} are left out: {row['left_out']}"
    idle_w, full_w = (vcpus * float(row[f"{state}_w_per_vcpu"]) for state in ("idle", "full"))
    return PowerEstimate(
        name="per-vCPU coefficients",
        idle_w=(idle_w, idle_w),
        full_w=(full_w, full_w),
        method=f"{vcpus} vCPUs × the coefficients of {row['processor']} ({row['provider']}), without memory",
        sources=[reference_data.source(row["source"])],
    )


def tdp_share(host: HostFacts) -> PowerEstimate | str:
    """TDP × reserved threads / threads of the processor + memory, spread as servers of the same processor differ.

    Full: (TDP share + memory) × the least and the most that SPECpower servers draw at 100 % load, over their median.
    Idle: that × the least and the most that they draw at active idle, over their 100 %. Memory has the same W/GB on
    every architecture. Where the design, or its TDP, is not listed, all listed processors of the same instruction set
    stand for it.
    """
    vcpus, memory_bytes, machine = host.cpu.logical_cpus, host.memory.total_bytes, host.machine
    if not vcpus or not memory_bytes or not machine:
        return "CPUs, memory or architecture are not known"
    design = host.cpu.microarchitecture
    table, who = _stand_ins(None if _is_graviton(host) else design, machine)
    if not table:
        return f"no CPU with a known TDP is listed for {machine}"
    per_thread_w = Range.hull(*(_per_thread_w(row, host) for row in table))
    ram_w, ram_source = _memory_w(memory_bytes)
    full = (per_thread_w.times(vcpus) + Range.exact(ram_w)) * _range(table, "full_spread_low", "full_spread_high")
    idle = full * _range(table, "idle_share_min", "idle_share_max")
    names = dict.fromkeys([*(row["tdp_source"] for row in table), *(row["spread_source"] for row in table)])
    return PowerEstimate(
        name="TDP share",
        idle_w=(idle.low, idle.high),
        full_w=(full.low, full.high),
        method=f"({vcpus} threads × TDP per thread of {who} + {ram_w:.3g} W of memory) × the spread of SPECpower",
        sources=[*(reference_data.source(name) for name in names), ram_source],
    )


def _is_graviton(host: HostFacts) -> bool:
    """Whether the processor is Amazon's own; NVIDIA's Grace, which it rents out too, has the cores of one."""
    is_grace = host.cpu.generation == "NVIDIA Grace"
    return host.cloud.provider == "aws" and host.cpu.microarchitecture in _GRAVITONS and not is_grace


def _memory_w(memory_bytes: int) -> tuple[float, Source]:
    per_gb_w, source = reference_data.constant("memory")
    return per_gb_w * memory_bytes / _GB, source


def _stand_ins(design: str | None, machine: str) -> tuple[list[Mapping[str, str]], str]:
    table = reference_data.rows("power/processors.csv")
    own = [row for row in table if row["microarchitecture"] == design and int(row["servers"]) >= _FEWEST_SERVERS]
    if own:
        return own, f"{len(own)} {design} CPUs"
    is_arm = machine in {"aarch64", "arm64"}
    same = [row for row in table if row["microarchitecture"].startswith("neoverse") == is_arm]
    return same, f"{len(same)} {'Arm' if is_arm else 'x86'} server CPUs"


def _per_thread_w(row: Mapping[str, str], host: HostFacts) -> Range:
    """TDP per thread; where a hypervisor may hide that two threads share a core, both are possible."""
    cores, tdp_w, most = int(row["cores"]), float(row["tdp_w"]), int(row["threads_per_core"])
    shown, is_metal = host.cpu.threads_per_core, host.virtualisation.is_virtual is False
    is_told = shown == most or host.cloud.provider == "aws" or is_metal
    least = shown if is_told and shown is not None and 1 <= shown <= most else None
    if least is not None:
        return Range.exact(tdp_w / (cores * least))
    return Range(tdp_w / (cores * most), tdp_w / cores)


def _range(table: Sequence[Mapping[str, str]], low: str, high: str) -> Range:
    return Range(min(float(row[low]) for row in table), max(float(row[high]) for row in table))
