"""What a row of a data file expects of an answer: its columns as an `Item`, and what is wrong with them.

A field of another type than expected is named and left out, and the row is asked all the same.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from profiler.definitions.mistakes import show
from profiler.quality.checks import mistake_in
from profiler.quality.item import Item
from profiler.quality.words import primary_language
from profiler.workloads import items as workloads_items
from profiler.workloads.items import LANGUAGE, Data, listed


def expected(asked: workloads_items.Item) -> tuple[Item, dict[str, str]]:
    """Return what a row expects, and by column what is of another type there and was left out.

    The right answers are its references and, as right as these, those of the column `answers`.
    """
    reader = _Reader(asked.values)
    found = Item(
        id=asked.name,
        prompt=asked.text,
        references=list(dict.fromkeys([*asked.references, *(reader.take("answers", _texts) or [])])),
        language=asked.language and primary_language(asked.language),
        labels=reader.take("labels", _texts) or [],
        checks=reader.take("checks", _checks) or [],
        schema=reader.take("schema", _mapping),
        entry_point=reader.take("entry_point", _text),
        tests=reader.take("tests", _texts) or [],
        role=reader.take("role", _text),
        relevant=reader.take("relevant", _text),
    )
    if asked.language and not found.language:
        reader.wrong[LANGUAGE] = f"{asked.language!r}: expected a tag such as es or zh-Hant"
    if found.labels and found.references and found.references[0] not in found.labels:
        reader.wrong["labels"] = f"{found.references[0]!r} is none of them"
        found = msgspec.structs.replace(found, labels=[])  # no answer could choose the right one
    return found, reader.wrong


def expected_of(data: Data) -> tuple[list[Item], list[str]]:
    """Return what all rows expect, and sentences on those that hold something of another type."""
    read = [expected(asked) for asked in data.items]
    wrong: dict[str, list[tuple[str, str]]] = {}
    for item, columns in read:
        for column, seen in columns.items():
            wrong.setdefault(column, []).append((item.id, seen))
    notes = [
        f"{column!r} of {len(those)} of {len(read)} items cannot be used, and no score counts it: "
        f"{listed([f'{name} ({seen})' for name, seen in those])}."
        for column, those in wrong.items()
    ]
    return [item for item, _ in read], notes


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
