"""Prompts from the rows of a data file: JSON Lines, CSV or plain text, by the end of its name."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from profiler.errors import WorkloadError
from profiler.workloads.mistakes import show
from profiler.workloads.schema import DataPrompts

LARGEST_FILE_BYTES = 256 * 1024 * 1024


def read(prompts: DataPrompts, folder: Path) -> list[str]:
    """Return every prompt of a data file that lies in `folder`, in its order; blank lines are left out.

    Raises WorkloadError with file and line where the file is missing, empty or malformed.
    """
    path = folder / check_beside(prompts.file)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise WorkloadError(f"The data file {path} ends in {path.suffix!r}; expected {', '.join(_READERS)}.")
    try:
        _check_file(path)
        rows = list(reader(path, prompts.column))
    except UnicodeDecodeError:
        raise WorkloadError(f"The data file {path} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise WorkloadError(f"The data file {path} cannot be read: {error.strerror}.") from error
    if not rows:
        raise WorkloadError(f"The data file {path} holds no prompts. Expected at least one row.")
    return rows


def check_beside(name: str) -> Path:
    """Return the path of a data file relative to its definition. Raises WorkloadError where it lies elsewhere."""
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts or "\0" in name:
        raise WorkloadError(
            f"The data file {name!r} lies outside the folder of its workload. "
            "Expected a relative path without '..'; put the file beside the definition."
        )
    return relative


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise WorkloadError(f"The data file {path} does not exist. Expected it beside the workload definition.")
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise WorkloadError(f"The data file {path} has more than {LARGEST_FILE_BYTES} bytes. Use fewer rows.")


def _jsonl(path: Path, column: str) -> Iterator[str]:
    for number, line in lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise row_error(path, number, "is not a JSON object", f'{{"{column}": "…"}}') from None
        if not isinstance(row, dict):
            raise row_error(path, number, f"is {show(row)}", f'{{"{column}": "…"}}')
        if column not in row:
            found = ", ".join(repr(key) for key in row) or "none"
            raise row_error(path, number, f"has the keys {found}", f"the key {column!r}")
        yield _prompt(path, number, row[column])


def _csv(path: Path, column: str) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            columns = reader.fieldnames or []
            if column not in columns:
                found = ", ".join(map(repr, columns)) or "none"
                raise row_error(path, 1, f"has the columns {found}", f"the column {column!r}")
            for row in reader:
                yield _prompt(path, reader.line_num, row[column])
        except csv.Error as error:
            raise row_error(path, reader.line_num, f"is not CSV ({error})", "a quoted row") from None


def _txt(path: Path, _column: str) -> Iterator[str]:
    for number, line in lines(path):
        yield _prompt(path, number, line)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end), leaving out blank lines."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.rstrip("\n")


def _prompt(path: Path, number: int, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise row_error(path, number, f"holds {show(value)} as its prompt", "a text that is not blank")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise row_error(path, number, "holds a broken Unicode escape", "whole characters")
    return value


def row_error(path: Path, number: int, seen: str, expected: str) -> WorkloadError:
    """Return the error that names file and line, what is there and what should be."""
    return WorkloadError(f"{path}:{number}: the row {seen}; expected {expected}. Correct this line.")


_READERS: dict[str, Callable[[Path, str], Iterator[str]]] = {".jsonl": _jsonl, ".csv": _csv, ".txt": _txt}
