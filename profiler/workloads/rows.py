"""Prompts from the rows of a data file: JSON Lines, JSON, CSV or plain text, by the end of its name.

A row of JSON holds its prompt under the workload's `column`, or is a conversation, whose first message of the user is
taken: ShareGPT's `conversations` (`from`, `value`) or `messages` of chat APIs (`role`, `content`).
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple, TextIO

from profiler.definitions.mistakes import show
from profiler.errors import WorkloadError
from profiler.files import reading
from profiler.workloads.schema import DataPrompts

_CONVERSATIONS = ("conversations", "conversation", "messages")
_USERS = {"human", "user"}
_NAMED = 5  # of the rows that are left out
LARGEST_FILE_BYTES = 256 * 1024 * 1024


Rows = Iterator[tuple[int, str | None, Mapping[str, object]]]
"""Number of each row, its prompt, where it has one that is not blank, and its other columns."""


class Row(NamedTuple):
    """A row that holds a prompt."""

    prompt: str
    item: str  # what it is called: its number, unless a column says
    reference: str | None  # what a right response says, where a column says that


class Data(NamedTuple):
    """The rows of a data file in their order, and what is to be said of them."""

    rows: list[Row]
    notes: list[str]


def read(prompts: DataPrompts, folder: Path) -> Data:
    """Return every prompt of a data file that lies in `folder`; rows whose prompt is blank are left out, and named.

    Raises WorkloadError with file and line where the file is missing, empty or malformed.
    """
    path = folder / check_beside(prompts.file)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise WorkloadError(f"The data file {path} ends in {path.suffix!r}; expected {', '.join(_READERS)}.")
    try:
        _check_file(path)
        found = list(reader(path, prompts.column))
        rows = [_row(path, prompts, number, text, values) for number, text, values in found if text is not None]
    except UnicodeDecodeError:
        raise WorkloadError(f"The data file {path} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise WorkloadError(f"The data file {path} cannot be read: {error.strerror}.") from error
    if not rows:
        raise WorkloadError(f"The data file {path} holds no prompts. Expected at least one row.")
    return Data(rows, _notes(path, [number for number, text, _ in found if text is None], len(found)))


def _row(path: Path, prompts: DataPrompts, number: int, text: str, values: Mapping[str, object]) -> Row:
    item = str(number) if prompts.id_column is None else _field(path, number, values, prompts.id_column)
    reference = None if prompts.reference_column is None else _field(path, number, values, prompts.reference_column)
    return Row(text, item, reference)


def _field(path: Path, number: int, values: Mapping[str, object], column: str) -> str:
    """Return what a column says of a row, as text. Raises WorkloadError where it says nothing."""
    value = values.get(column)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise row_error(path, number, f"holds {show(value)} under {column!r}", "a text or a number")
    return str(value)


def _notes(path: Path, blank: list[int], rows: int) -> list[str]:
    if not blank:
        return []
    named = ", ".join(map(str, blank[:_NAMED])) + (", …" if len(blank) > _NAMED else "")
    return [f"{len(blank)} of the {rows} rows of {path.name} were left out: they hold no prompt (row {named})."]


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


def _jsonl(path: Path, column: str) -> Rows:
    for number, line in lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise row_error(path, number, "is not a JSON object", f'{{"{column}": "…"}}') from None
        yield number, _of_object(path, number, row, column), row


def _json(path: Path, column: str) -> Rows:
    with text_of(path) as file:
        try:
            found = json.load(file)
        except UnicodeDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise WorkloadError(f"The data file {path} is not JSON ({error}). Expected a list of objects.") from None
    if not isinstance(found, list):
        raise WorkloadError(f"The data file {path} holds {show(found)}. Expected a list of objects.")
    for number, row in enumerate(found, start=1):
        yield number, _of_object(path, number, row, column), row


def _of_object(path: Path, number: int, row: object, column: str) -> str | None:
    if not isinstance(row, dict):
        raise row_error(path, number, f"is {show(row)}", f'{{"{column}": "…"}}')
    if column in row:
        return _prompt(path, number, row[column])
    for key in _CONVERSATIONS:
        if isinstance(row.get(key), list):
            return _prompt(path, number, _first_of_user(row[key]))
    found = ", ".join(repr(key) for key in row) or "none"
    raise row_error(path, number, f"has the keys {found}", f"the key {column!r}")


def _first_of_user(messages: list[object]) -> object:
    """Return what the user says first in a conversation, and before it nobody is answered; None where nobody asks."""
    for message in messages:
        if isinstance(message, dict) and str(message.get("from", message.get("role"))) in _USERS:
            said = message.get("value", message.get("content"))
            parts = said if isinstance(said, list) else []
            texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
            return "\n".join(texts) if parts else said
    return None


def _csv(path: Path, column: str) -> Rows:
    with text_of(path) as file:
        reader = csv.DictReader(file, strict=True)
        try:
            columns = reader.fieldnames or []
            if column not in columns:
                found = ", ".join(map(repr, columns)) or "none"
                raise row_error(path, 1, f"has the columns {found}", f"the column {column!r}")
            for row in reader:
                yield reader.line_num, _prompt(path, reader.line_num, row[column]), row
        except csv.Error as error:
            raise row_error(path, reader.line_num, f"is not CSV ({error})", "a quoted row") from None


def _txt(path: Path, _column: str) -> Rows:
    for number, line in lines(path):
        yield number, _prompt(path, number, line), {}


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end), leaving out blank lines. Raises `OSError`."""
    with text_of(path, newline=None) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.rstrip("\n")


def text_of(path: Path, newline: str | None = "") -> TextIO:
    """Open a text of rows, whose fields may be as long as the file. Raises `OSError`."""
    csv.field_size_limit(LARGEST_FILE_BYTES)  # of the whole process; Python's own is 131,072
    return TextIOWrapper(reading(path), encoding="utf-8-sig", newline=newline)


def _prompt(path: Path, number: int, value: object) -> str | None:
    """Return the prompt; None where it is blank. Raises WorkloadError for what is no text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise row_error(path, number, f"holds {show(value)} as its prompt", "a text that is not blank")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise row_error(path, number, "holds a broken Unicode escape", "whole characters")
    return value


def row_error(path: Path, number: int, seen: str, expected: str) -> WorkloadError:
    """Return the error that names file and line, what is there and what should be."""
    return WorkloadError(f"{path}:{number}: the row {seen}; expected {expected}. Correct this line.")


_READERS: dict[str, Callable[[Path, str], Rows]] = {".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".txt": _txt}
