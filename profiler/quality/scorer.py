"""The registry of scorers: each is declared once, by a decorated function whose docstring is its definition.

A scorer takes an `Answer` and its `Item` and returns points, 0 (nothing right) to 100 (as expected), or raises
`NotScoredError` with the reason. `scorer` declares one whose score of many answers is their mean; `corpus_scorer` one
that counts something in each answer and makes a single score of all counts added up, as BLEU does.

    @scorer("Exact match", needs={"references"}, source="SQuAD, Rajpurkar et al. 2016", correct_from=100)
    def exact_match(answer: Answer, item: Item) -> float: ...

The function's name is the scorer's id, the metric's is `quality_` and the id. Pure: the same answer and item always
give the same number. A library is imported inside the function, through `library`, so that the base install needs none.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from profiler.quality.item import Answer, Item

Field = Literal["references", "labels", "checks", "schema", "tests", "relevant", "language"]
Counts = Mapping[str, float]
"""What a corpus scorer counts in an answer, by a name of its own; counts of several answers are added up."""
POINTS = 100.0


class NotScoredError(Exception):
    """This answer has no score here; the message is the reason."""


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """What is declared of a scorer.

    `needs` are fields of an item without which it says nothing. `correct_from` is the score from which on an answer is
    right, None where its points do not tell right from wrong. `is_binary`: it gives 0 or 100 and nothing between.
    `total` makes one score of the counts of many answers; None: their mean. `signature` names library, version and
    settings for these items, for those who compare with other tools; it raises `NotScoredError` without the library.
    """

    id: str
    label: str
    definition: str
    source: str
    needs: frozenset[Field]
    score: Callable[[Answer, Item], float]
    of: Literal["text", "vector"] = "text"
    correct_from: float | None = None
    is_binary: bool = False
    counts: Callable[[Answer, Item], Counts] | None = None
    total: Callable[[Counts], float] | None = None
    signature: Callable[[Collection[Item]], str] | None = None

    def count(self, answer: Answer, item: Item, score: float) -> Counts:
        """Return what is added up over answers: its counts, or score and number, of which the mean is made."""
        return self.counts(answer, item) if self.counts else {"points": score, "answers": 1}

    def of_all(self, counts: Counts) -> float:
        """Return the score of several answers, whose counts are added up."""
        return self.total(counts) if self.total else counts["points"] / counts["answers"]

    def fits(self, item: Item) -> bool:
        """Whether the item says all that it needs."""
        return all(item.has(name) for name in self.needs)


_registry: dict[str, Scorer] = {}
_Score = Callable[[Answer, Item], float]


def scorer(
    label: str,
    *,
    needs: Collection[Field],
    source: str,
    of: Literal["text", "vector"] = "text",
    correct_from: float | None = None,
    is_binary: bool = False,
    signature: Callable[[Collection[Item]], str] | None = None,
) -> Callable[[_Score], _Score]:
    """Declare a scorer whose score of many answers is their mean; its id is the function's name."""

    def declare(function: _Score) -> _Score:
        _add(
            Scorer(
                **_named(function, label),
                needs=frozenset(needs),
                source=source,
                of=of,
                correct_from=correct_from,
                is_binary=is_binary,
                signature=signature,
                score=function,
            )
        )
        return function

    return declare


def corpus_scorer(
    label: str,
    *,
    needs: Collection[Field],
    source: str,
    counts: Callable[[Answer, Item], Counts],
    total: Callable[[Counts], float],
    signature: Callable[[Collection[Item]], str] | None = None,
) -> Callable[[_Score], _Score]:
    """Declare a scorer with one score of all answers together; the function decorated is its score of a single one."""

    def declare(function: _Score) -> _Score:
        _add(
            Scorer(
                **_named(function, label),
                needs=frozenset(needs),
                source=source,
                score=function,
                counts=counts,
                total=total,
                signature=signature,
            )
        )
        return function

    return declare


def declared() -> Mapping[str, Scorer]:
    """Return what has been declared so far; `catalogue.SCORERS` is all of it, in order."""
    return _registry


def library(name: str) -> Any:
    """Return an optional library. Raises `NotScoredError`, with what to install."""
    try:
        return import_module(name)
    except ImportError:
        raise NotScoredError(f"{name.partition('.')[0]} is not installed: pip install 'aforo[quality]'") from None


def _named(function: _Score, label: str) -> dict[str, Any]:
    return {"id": function.__name__, "label": label, "definition": " ".join((function.__doc__ or "").split())}


def _add(found: Scorer) -> None:
    if found.id in _registry:
        raise ValueError(f"scorer {found.id} is declared twice")
    _registry[found.id] = found
