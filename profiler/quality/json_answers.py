"""Answers that are to be JSON."""

import json
from collections.abc import Mapping
from typing import Any

from profiler.quality.item import Answer, Item
from profiler.quality.scorer import POINTS, library, scorer


@scorer("Valid JSON", needs={"schema"}, source="RFC 8259", correct_from=POINTS, is_binary=True)
def json_valid(answer: Answer, item: Item) -> float:
    """100 where the whole answer is JSON, else 0; a fence of Markdown around it is a mistake."""
    try:
        _parse(answer.text)
    except ValueError:
        return 0.0
    return POINTS


@scorer(
    "JSON of the right schema",
    needs={"schema"},
    source="JSON Schema, draft 2020-12, by the library jsonschema",
    correct_from=POINTS,
    is_binary=True,
)
def json_schema(answer: Answer, item: Item) -> float:
    """100 where the whole answer is JSON that its item's schema allows, else 0."""
    return POINTS * is_valid(answer.text, item.schema or {})


def is_valid(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text is JSON that a schema allows. Raises `NotScoredError` without the library."""
    validator = library("jsonschema").Draft202012Validator(schema)
    try:
        return bool(validator.is_valid(_parse(text)))
    except (ValueError, RecursionError):
        return False


def _parse(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
