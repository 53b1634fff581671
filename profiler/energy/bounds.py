"""What sparse or coarse readings leave open about the energy of windows: least and most, or why no number. Pure.

A counter only grows, so the energy of a window lies between what it shows within the window and what it shows around
it, one step of its display more or less. Readings of power say nothing about the time between them: where a window
begins or ends between two, the power there is taken to lie between theirs, and the mean within it is as sure as the
mean of so many samples (Student's t).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt
from statistics import median, stdev

from profiler.energy.use import Window, used
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.stats.distributions import two_sided_t
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.ranges import Range
from profiler.units import J_PER_KWH, NS_PER_S, ns_to_s

_WIDEST = 3.0  # most over least: an energy that is less sure than that has no value
_FEWEST_READINGS = 2  # of power, within the windows; two that differ are as good as none
_NEAR_NS = NS_PER_S  # a reading this near a short window speaks for it: meters show the mean of about a second


def bounded(meter: MeterFacts, readings: Sequence[EnergyReading], windows: Sequence[Window]) -> Range | str:
    """Return the energy of the windows (J) as sure as the readings make it; a sentence where that is not enough.

    `readings` are of this meter's channel, in order of time, and cover all of the windows or nearly so.
    """
    readings = _one_each(readings)
    is_counter = all(reading.covered_ns is None for reading in readings)
    if is_counter:
        return _counted(step_j(meter, readings), readings, windows)
    return _sampled(meter.resolution_w or 0.0, readings, windows)


def _one_each(readings: Sequence[EnergyReading]) -> list[EnergyReading]:
    """Return one reading for each moment, the later one: what was read twice between two polls says nothing more."""
    return list({reading.t_ns: reading for reading in readings}.values())


def step_j(meter: MeterFacts, readings: Sequence[EnergyReading]) -> float:
    """Return the steps (J) in which a counter moves: as its meter says, else what is seen where it mostly stands still.

    A counter that moves from reading to reading has steps too small to be seen: 0.
    """
    if meter.resolution_j is not None:
        return meter.resolution_j
    moves_j = [after.energy_j - before.energy_j for before, after in pairwise(readings)]
    moved_j = [move_j for move_j in moves_j if move_j > 0]
    return min(moved_j) if moved_j and 2 * len(moved_j) <= len(moves_j) else 0.0


def _counted(resolution_j: float, readings: Sequence[EnergyReading], windows: Sequence[Window]) -> Range | str:
    energy_j = used(readings, windows)
    spans = [_Span.of(readings, window) for window in windows]
    whole_j = readings[spans[-1].after].energy_j - readings[spans[0].before].energy_j + resolution_j
    low_j = sum(max(0.0, span.inside_j - resolution_j) for span in spans)
    high_j = min(sum(span.around_j + resolution_j for span in spans), whole_j)
    found_j = Range.around(energy_j.energy_j, low_j, max(low_j, high_j)).times(_filled(energy_j.coverage_ratio))
    return _judged(found_j, _coarse(resolution_j, energy_j.length_ns, found_j, _step_s(readings)))


@dataclass(frozen=True)
class _Span:
    """A window among the readings of a counter."""

    before: int  # last reading up to its start, or the first of all
    after: int  # first reading from its end on, or the last of all
    inside_j: float  # between the first and the last reading within it
    around_j: float

    @classmethod
    def of(cls, readings: Sequence[EnergyReading], window: Window) -> "_Span":
        start_ns, end_ns = window
        first, last = _from(readings, start_ns), _until(readings, end_ns)
        before, after = max(0, _until(readings, start_ns)), min(len(readings) - 1, _from(readings, end_ns))
        inside_j = readings[last].energy_j - readings[first].energy_j if first <= last else 0.0
        return cls(before, after, inside_j, readings[after].energy_j - readings[before].energy_j)


def _sampled(resolution_w: float, readings: Sequence[EnergyReading], windows: Sequence[Window]) -> Range | str:
    use = used(readings, windows)
    length_s, step_s = ns_to_s(use.length_ns), _step_s(readings)
    inside_w = _powers_w(readings, windows)
    if len(inside_w) < _FEWEST_READINGS:
        inside_w = _powers_w(readings, [(start_ns - _NEAR_NS, end_ns + _NEAR_NS) for start_ns, end_ns in windows])
    if len(inside_w) < _FEWEST_READINGS:
        return _too_few(len(inside_w), step_s, length_s)
    spread_w = two_sided_t(CONFIDENCE, len(inside_w) - 1) * stdev(inside_w) / sqrt(len(inside_w))
    either_way_j = (spread_w + resolution_w) * length_s
    below_j, above_j = (sum(side) for side in zip(*(_edges_j(readings, w, inside_w) for w in windows), strict=True))
    low_j, high_j = max(0.0, use.energy_j - below_j - either_way_j), use.energy_j + above_j + either_way_j
    return _judged(
        Range.around(use.energy_j, low_j, high_j).times(_filled(use.coverage_ratio)),
        f"power read every {_seconds(step_s)} is too coarse for {_seconds(length_s)} of steady load: {_joules(low_j)} "
        f"to {_joules(high_j)} are possible. Read it every {_at_least_1_s(length_s / 100)}, or measure for longer",
    )


def _edges_j(readings: Sequence[EnergyReading], window: Window, seen_w: Sequence[float]) -> tuple[float, float]:
    """Return how much less and how much more than the trapezoid the edges of a window may have used.

    An edge is the part between two readings of which one lies outside the window. Where none lies within it, what was
    read in the other windows may hold here, too.
    """
    start_ns, end_ns = window
    first, last = _from(readings, start_ns), _until(readings, end_ns)
    others_w = seen_w if first > last else ()
    below_j = above_j = 0.0
    for i in range(max(0, first - 1), min(len(readings) - 1, last + 1)):
        before, after = readings[i], readings[i + 1]
        from_ns, to_ns = max(start_ns, before.t_ns), min(end_ns, after.t_ns)
        is_edge = before.t_ns < start_ns or after.t_ns > end_ns
        if not is_edge or to_ns <= from_ns or after.covered_ns == before.covered_ns:
            continue
        length_s = ns_to_s(to_ns - from_ns)
        powers_w = (_power_w(readings, i), _power_w(readings, i + 1), *others_w)
        mean_w = (after.energy_j - before.energy_j) / ns_to_s(after.t_ns - before.t_ns)
        below_j += max(0.0, mean_w - min(powers_w)) * length_s
        above_j += max(0.0, max(powers_w) - mean_w) * length_s
    return below_j, above_j


def _powers_w(readings: Sequence[EnergyReading], windows: Sequence[Window]) -> list[float]:
    """Return the readings within the windows, which may overlap."""
    spans = (range(_from(readings, start_ns), _until(readings, end_ns) + 1) for start_ns, end_ns in windows)
    return [_power_w(readings, i) for i in sorted({i for span in spans for i in span})]


def _power_w(readings: Sequence[EnergyReading], index: int) -> float:
    """Return the power read; of old records, which do not keep it, the mean up to the reading, or after the first."""
    reading = readings[index]
    if reading.power_w is not None:
        return reading.power_w
    before, after = readings[max(0, index - 1)], readings[min(max(1, index), len(readings) - 1)]
    if before is after:
        return 0.0  # a single reading: nothing was counted
    return (after.energy_j - before.energy_j) / ns_to_s(after.t_ns - before.t_ns)


def _too_few(count: int, step_s: float, length_s: float) -> str:
    lie = "reading lies" if count == 1 else "readings lie"
    return (
        f"power read every {_seconds(step_s)}: {count} {lie} within the {_seconds(length_s)} of steady load, "
        f"and {_FEWEST_READINGS} are needed. Read it at least every {_at_least_1_s(length_s / 20)}, or measure for "
        f"{ceil(_FEWEST_READINGS * step_s / 60)} minutes or more"
    )


def _judged(found: Range, reason: str) -> Range | str:
    return found if 0 < found.high <= _WIDEST * found.low else reason


def _coarse(resolution_j: float, length_ns: int, found_j: Range, step_s: float) -> str:
    """Say whether a counter shows too little or was read too seldom, and what would do: a fortieth of the energy."""
    length_s, high_j = ns_to_s(length_ns), found_j.high
    every = f"read every {_at_least_1_s(length_s / 40)}"
    if resolution_j <= high_j / _WIDEST:
        return (
            f"too coarse: the counter was read every {_seconds(step_s)}, so that {_joules(found_j.low)} to "
            f"{_joules(high_j)} are possible for the {_seconds(length_s)} of steady load. A counter {every} would do, "
            f"or {ceil(40 * step_s / 60):,} minutes of load or more"
        )
    needed_s = 40 * max(step_s, resolution_j * length_s / high_j)
    return (
        f"too coarse: the counter moves in steps of {_joules(resolution_j)} and was read every {_seconds(step_s)}, "
        f"while the {_seconds(length_s)} of steady load used {_joules(high_j)} at the most. A counter with steps of "
        f"{_joules(high_j / 40)} or less, {every}, would do, or {ceil(needed_s / 60):,} minutes of load or more"
    )


def _joules(energy_j: float) -> str:
    """Write an energy; a large one in kWh as well, as meters show it."""
    shown = f"{energy_j:,.0f} J" if energy_j >= 100 else f"{energy_j:.3g} J"
    return f"{energy_j / J_PER_KWH:.3g} kWh ({shown})" if energy_j >= J_PER_KWH / 1_000 else shown


def _at_least_1_s(length_s: float) -> str:
    return _seconds(max(1.0, length_s))


def _seconds(length_s: float) -> str:
    return f"{length_s:,.0f} s" if length_s >= 100 else f"{length_s:.2g} s"


def _filled(coverage_ratio: float) -> float:
    """Uncovered time is taken to have had the mean power of the rest."""
    return 1 / coverage_ratio if coverage_ratio else 1.0


def _step_s(readings: Sequence[EnergyReading]) -> float:
    return ns_to_s(median(after.t_ns - before.t_ns for before, after in pairwise(readings)))


def _from(readings: Sequence[EnergyReading], t_ns: int) -> int:
    """Return the index of the first reading at or after an instant."""
    return bisect_left(readings, t_ns, key=lambda r: r.t_ns)


def _until(readings: Sequence[EnergyReading], t_ns: int) -> int:
    """Return the index of the last reading at or before an instant."""
    return bisect_right(readings, t_ns, key=lambda r: r.t_ns) - 1
