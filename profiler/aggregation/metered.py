"""What energy meters read in a run, laid out for its accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from profiler.results.manifest import Manifest
from profiler.results.records import EnergyReading, Sample
from profiler.stats.ranges import Range
from profiler.workloads.phases import IDLE


@dataclass(frozen=True)
class Metered:
    """What energy meters read over the whole run, and when the machine stood idle for them."""

    readings: Sequence[EnergyReading]
    idle_windows: Sequence[tuple[int, int]]
    idle_busy: Range | None  # share of the time of all CPUs


def metered(manifest: Manifest, samples: Sequence[Sample], wall: Sequence[EnergyReading]) -> Metered:
    """Collect the readings of all meters; `wall` are those of one that was imported."""
    readings = [reading for sample in samples for reading in sample.energy]
    idle = [(p.start_ns, p.end_ns) for p in manifest.phases if p.name == IDLE and p.end_ns is not None]
    return Metered([*readings, *wall], idle, busy_range(samples, idle))


def busy_range(samples: Sequence[Sample], windows: Sequence[tuple[int, int]]) -> Range | None:
    """Return the share of the time of all CPUs that was busy in the windows: the mean of the samples."""
    inside = (s.host_cpu_ratio for s in samples if any(start < s.t_ns <= end for start, end in windows))
    shares = [share for share in inside if share is not None]
    return Range.exact(min(1.0, max(0.0, fmean(shares)))) if shares else None
