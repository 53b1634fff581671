"""What is asked of a model and what is expected of its answer: one row of a data file, and one response to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

Vector = Sequence[float]


class Item(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One line of `items.jsonl` of a run folder: a row of the data file, with all that a scorer may look at.

    The fields are the columns of `workloads/data/README.md`; one that a row does not have is empty.
    """

    id: str
    prompt: str = ""
    language: str | None = None  # ISO 639-1, of the prompt and of the answer that it expects
    references: list[str] = []  # right answers: the reference first, then others that are as right
    labels: list[str] = []  # of which one is right: the first reference
    checks: list[dict[str, Any]] = []  # kinds: `quality/checks.py`
    schema: dict[str, Any] | None = None  # JSON Schema of a right answer
    entry_point: str | None = None  # name of the function that is asked for
    tests: list[str] = []  # Python statements that a right function passes
    role: str | None = None  # passage or query
    relevant: str | None = None  # `id` of the passage that a query is about

    def has(self, name: str) -> bool:
        """Whether the row says anything under a field's name."""
        return bool(getattr(self, name))


@dataclass(frozen=True)
class Answer:
    """One response, whole: its text, or the vector of an embedding."""

    text: str = ""
    vector: Vector | None = None
    passages: Mapping[str, Vector] = field(default_factory=dict)  # by id: what a query is searched in
    passed: bool | None = None  # whether the tests of its item passed; None where its code was not run
    not_run: str = "code was not run: pass --run-code"  # why `passed` is None
