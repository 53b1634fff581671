"""Readings of an external meter: a CSV file of a wall plug or a PDU, placed on the clock of a run."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from profiler.errors import UsageError
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.units import J_PER_KWH, NS_PER_S, s_to_ns, wh_to_j

CHANNEL = "wall"
SCOPE = "whole machine"

_GAP_STEPS = 3  # power readings further apart than this many usual steps say nothing about the time between
_TIMES = ("timestamp", "time", "datetime", "date_time", "date")
_UNITS = {  # name of a column, without its case -> unit
    **dict.fromkeys(("power_w", "watts", "watt", "w", "power"), "W"),
    **dict.fromkeys(("energy_wh", "wh"), "Wh"),
    **dict.fromkeys(("energy_kwh", "kwh"), "kWh"),
    **dict.fromkeys(("energy_j", "joules", "j"), "J"),
}
_J_PER = {"Wh": wh_to_j(1.0), "kWh": J_PER_KWH, "J": 1.0}
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


@dataclass(frozen=True)
class Meter:
    """What a file says: readings on the run's monotonic clock, and where they come from."""

    facts: MeterFacts
    readings: list[EnergyReading]
    first_utc: datetime
    last_utc: datetime


def read(path: Path, wall_offset_ns: int, zone: str | None = None) -> Meter:
    """Read a file with a column of times and one of watts, or of energy that only grows (Wh, kWh, J).

    Times are ISO 8601 with their zone, or seconds since 1970; times without a zone need `zone`. `wall_offset_ns` is
    wall clock − monotonic clock of the run. Raises `UsageError`.
    """
    rows, time_column, value_column, unit = _columns(path)
    default_zone = _zone(zone) if zone else None
    points = [
        (_time(row[time_column], default_zone, path, line), _value(row[value_column], path, line))
        for line, row in enumerate(rows, start=2)
    ]
    _check_order(points, unit, path)
    t_ns = [s_to_ns(moment.timestamp()) - wall_offset_ns for moment, _ in points]
    values = [value for _, value in points]
    readings = _of_power(t_ns, values) if unit == "W" else _of_energy(t_ns, values, _J_PER[unit])
    how = "power summed by the trapezoidal rule" if unit == "W" else f"differences of its {unit} counter"
    facts = MeterFacts(
        channel=CHANNEL,
        meter=CHANNEL,
        meter_class="wall",
        scope=SCOPE,
        device=path.name,
        provenance=f"external meter, {len(points)} readings imported from {path.name}, {how}",
    )
    return Meter(facts, readings, points[0][0], points[-1][0])


def _columns(path: Path) -> tuple[list[dict[str, str]], str, str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            rows, names = list(table), list(table.fieldnames or [])
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    times = [name for name in names if name.strip().lower() in _TIMES]
    units = [(name, _UNITS[name.strip().lower()]) for name in names if name.strip().lower() in _UNITS]
    if len(times) != 1 or len(units) != 1:
        raise UsageError(
            f"{path}: its columns are {', '.join(names) or 'none'}; expected one of times (timestamp) and one of "
            "values (watts, wh, kwh or joules). Rename the columns."
        )
    if len(rows) < 2:
        raise UsageError(f"{path}: {len(rows)} readings; expected at least two.")
    return rows, times[0], *units[0]


def _time(text: str | None, zone: tzinfo | None, path: Path, line: int) -> datetime:
    text = (text or "").strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{path}, line {line}: '{text}' is no time; expected 2026-11-20T10:15:00+01:00, or seconds since 1970."
        ) from error
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise UsageError(
            f"{path}, line {line}: '{text}' has no time zone. Pass --timezone, such as Europe/Berlin or UTC."
        )
    return moment.replace(tzinfo=zone)


def _zone(name: str) -> tzinfo:
    if offset := _OFFSET.fullmatch(name):
        sign, hours, minutes = offset.groups()
        return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))
    if name.upper() in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"--timezone {name}: expected UTC, +01:00 or a name like Europe/Berlin.") from error


def _value(text: str | None, path: Path, line: int) -> float:
    try:
        value = float((text or "").strip())
    except ValueError as error:
        raise UsageError(f"{path}, line {line}: '{text}' is no number.") from error
    if not 0 <= value < float("inf"):
        raise UsageError(f"{path}, line {line}: {value:g}; expected 0 or more.")
    return value


def _check_order(points: Sequence[tuple[datetime, float]], unit: str, path: Path) -> None:
    for line, ((before, less), (after, more)) in enumerate(pairwise(points), start=3):
        if after <= before:
            raise UsageError(f"{path}, line {line}: {after.isoformat()} is not after the line before it.")
        if unit != "W" and more < less:
            raise UsageError(
                f"{path}, line {line}: the counter fell from {less:g} to {more:g} {unit}: it was reset. "
                "Cut the file there."
            )


def _of_energy(t_ns: Sequence[int], values: Sequence[float], j_per_unit: float) -> list[EnergyReading]:
    """A counter covers its own gaps."""
    start = values[0]
    return [
        EnergyReading(channel=CHANNEL, t_ns=at_ns, energy_j=(value - start) * j_per_unit)
        for at_ns, value in zip(t_ns, values, strict=True)
    ]


def _of_power(t_ns: Sequence[int], watts: Sequence[float]) -> list[EnergyReading]:
    """Power is summed up but over gaps, which stay uncovered."""
    steps_ns = [after - before for before, after in pairwise(t_ns)]
    longest_ns = _GAP_STEPS * median(steps_ns)
    readings = [EnergyReading(channel=CHANNEL, t_ns=t_ns[0], energy_j=0.0, covered_ns=0)]
    energy_j, covered_ns = 0.0, 0
    for at_ns, step_ns, (before_w, after_w) in zip(t_ns[1:], steps_ns, pairwise(watts), strict=True):
        if step_ns <= longest_ns:
            energy_j += (before_w + after_w) / 2 * step_ns / NS_PER_S
            covered_ns += step_ns
        readings.append(EnergyReading(channel=CHANNEL, t_ns=at_ns, energy_j=energy_j, covered_ns=covered_ns))
    return readings


def utc_of(t_ns: int, wall_offset_ns: int) -> str:
    """Say when an instant of the run's monotonic clock was."""
    return datetime.fromtimestamp((t_ns + wall_offset_ns) / NS_PER_S, UTC).isoformat(timespec="seconds")


def with_wall(meters: Sequence[MeterFacts], wall: MeterFacts) -> list[MeterFacts]:
    """Return the meters with this external one beside them; one that was imported before is replaced."""
    return [*(meter for meter in meters if meter.channel != CHANNEL), wall]
