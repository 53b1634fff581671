"""Answers that are to be JSON."""

import json
from collections.abc import Mapping
from typing import Any

from profiler.quality.item import Answer, Item
from profiler.quality.scorer import POINTS, NotScoredError, library, scorer


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
    """Whether a text is JSON that a schema allows; references of the schema to other places are never fetched.

    Raises `NotScoredError` without the library, and for what is no schema.
    """
    jsonschema, referencing = library("jsonschema"), library("referencing")
    validator = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
    try:
        validator.check_schema(schema)
        return bool(validator.is_valid(_parse(text)))
    except (ValueError, RecursionError, ArithmeticError):  # a number that no float holds
        return False
    except jsonschema.SchemaError as error:
        raise NotScoredError(f"its schema is no JSON Schema: {error.message}") from None
    except referencing.exceptions.Unresolvable as error:
        raise NotScoredError(f"its schema refers to {error.ref!r}, which is not in it") from None


def _parse(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
