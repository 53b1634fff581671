"""The CSV file of a wall plug or a PDU: its times and its values, each with the line that it stands on.

Whatever a file holds, it is read or refused with a sentence. Cells are parted as the first line tells: where commas do
not part them, they may stand for the decimal point.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TextIO

from profiler.csv_cells import delimiter_of
from profiler.energy.wall_times import is_after, moment_of, shown, zone_of
from profiler.errors import UsageError
from profiler.files import encoding_of
from profiler.units import J_PER_KWH, wh_to_j

_TIMES = ("timestamp", "time", "datetime", "date_time", "date")
_DATE_AND_TIME = ("date", "time")
_UNITS = {  # name of a column, without its case -> unit
    **dict.fromkeys(("power_w", "watts", "watt", "w", "power"), "W"),
    **dict.fromkeys(("energy_wh", "wh"), "Wh"),
    **dict.fromkeys(("energy_kwh", "kwh"), "kWh"),
    **dict.fromkeys(("energy_j", "joules", "j"), "J"),
}
_WITH_UNIT = re.compile(r".+[(\[] ?(W|Wh|kWh|J) ?[)\]]", re.IGNORECASE)
J_PER = {"Wh": wh_to_j(1.0), "kWh": J_PER_KWH, "J": 1.0}
_NO_VALUE = {"", "nan", "null", "none", "n/a", "unavailable", "unknown"}
"""What stands where the meter did not answer: of Home Assistant, InfluxDB, spreadsheets."""
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_THOUSAND = 3  # digits of a group
_MOST = 1e12  # of any unit: more is no machine's
_LONGEST_FIELD = 131_072  # characters
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Rows:
    """The readings of a file: aware times that rise, and values in `unit` as they were written."""

    unit: str  # W, Wh, kWh or J
    times: list[datetime]
    values: list[float]
    written: list[str]
    without_value: int = 0  # rows in which the meter had not answered


class _Row(NamedTuple):
    """A line that is not empty; `is_comma_free`: no comma parts its cells."""

    line: int
    fields: list[str]
    is_comma_free: bool


class _Reading(NamedTuple):
    """A row with a value."""

    line: int
    time: datetime
    value: float
    written: str


@dataclass(frozen=True)
class _Columns:
    """Where the times and the values are, of how many."""

    times: tuple[int, ...]  # two where date and time stand apart
    value: int
    unit: str
    names: int


def read_rows(path: Path, zone: str | None) -> Rows:
    """Read a file; `zone` is that of times without one. Rows may stand in either order. Raises `UsageError`."""
    default_zone = zone_of(zone) if zone else None
    table = _table(path)
    first = next(table, _Row(1, [], is_comma_free=False))
    columns = _columns(path, first.fields)
    found, without_value = list[_Reading](), 0
    for line, fields, is_comma_free in table:
        if any(map(str.strip, fields[columns.names :])):
            raise _too_many_cells(path, line, fields, columns.names)
        written = _field(fields, columns.value)
        if len(fields) > columns.value and written.lower() in _NO_VALUE:
            without_value += 1
            continue
        time = _time(" ".join(_field(fields, each) for each in columns.times), default_zone, path, line, found)
        found.append(_Reading(line, time, _value(written, path, line, is_comma_free=is_comma_free), written))
    _check_marks(found, path)
    kept = _in_order(found, path, columns.unit)
    if len(kept) < 2:
        raise UsageError(f"{path}: {len(kept)} readings; expected at least two at different times.")
    return Rows(
        columns.unit,
        [each.time for each in kept],
        [each.value for each in kept],
        [each.written.replace(",", ".") for each in kept],
        without_value,
    )


def _table(path: Path) -> Iterator[_Row]:
    """Yield each row that is not empty."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a file. Pass the CSV file of the meter.")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path}: larger than {_MOST_BYTES >> 20} MiB. Cut it to the time of the run.")
        with path.open("rb") as file:
            encoding = encoding_of(file.read(2))
        with path.open(encoding=encoding, newline="") as text:
            yield from _rows(path, text)
    except UnicodeError as error:  # of UTF-16 it is no UnicodeDecodeError
        raise UsageError(f"{path} is not UTF-8 text ({error}). Save it as CSV in UTF-8.") from error
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise UsageError(f"{shown(str(path))} cannot be read: {error}") from error


def _rows(path: Path, file: TextIO) -> Iterator[_Row]:
    csv.field_size_limit(_LONGEST_FIELD)  # of the whole process, where readers of prompts set a longer one
    delimiter = delimiter_of(file.readline())
    file.seek(0)
    table = csv.reader(file, delimiter=delimiter)
    try:
        yield from (_Row(table.line_num, fields, delimiter != ",") for fields in table if fields)
    except csv.Error as error:
        raise UsageError(
            f"{path}, line {table.line_num}: the row is not CSV ({error}); expected a time and a number. "
            "Correct this line."
        ) from error


def _columns(path: Path, names: Sequence[str]) -> _Columns:
    plain = [name.strip().lower() for name in names]
    times = tuple(column for column, name in enumerate(plain) if name in _TIMES)
    if sorted(plain[column] for column in times) == sorted(_DATE_AND_TIME):
        times = tuple(plain.index(name) for name in _DATE_AND_TIME)
    elif len(times) > 1:
        raise _choose(path, "times", [names[column] for column in times])
    values = [(column, unit) for column, name in enumerate(plain) if (unit := _unit(name)) is not None]
    if len(values) > 1:
        raise _choose(path, "values", [names[column] for column, _ in values])
    if not times or not values:
        raise UsageError(
            f"{path}: its columns are {shown(', '.join(names)) or 'none'}; expected one of times (timestamp) and one "
            "of values (watts, wh, kwh or joules). Rename the columns."
        )
    return _Columns(times, *values[0], len(names))


def _unit(name: str) -> str | None:
    """Return the unit of a column by its name: `watts`, or any name with the unit behind it, `Power (W)`."""
    stated = _WITH_UNIT.fullmatch(name)
    return _UNITS.get(stated[1] if stated else name)


def _choose(path: Path, of: str, names: Sequence[str]) -> UsageError:
    seen = shown(", ".join(name.strip() for name in names))
    return UsageError(f"{path}: its columns {seen} all hold {of}; expected one such column. Leave out the others.")


def _too_many_cells(path: Path, line: int, fields: Sequence[str], names: int) -> UsageError:
    return UsageError(
        f"{path}, line {line}: '{shown(','.join(fields))}' has {len(fields)} values, and the first line names {names} "
        "columns. If a comma stands for the decimal point, part the columns by semicolons."
    )


def _field(fields: Sequence[str], column: int) -> str:
    return fields[column].strip() if column < len(fields) else ""


def _time(text: str, zone: tzinfo | None, path: Path, line: int, before: Sequence[_Reading]) -> datetime:
    moment = moment_of(text, zone, before[-1].time if before else None)
    if moment is None:
        raise UsageError(
            f"{path}, line {line}: '{shown(text)}' is no time; expected 2026-11-20T10:15:00+01:00, or seconds, ms, µs "
            "or ns since 1970, up to the year 2261."
        )
    if moment.tzinfo is None:
        raise UsageError(
            f"{path}, line {line}: '{shown(text)}' has no time zone. Pass --timezone, such as Europe/Berlin or UTC."
        )
    return moment


def _value(text: str, path: Path, line: int, *, is_comma_free: bool) -> float:
    try:
        value = float(text.replace(",", ".") if is_comma_free or _is_decimal_comma(text) else text)
    except ValueError as error:
        raise UsageError(f"{path}, line {line}: '{shown(text)}' is no number.") from error
    if not 0 <= value <= _MOST:
        raise UsageError(f"{path}, line {line}: {value:g}; expected 0 or more, up to {_MOST:g}.")
    return value


def _is_decimal_comma(text: str) -> bool:
    """Whether a comma can only be the decimal point: three digits behind it may be thousands."""
    return bool(_DECIMAL_COMMA.fullmatch(text)) and len(text.partition(",")[2]) != _THOUSAND


def _check_marks(found: Sequence[_Reading], path: Path) -> None:
    """Refuse a file in which both points and commas stand in values: one of them may part thousands."""
    by_mark = {mark: next((each for each in found if mark in each.written), None) for mark in ".,"}
    point, comma = by_mark["."], by_mark[","]
    if point is not None and comma is not None:
        raise UsageError(
            f"{path}, line {max(point.line, comma.line)}: its values have decimal points as well as commas "
            f"('{shown(point.written)}', '{shown(comma.written)}'). Write them all with a point."
        )


def _in_order(found: list[_Reading], path: Path, unit: str) -> list[_Reading]:
    """Return readings by time, those that stand there twice once; some files begin with the newest."""
    ordered = found[::-1] if found and is_after(found[0].time, found[-1].time) else found
    kept = ordered[:1]
    for before, after in pairwise(ordered):
        if after.time.astimezone(UTC) == before.time.astimezone(UTC) and after.value == before.value:
            continue
        if not is_after(after.time, before.time):
            raise UsageError(f"{path}, line {after.line}: {after.time.isoformat()} is not after the line before it.")
        if unit != "W" and after.value < before.value:
            raise UsageError(
                f"{path}, line {after.line}: the counter fell from {before.value:g} to {after.value:g} {unit}: it was "
                "reset. Cut the file there."
            )
        kept.append(after)
    return kept
