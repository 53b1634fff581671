"""What a row of a data file expects of an answer: its columns as an `Item`, and what is wrong with them.

A field of another type than expected is named and left out, and the row is asked all the same.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from profiler.definitions.mistakes import show
from profiler.quality.checks import mistake_in
from profiler.quality.item import Item


def expected(
    name: str, prompt: str, references: Sequence[str], values: Mapping[str, object]
) -> tuple[Item, dict[str, str]]:
    """Return the item of a row with these columns, and by column what is of another type there and was left out.

    `references` are those that are known; those of the column `answers` are as right.
    """
    reader = _Reader(values)
    found = Item(
        id=name,
        prompt=prompt,
        references=list(dict.fromkeys([*references, *(reader.take("answers", _texts) or [])])),
        language=reader.take("language", _text),
        labels=reader.take("labels", _texts) or [],
        checks=reader.take("checks", _checks) or [],
        schema=reader.take("schema", _mapping),
        entry_point=reader.take("entry_point", _text),
        tests=reader.take("tests", _texts) or [],
        role=reader.take("role", _text),
        relevant=reader.take("relevant", _text),
    )
    if found.labels and found.references and found.references[0] not in found.labels:
        reader.wrong["labels"] = f"{found.references[0]!r} is none of them"
    return found, reader.wrong


class _Reader:
    """Takes columns of one row."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self.wrong: dict[str, str] = {}

    def take(self, column: str, read: Callable[[object], Any]) -> Any:
        """Return what a column holds; None where it is blank or, which is noted, of another type."""
        value = _of_cell(self._values.get(column))
        if value is None or value in ("", [], {}):
            return None
        try:
            return read(value)
        except (TypeError, ValueError) as wrong:
            self.wrong[column] = str(wrong) or show(value)
            return None


def _of_cell(value: object) -> object:
    """Return the list or mapping that a text cell, as of a CSV file, holds as JSON; anything else as it is."""
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    if stripped[:1] + stripped[-1:] in {"[]", "{}"}:
        try:
            return json.loads(stripped)
        except (ValueError, RecursionError):
            return value
    return value if stripped else None


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    text = str(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("a broken Unicode escape")
    return text


def _texts(value: object) -> list[str]:
    listed: Sequence[object] = value if isinstance(value, list) else [value]
    return [_text(each) for each in listed]


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _checks(value: object) -> list[dict[str, Any]]:
    checks = [_mapping(each) for each in (value if isinstance(value, list) else [value])]
    wrong = next(filter(None, map(mistake_in, checks)), None)
    if wrong is not None:
        raise ValueError(wrong)
    return checks
