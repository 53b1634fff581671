"""How much energy a channel counted within windows of time: pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from profiler.results.host_facts import GpuFacts
from profiler.results.records import EnergyReading
from profiler.stats.ranges import Range

Window = tuple[int, int]  # start and end, CLOCK_MONOTONIC nanoseconds


@dataclass(frozen=True)
class Seen:
    """The part of a run that energy is accounted for."""

    readings: Sequence[EnergyReading]
    windows: Sequence[Window]  # steady ones
    busy: Range | None  # share of all processors' time, mean over the windows; None where nobody looked
    idle_windows: Sequence[Window] = ()  # of the idle baseline, before any load
    idle_busy: Range | None = None
    gpus: Sequence[GpuFacts] = ()  # of the machine that serves

    @property
    def length_s(self) -> float:
        """Steady time."""
        return sum(end - start for start, end in self.windows) / 1e9


@dataclass(frozen=True)
class Use:
    """What a channel counted, and how much of the windows it vouches for."""

    energy_j: float
    covered_ns: float
    length_ns: int

    @property
    def coverage_ratio(self) -> float:
        """Share of the windows that readings cover."""
        return self.covered_ns / self.length_ns if self.length_ns else 0.0

    @property
    def power_w(self) -> float | None:
        """Mean power over what is covered; None where nothing is."""
        return self.energy_j / (self.covered_ns / 1e9) if self.covered_ns else None

    @property
    def whole_j(self) -> float:
        """Energy of the whole windows, at the mean power of what is covered."""
        return (self.power_w or 0.0) * self.length_ns / 1e9


def used(readings: Sequence[EnergyReading], windows: Iterable[Window]) -> Use:
    """Sum over the windows; between two readings energy is taken to grow evenly, beyond them nothing is known.

    `readings` are of one channel, in order of time.
    """
    energy_j = covered_ns = 0.0
    length_ns = 0
    for start_ns, end_ns in windows:
        length_ns += end_ns - start_ns
        if len(readings) < 2:
            continue
        before, after = _at(readings, start_ns), _at(readings, end_ns)
        energy_j += after[0] - before[0]
        covered_ns += after[1] - before[1]
    return Use(energy_j, covered_ns, length_ns)


def of_channel(readings: Iterable[EnergyReading], channel: str) -> list[EnergyReading]:
    """Return the readings of one channel, in order of time."""
    return sorted((r for r in readings if r.channel == channel), key=lambda r: r.t_ns)


def powers_w(readings: Sequence[EnergyReading]) -> list[tuple[int, float]]:
    """Return the mean power between successive readings, at the middle of each pair."""
    return [
        ((first.t_ns + last.t_ns) // 2, (last.energy_j - first.energy_j) / ((last.t_ns - first.t_ns) / 1e9))
        for first, last in pairwise(readings)
        if last.t_ns > first.t_ns
    ]


def _at(readings: Sequence[EnergyReading], t_ns: int) -> tuple[float, float]:
    """Return energy and covered time at an instant, on the straight line between its neighbours."""
    after = bisect_right(readings, t_ns, key=lambda r: r.t_ns)
    if after == 0:
        return _state(readings[0])
    if after == len(readings):
        return _state(readings[-1])
    first, last = readings[after - 1], readings[after]
    share = (t_ns - first.t_ns) / (last.t_ns - first.t_ns)
    (energy_j, covered_ns), (later_j, later_ns) = _state(first), _state(last)
    return energy_j + share * (later_j - energy_j), covered_ns + share * (later_ns - covered_ns)


def _state(reading: EnergyReading) -> tuple[float, float]:
    return reading.energy_j, reading.t_ns if reading.covered_ns is None else reading.covered_ns
