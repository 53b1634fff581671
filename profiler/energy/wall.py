"""Readings of an external meter: the file of a wall plug or a PDU, placed on the clock of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

from profiler.energy.resolution import smallest_step
from profiler.energy.wall_file import J_PER, Rows, read_rows
from profiler.number_format import count
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.units import NS_PER_S, NS_PER_US, S_PER_H, s_to_ns

CHANNEL = "wall"
SCOPE = "whole machine"

_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_GAP_STEPS = 3  # power readings further apart than this many usual steps say nothing about the time between


@dataclass(frozen=True)
class Meter:
    """What a file says: readings on the run's monotonic clock, and where they come from."""

    facts: MeterFacts
    readings: list[EnergyReading]
    first_utc: datetime
    last_utc: datetime


def read(path: Path, wall_offset_ns: int, zone: str | None = None) -> Meter:
    """Read a file with a column of times and one of watts, or of energy that only grows (Wh, kWh, J).

    Times are ISO 8601 with their zone, or s, ms, µs or ns since 1970; times without a zone need `zone`.
    `wall_offset_ns` is wall clock − monotonic clock of the run. Raises `UsageError`.
    """
    rows = read_rows(path, zone)
    t_ns = [_since_1970_ns(moment) - wall_offset_ns for moment in rows.times]
    is_power = rows.unit == "W"
    readings = _of_power(t_ns, rows.values) if is_power else _of_energy(t_ns, rows.values, J_PER[rows.unit])
    return Meter(_facts(path, rows), readings, rows.times[0], rows.times[-1])


def _since_1970_ns(moment: datetime) -> int:
    """Count in whole numbers: as floats, times a microsecond apart may be the same."""
    since = moment - _1970
    return s_to_ns(since.days * 24 * S_PER_H + since.seconds) + since.microseconds * NS_PER_US


def _facts(path: Path, rows: Rows) -> MeterFacts:
    is_power = rows.unit == "W"
    # a counter that seems coarse because few values are seen only becomes a wider interval; power has few in any case
    step = smallest_step(rows.written, rows.values, fewest=10 if is_power else 2)
    how = "power summed by the trapezoidal rule" if is_power else f"differences of its {rows.unit} counter"
    left_out = f", {count(rows.without_value, 'row')} without a value left out" if rows.without_value else ""
    return MeterFacts(
        channel=CHANNEL,
        meter=CHANNEL,
        meter_class="wall",
        scope=SCOPE,
        device=path.name,
        provenance=f"external meter, {len(rows.values)} readings in steps of {step:g} {rows.unit} imported from "
        f"{path.name}, {how}{left_out}",
        resolution_j=None if is_power else step * J_PER[rows.unit],
        resolution_w=step if is_power else None,
    )


def _of_energy(t_ns: Sequence[int], values: Sequence[float], j_per_unit: float) -> list[EnergyReading]:
    """A counter knows how much was used in a gap, and not when."""
    start = values[0]
    return [
        EnergyReading(channel=CHANNEL, t_ns=at_ns, energy_j=(value - start) * j_per_unit)
        for at_ns, value in zip(t_ns, values, strict=True)
    ]


def _of_power(t_ns: Sequence[int], watts: Sequence[float]) -> list[EnergyReading]:
    """Power is summed up but over gaps, which stay uncovered."""
    steps_ns = [after - before for before, after in pairwise(t_ns)]
    longest_ns = _GAP_STEPS * median(steps_ns)
    readings = [EnergyReading(channel=CHANNEL, t_ns=t_ns[0], energy_j=0.0, covered_ns=0, power_w=watts[0])]
    energy_j, covered_ns = 0.0, 0
    for at_ns, step_ns, (before_w, after_w) in zip(t_ns[1:], steps_ns, pairwise(watts), strict=True):
        if step_ns <= longest_ns:
            energy_j += (before_w + after_w) / 2 * step_ns / NS_PER_S
            covered_ns += step_ns
        readings.append(
            EnergyReading(channel=CHANNEL, t_ns=at_ns, energy_j=energy_j, covered_ns=covered_ns, power_w=after_w)
        )
    return readings


def utc_of(t_ns: int, wall_offset_ns: int) -> str:
    """Say when an instant of the run's monotonic clock was."""
    return datetime.fromtimestamp((t_ns + wall_offset_ns) / NS_PER_S, UTC).isoformat(timespec="seconds")


def with_wall(meters: Sequence[MeterFacts], wall: MeterFacts) -> list[MeterFacts]:
    """Return the meters with this external one beside them; one that was imported before is replaced."""
    return [*(meter for meter in meters if meter.channel != CHANNEL), wall]
