"""A run in the form of other tools."""

import io
import json
from collections.abc import Iterator, Sequence
from csv import writer
from pathlib import Path
from typing import Any, Literal

import msgspec

from profiler.csv_cells import harmless
from profiler.errors import RunFolderError, UsageError
from profiler.exchange import vllm_bench
from profiler.exchange.runs import Opened, Runs, open_run
from profiler.exchange.tables import TABLES, Row, Table, within_64_bits
from profiler.results.folder import RunFolder

TableName = Literal["requests", "metrics", "samples", "runs"]


def open_for_export(folder: Path) -> Opened:
    """Open a run that has a summary. Raises `RunFolderError`."""
    try:
        run = open_run(folder)
    except FileNotFoundError:
        RunFolder(folder).read_manifest()  # says what the folder is instead
        raise
    if run.summary is None:
        raise RunFolderError(f"{folder} has no summary.json. Make it first: aforo summarize {folder}")
    return run


def as_vllm(run: Opened, point: str | None) -> str:
    """Return vLLM's JSON: one object, or one a line where there are several loads.

    Raises `UsageError` where no load has this name, `RunFolderError`.
    """
    results = [each for each in vllm_bench.results(run) if point in {None, each["aforo_point"]}]
    if not results:
        names = ", ".join(str(each.point.name) for each in run.points())
        raise UsageError(f"--point {point} is no load of {run.folder}. Expected one of {names}.")
    indent = 2 if len(results) == 1 else None
    return "".join(json.dumps(each, indent=indent, ensure_ascii=False) + "\n" for each in results)


def rows_of(run: Opened, table: TableName, notes: list[str]) -> tuple[Table[Any], Iterator[Row]]:
    """Return a table and its rows of one run; what is left out gets a sentence in `notes`."""
    chosen = TABLES[table]
    return chosen, chosen.rows(Runs(opened=[run], notes=notes))


def as_jsonl(rows: Iterator[Row]) -> Iterator[str]:
    """Yield one JSON object a line."""
    encode = msgspec.json.Encoder().encode
    for row in rows:
        within_64_bits(row)
        yield encode(row).decode() + "\n"


def as_csv(table: Table[Any], rows: Iterator[Row]) -> Iterator[str]:
    """Yield a heading and one line per row; what is not there is an empty field, true, lists and maps are JSON."""
    names = [column.name for column in table.columns]
    yield _csv_line(names)
    for row in rows:
        yield _csv_line([_field(row[name]) for name in names])


def _csv_line(fields: Sequence[object]) -> str:
    line = io.StringIO()
    writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


def _field(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else harmless(value)
