"""The CSV file of a wall plug or a PDU: its times and its values, each with the line that it stands on.

Whatever a file holds, it is read or refused with a sentence.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from profiler.errors import UsageError
from profiler.units import J_PER_KWH, wh_to_j

_TIMES = ("timestamp", "time", "datetime", "date_time", "date")
_UNITS = {  # name of a column, without its case -> unit
    **dict.fromkeys(("power_w", "watts", "watt", "w", "power"), "W"),
    **dict.fromkeys(("energy_wh", "wh"), "Wh"),
    **dict.fromkeys(("energy_kwh", "kwh"), "kWh"),
    **dict.fromkeys(("energy_j", "joules", "j"), "J"),
}
J_PER = {"Wh": wh_to_j(1.0), "kWh": J_PER_KWH, "J": 1.0}
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_EPOCH = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_EPOCH_UNITS_PER_S = (  # the least number of each unit, and how many make a second: all of them are after 1973
    (1e17, 1e9),
    (1e14, 1e6),
    (1e11, 1e3),
    (0.0, 1.0),
)
_LATEST = datetime(2262, 1, 1, tzinfo=UTC)  # later ones do not fit 64 bits of nanoseconds
_MOST = 1e12  # of any unit: more is no machine's
_LONGEST_FIELD = 131_072  # characters
_MOST_BYTES = 256 * 2**20
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Rows:
    """The readings of a file: aware times that rise, and values in `unit` as they were written."""

    unit: str  # W, Wh, kWh or J
    times: list[datetime]
    values: list[float]
    written: list[str]


def read_rows(path: Path, zone: str | None) -> Rows:
    """Read a file; `zone` is that of times without one. Raises `UsageError`."""
    default_zone = _zone(zone) if zone else None
    table = _table(path)
    time_column, value_column, unit = _columns(path, next(table, (1, []))[1])
    rows = Rows(unit, [], [], [])
    for line, fields in table:
        rows.times.append(_time(_field(fields, time_column), default_zone, path, line))
        rows.written.append(_field(fields, value_column).strip())
        rows.values.append(_value(rows.written[-1], path, line))
        _check_order(rows, path, line)
    if len(rows.times) < 2:
        raise UsageError(f"{path}: {len(rows.times)} readings; expected at least two.")
    return rows


def _table(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty, with the number of its line."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a file. Pass the CSV file of the meter.")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path}: larger than {_MOST_BYTES >> 20} MiB. Cut it to the time of the run.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            csv.field_size_limit(_LONGEST_FIELD)  # of the whole process, where readers of prompts set a longer one
            table = csv.reader(file)
            try:
                yield from ((table.line_num, fields) for fields in table if fields)
            except csv.Error as error:
                raise UsageError(
                    f"{path}, line {table.line_num}: the row is not CSV ({error}); expected a time and a number. "
                    "Correct this line."
                ) from error
    except (OSError, UnicodeDecodeError, ValueError) as error:  # a name with a NUL is a ValueError
        raise UsageError(f"{_shown(str(path))} cannot be read: {error}") from error


def _columns(path: Path, names: Sequence[str]) -> tuple[int, int, str]:
    plain = [name.strip().lower() for name in names]
    times = [column for column, name in enumerate(plain) if name in _TIMES]
    values = [(column, _UNITS[name]) for column, name in enumerate(plain) if name in _UNITS]
    if len(times) != 1 or len(values) != 1:
        raise UsageError(
            f"{path}: its columns are {_shown(', '.join(names)) or 'none'}; expected one of times (timestamp) and one "
            "of values (watts, wh, kwh or joules). Rename the columns."
        )
    return times[0], *values[0]


def _field(fields: Sequence[str], column: int) -> str:
    return fields[column] if column < len(fields) else ""


def _time(text: str, zone: tzinfo | None, path: Path, line: int) -> datetime:
    text = text.strip()
    try:
        moment = _epoch(float(text)) if _EPOCH.fullmatch(text) else datetime.fromisoformat(text)
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        is_known = moment.tzinfo is None or 0 <= moment.timestamp() < _LATEST.timestamp()
    except (ValueError, OverflowError, OSError):
        is_known = False
    if not is_known:
        raise UsageError(
            f"{path}, line {line}: '{_shown(text)}' is no time; expected 2026-11-20T10:15:00+01:00, or seconds, ms, µs "
            "or ns since 1970, up to the year 2261."
        )
    if moment.tzinfo is None:
        raise UsageError(
            f"{path}, line {line}: '{_shown(text)}' has no time zone. Pass --timezone, such as Europe/Berlin or UTC."
        )
    return moment


def _epoch(count: float) -> datetime:
    """Read a time since 1970, in s, ms, µs or ns by its size."""
    per_s = next(per_s for least, per_s in _EPOCH_UNITS_PER_S if count >= least)
    return datetime.fromtimestamp(count / per_s, UTC)


def _zone(name: str) -> tzinfo:
    try:
        if offset := _OFFSET.fullmatch(name):
            sign, hours, minutes = offset.groups()
            return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))
        return UTC if name.upper() in {"UTC", "Z"} else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"--timezone {_shown(name)}: expected UTC, +01:00 or a name like Europe/Berlin.") from error


def _value(text: str, path: Path, line: int) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{path}, line {line}: '{_shown(text)}' is no number.") from error
    if not 0 <= value <= _MOST:
        raise UsageError(f"{path}, line {line}: {value:g}; expected 0 or more, up to {_MOST:g}.")
    return value


def _check_order(rows: Rows, path: Path, line: int) -> None:
    """Look at the last two rows."""
    for before, after in pairwise(rows.times[-2:]):
        if after <= before:
            raise UsageError(f"{path}, line {line}: {after.isoformat()} is not after the line before it.")
    for less, more in pairwise(rows.values[-2:]):
        if rows.unit != "W" and more < less:
            raise UsageError(
                f"{path}, line {line}: the counter fell from {less:g} to {more:g} {rows.unit}: it was reset. "
                "Cut the file there."
            )


def _shown(text: str) -> str:
    """Return the beginning of what a file says, fit for a terminal."""
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in cut)
