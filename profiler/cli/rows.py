"""Printing rows: as a table, as JSON or as CSV."""

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from profiler.cli import output
from profiler.cli.output import print_json
from profiler.csv_cells import harmless
from profiler.errors import UsageError

Form = Literal["table", "json", "csv"]
_MOST_ROWS = 1000  # of a table for people
_MOST_CELLS, _FEWEST_ROWS = 6000, 20  # laying out a table takes a tenth of a millisecond a cell, and is no reading
_WIDEST = 48  # characters of a column; longer texts go on below


def form(*, as_json: bool, as_csv: bool) -> Form:
    """Return what was asked for. Raises `UsageError` where both were."""
    if as_json and as_csv:
        raise UsageError("--json and --csv were both given. Pass one of them.")
    return "json" if as_json else "csv" if as_csv else "table"


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], wanted: Form) -> None:
    """Print rows to standard output; names of columns must differ for JSON to hold them all."""
    if wanted == "json":
        print_json([_named(columns, row) for row in rows], default=str)
    elif wanted == "csv":
        write_csv(columns, rows, sys.stdout)
    else:
        _print_table(columns, rows)


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]], file: Any) -> None:
    """Write a heading and rows; what is not there is an empty field."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(harmless, columns))
    writer.writerows([_field(value) for value in row] for row in rows)


def printable(value: object) -> str:
    """Text without what could move the cursor or change colours of a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value))


def _field(value: object) -> object:
    is_json = isinstance(value, list | dict | bool)
    return json.dumps(_plain(value), ensure_ascii=False, default=str) if is_json else harmless(value)


def _named(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in zip(columns, row, strict=True)}


def _plain(value: Any) -> Any:
    """JSON knows no NaN and no infinity, and no keys but texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return value


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    for number, name in enumerate(columns):
        is_number = any(isinstance(row[number], int | float) for row in rows)
        side: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(Text(printable(name)), justify=side, overflow="fold", max_width=_WIDEST)
    most = min(_MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // max(1, len(columns))))
    for row in rows[:most]:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = output.console()
    # A table that is too wide is printed as wide as it is: a number cut short would be another number.
    needed = Measurement.get(console, console.options.update(max_width=sys.maxsize), table).maximum
    output.console(width=max(console.width, needed)).print(table)
    if len(rows) > most:
        print(f"The first {most:,} of {len(rows):,} rows; --csv and --json print all.")


def _cell(value: object) -> str:
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(value)
