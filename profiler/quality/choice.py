"""Which scorers a set of items is scored by, and what makes an answer right."""

from collections.abc import Collection, Sequence
from statistics import median
from typing import NamedTuple

from profiler.quality.catalogue import SCORERS
from profiler.quality.item import Item
from profiler.quality.scorer import Scorer
from profiler.quality.words import tokens

_SHORT = 5  # words of a reference that is a short answer
_BY_FIELD = {  # what items with such a field are scored by, the first that any item has
    "relevant": ("retrieval_accuracy",),
    "tests": ("pass_at_1",),
    "checks": ("checks_met",),
    "labels": ("choice_accuracy", "macro_f1"),
    "schema": ("json_schema", "json_valid"),
}
_SHORT_ANSWERS = ("exact_match", "token_f1", "contains")
_TEXTS = ("chrf", "rougeL")


class Rule(NamedTuple):
    """What makes an answer right: at least so many points of a scorer."""

    scorer: str
    at_least: float

    def __str__(self) -> str:
        """Say it as a sentence has it."""
        return f"{self.scorer} of at least {self.at_least:g}"


class Misfit(NamedTuple):
    """A scorer, by its place in the list, that cannot score such items, and why."""

    place: int
    sentence: str


def scorers_for(stated: Sequence[str] | None, items: Collection[Item]) -> list[Scorer]:
    """Return the scorers that a workload states, or those that suit the fields of its items."""
    return [SCORERS[name] for name in (_by_default(items) if stated is None else stated)]


def rule_for(scorers: Sequence[Scorer], stated: Rule | None) -> Rule | None:
    """Return what makes an answer right: as stated, or by the first scorer that tells right from wrong."""
    found = (Rule(scorer.id, scorer.correct_from) for scorer in scorers if scorer.correct_from is not None)
    return stated or next(found, None)


def misfits(stated: Sequence[str], items: Collection[Item]) -> list[Misfit]:
    """Return the scorers that no item has the fields for."""
    known = [name for name in SCORERS if any(SCORERS[name].fits(item) for item in items)]
    return [
        Misfit(
            place,
            f"the scorer {name!r} needs {_needs(name)} in the rows, which none has that can be used. {_offer(known)}",
        )
        for place, name in enumerate(stated)
        if name not in known
    ]


def _needs(name: str) -> str:
    return " and ".join(repr(field) for field in sorted(SCORERS[name].needs))


def _offer(known: Sequence[str]) -> str:
    return f"What fits them: {', '.join(known)}." if known else "Leave 'scorers' out, or add the column to the data."


def _by_default(items: Collection[Item]) -> tuple[str, ...]:
    for field, names in _BY_FIELD.items():
        if any(SCORERS[names[0]].fits(item) for item in items if item.has(field)):
            return names
    lengths = [len(tokens(reference)) for item in items for reference in item.references]
    if not lengths:
        return ()
    return _SHORT_ANSWERS if median(lengths) <= _SHORT else _TEXTS
