"""A host with GPUs is more than its boards and more than its processors: what else draws power in it. Pure.

Boards report their own power. Fans, switches, network cards and the losses of power supplies come on top; no model of
processors knows of them. What published machines draw at the most, less their boards' limits and their processors' TDP,
bounds it, as a share of the boards' power limits: whatever the load, since fans and switches run without any, too.
"""

from collections.abc import Sequence

from profiler import reference_data
from profiler.energy.kinds import KINDS
from profiler.results.host_facts import GpuFacts
from profiler.results.manifest import EnergyFacts, Source
from profiler.stats.ranges import Range


def obstacle(facts: EnergyFacts, gpus: Sequence[GpuFacts], read: int | None, silent: Sequence[str] = ()) -> str | None:
    """Return why nothing can be said of a whole machine with these GPUs; None where it can.

    `read` is how many of them a meter has read, `silent` why meters that are there said nothing.
    """
    names = ", ".join(sorted({gpu.name or "of unknown name" for gpu in gpus}))
    count = f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''} ({names})"
    if read is None:
        meters = {kind.name for kind in KINDS if kind.reads_cards}
        absent = [reason for name, reason in facts.absent.items() if name.partition(":")[0] in meters]
        why = "; ".join([*absent, *silent]) or "no meter was used"
        return (
            f"this host has {count} whose energy was not read ({why}), and a model of its CPUs alone is not the machine"
        )
    if read < len(gpus):
        return f"{read} of {count} were read: what the machine draws beside these boards is not known"
    if any(_limit_w(gpu) is None for gpu in gpus):
        return f"this host has {count} of unknown power limit: what the machine draws beside the boards is not known"
    return None


def overhead_w(gpus: Sequence[GpuFacts]) -> Range:
    """Return what a machine draws beside its boards, processors and memory, W."""
    return Range(0.0, overhead_share()[0] * sum(_limit_w(gpu) or 0.0 for gpu in gpus))


def overhead_share() -> tuple[float, Source]:
    """Return the most that it draws, as a share of the boards' power limits, and where that comes from."""
    return reference_data.constant("gpu_host_overhead")


def _limit_w(gpu: GpuFacts) -> float | None:
    return gpu.power_limit_w or gpu.power_limit_default_w or None
