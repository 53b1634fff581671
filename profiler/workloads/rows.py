"""The rows of a data file: JSON Lines, JSON, CSV (also parted by tabs) or plain text, by the end of its name.

What a row holds is read in `items.py`.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple, TextIO

from profiler.csv_cells import delimiter_of
from profiler.definitions.mistakes import show
from profiler.errors import WorkloadError
from profiler.files import encoding_of, reading
from profiler.number_format import count

LARGEST_FILE_BYTES = 256 * 1024 * 1024


class Row(NamedTuple):
    """One row: where it stands in its file, from 1, and its values by key or column; none where it is empty."""

    number: int
    values: Mapping[str, object]


Rows = Iterator[Row]


def read(path: Path, text_key: str) -> list[Row]:
    """Return every row of a data file; `text_key` is what the lines of a plain text are called.

    Raises WorkloadError with file and line where the file is missing or malformed.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise WorkloadError(f"The data file {path} ends in {path.suffix!r}; expected {', '.join(_READERS)}.")
    try:
        _check_file(path)
        return list(reader(path, text_key))
    except UnicodeError:  # of UTF-16 it is no UnicodeDecodeError
        raise WorkloadError(f"The data file {path} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise WorkloadError(f"The data file {path} cannot be read: {error.strerror}.") from error


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


def _jsonl(path: Path, text_key: str) -> Rows:
    for number, line in lines(path):
        try:
            row = _parsed(line)
        except (ValueError, RecursionError):
            raise row_error(path, number, "is not a JSON object", f'{{"{text_key}": "…"}}') from None
        yield _of_object(path, number, row, text_key)


def _parsed(text: str) -> object:
    """Return a JSON value; numbers that JSON does not know, as pandas and Python write them, are null."""
    return json.loads(text, parse_constant=lambda _: None)


def _is_lines(path: Path) -> bool:
    """Whether the first line is an object by itself: `to_json` of Hugging Face writes JSON Lines, whatever the name."""
    _, line = next(lines(path), (1, ""))
    try:
        return isinstance(_parsed(line), dict)
    except (ValueError, RecursionError):
        return False


def _json(path: Path, text_key: str) -> Rows:
    with text_of(path) as file:
        try:
            found = _parsed(file.read())
        except UnicodeError:
            raise
        except (ValueError, RecursionError) as error:
            if _is_lines(path):
                yield from _jsonl(path, text_key)
                return
            raise WorkloadError(f"The data file {path} is not JSON ({error}). Expected a list of objects.") from None
    if not isinstance(found, list):
        raise WorkloadError(f"The data file {path} holds {show(found)}. Expected a list of objects.")
    for number, row in enumerate(found, start=1):
        yield _of_object(path, number, row, text_key)


def _of_object(path: Path, number: int, row: object, text_key: str) -> Row:
    if row is None:
        return Row(number, {})
    if not isinstance(row, dict):
        raise row_error(path, number, f"is {show(row)}", f'{{"{text_key}": "…"}}')
    body = row.get("body")
    if "custom_id" in row and isinstance(body, dict):  # a line of a batch for OpenAI's API: the request is inside it
        return Row(number, {**row, **body})
    return Row(number, row)


def _csv(path: Path, text_key: str) -> Rows:
    """Yield the rows under the columns that the first line names; the delimiter is told by that line."""
    with text_of(path) as file:
        header = file.readline()
        file.seek(0)
        delimiter = delimiter_of(header)
        is_spaced = f"{delimiter} " in header
        reader = csv.DictReader(file, delimiter=delimiter, strict=True, skipinitialspace=is_spaced)
        try:
            columns = reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
            _check_columns(path, columns, text_key)
            for row in reader:
                if any(map(str.strip, beyond := row.get(None) or ())):
                    cells, named = count(len(columns) + len(beyond), "cell"), count(len(columns), "column")
                    seen = f"has {cells}, and the first line names {named}"
                    raise row_error(path, reader.line_num, seen, 'quotes around a cell with a delimiter: "Well, yes"')
                yield Row(reader.line_num, {key: value for key, value in row.items() if isinstance(key, str)})
        except csv.Error as error:
            raise row_error(path, reader.line_num, f"is not CSV ({error})", "a quoted row") from None


def _check_columns(path: Path, columns: Sequence[str], text_key: str) -> None:
    """Raise WorkloadError where there is no column, or one of two that nobody could tell apart."""
    if not columns:
        raise row_error(path, 1, "has the columns none", f"the column {text_key!r}")
    twice = next((name for name in columns if name.strip() and columns.count(name) > 1), None)
    if twice is not None:
        raise row_error(path, 1, f"names the column {twice!r} twice", "each column once")


def _txt(path: Path, text_key: str) -> Rows:
    for number, line in lines(path):
        yield Row(number, {text_key: line})


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end), leaving out blank lines. Raises `OSError`."""
    with text_of(path, newline=None) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.rstrip("\n")


def text_of(path: Path, newline: str | None = "") -> TextIO:
    """Open a text of rows, whose fields may be as long as the file. Raises `OSError`."""
    csv.field_size_limit(LARGEST_FILE_BYTES)  # of the whole process; Python's own is 131,072
    with reading(path) as file:
        encoding = encoding_of(file.read(2))
    return TextIOWrapper(reading(path), encoding=encoding, newline=newline)


def row_error(path: Path, number: int, seen: str, expected: str) -> WorkloadError:
    """Return the error that names file and line, what is there and what should be."""
    return WorkloadError(f"{path}:{number}: the row {seen}; expected {expected}. Correct this line.")


_READERS: dict[str, Callable[[Path, str], Rows]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _txt,
}
