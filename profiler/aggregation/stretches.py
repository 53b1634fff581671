"""What a run's manifest says of its load: which phases follow one another without a pause, and how it was put on."""

from profiler.aggregation.observations import cut_to_point
from profiler.aggregation.windows import Stretch
from profiler.results.manifest import Manifest, Phase, Point
from profiler.results.points import points_of
from profiler.units import s_to_ns


def stretches_of(manifest: Manifest) -> list[Stretch]:
    """Return every stretch in which something is measured."""
    return [
        _stretch(manifest, point, phases)
        for point in points_of(manifest)
        for phases in _unbroken(cut_to_point(manifest, point.name).phases)
        if any(phase.is_measured for phase in phases)
    ]


def _unbroken(phases: list[Phase]) -> list[list[Phase]]:
    """Group phases with those that follow on from them."""
    groups: list[list[Phase]] = []
    for phase in phases:
        if phase.follows_on and groups:
            groups[-1].append(phase)
        else:
            groups.append([phase])
    return groups


def _stretch(manifest: Manifest, point: Point, phases: list[Phase]) -> Stretch:
    workload = manifest.workload
    return Stretch(
        phases=tuple(phase.name for phase in phases),
        measured=frozenset(phase.name for phase in phases if phase.is_measured),
        slots=point.concurrency,
        ramp_end_ns=phases[0].start_ns + s_to_ns(workload.ramp_up_s) if workload.ramp_up_s else None,
        think_ns=s_to_ns(workload.think_time_s),
        turns=workload.turns,
    )
