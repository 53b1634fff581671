"""Constraints on facts: licence, languages, context, size, architecture, training, tuning, class of energy. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, get_args

from profiler.energy.scopes import BEST_FIRST
from profiler.errors import UsageError
from profiler.models.card import Training
from profiler.models.licences import CLASSES
from profiler.quality.words import primary_language
from profiler.selection.answers import CANNOT_BE_TOLD, FAILS, MEETS, Answer
from profiler.selection.facts import SIZE_CLASSES, Facts
from profiler.selection.facts_file import FineTuning

Relation = Literal["one of", "all of", "at least", "at most"]
Wanted = tuple[str, ...] | int


@dataclass(frozen=True)
class FactConstraint:
    """What a fact has to be: one of several values, all of several, or a number at least or at most so great."""

    fact: str  # a field of `Facts`
    relation: Relation
    wanted: Wanted

    @property
    def described(self) -> str:
        """The constraint in words: licence class permissive."""
        name = self.fact.replace("_", " ")
        if isinstance(self.wanted, int):
            return f"{name} {self.relation} {self.wanted:,}"
        joint = " or " if self.relation == "one of" else " and "
        return f"{name} {joint.join(self.wanted)}"

    def judge(self, facts: Facts) -> Answer:
        """Say whether a candidate's facts keep it; a fact that nobody says cannot be told."""
        seen = getattr(facts, self.fact)
        if seen in (None, (), "unknown"):
            remedy = f"state {self.fact} of {facts.name} in a facts.yaml (--facts)"
            reason = f"the {self.fact.replace('_', ' ')} of {facts.name} is not known"
            return Answer(CANNOT_BE_TOLD, self.described, reason=reason, tell=remedy)
        if self.fact == "languages" and not self._is_kept(seen) and (vague := _names_no_language(seen)):
            remedy = f"state the languages of {facts.name} by their codes in a facts.yaml (--facts)"
            reason = f"its languages are {_words(seen)}, and {vague} is no code of a language"
            return Answer(CANNOT_BE_TOLD, self.described, reason=reason, tell=remedy)
        source = facts.sources.get(self.fact)
        reason = f"it is {_words(seen)}" + (f" ({source})" if source else "")
        return Answer(MEETS if self._is_kept(seen) else FAILS, self.described, reason=reason)

    def _is_kept(self, seen: object) -> bool:
        if isinstance(self.wanted, int):
            number = float(str(seen))
            return number >= self.wanted if self.relation == "at least" else number <= self.wanted
        have = {each.lower() for each in (seen if isinstance(seen, tuple) else (str(seen),))}
        if self.fact == "languages":  # zh-Hans is zh
            have |= {known for each in have if (known := primary_language(each))}
        found = [each.lower() in have for each in self.wanted]
        return any(found) if self.relation == "one of" else all(found)


def _names_no_language(seen: Sequence[str]) -> str | None:
    """Return the first of languages that could be any: multilingual, or a name in place of a code."""
    return next((each for each in seen if each.lower() == "mul" or primary_language(each) is None), None)


def _words(seen: object) -> str:
    if isinstance(seen, tuple):
        return ", ".join(seen)
    return f"{seen:,}" if isinstance(seen, int) else str(seen)


_CHOICES: dict[str, Sequence[str]] = {
    "licence_class": [name for name in CLASSES if name != "unknown"],
    "size_class": SIZE_CLASSES,
    "training": get_args(Training),
    "fine_tuning": get_args(FineTuning),
}
_RELATIONS: dict[str, Relation] = {
    "licence": "one of",
    "licence_class": "one of",
    "languages": "all of",
    "context_tokens": "at least",
    "parameters": "at most",
    "size_class": "one of",
    "architecture": "one of",
    "training": "one of",
    "fine_tuning": "all of",
}
CONSTRAINED = tuple(_RELATIONS)
"""The facts that a constraint may be about."""


def fact_constraint(fact: str, wanted: Iterable[str] | int) -> FactConstraint:
    """Return the constraint of its usual relation. Raises `UsageError` for a fact or a value that there is not."""
    if fact not in _RELATIONS:
        raise UsageError(f"There is no fact {fact!r}.{_near(fact, CONSTRAINED)} There are: {', '.join(CONSTRAINED)}.")
    if isinstance(wanted, int):
        return FactConstraint(fact, _RELATIONS[fact], wanted)
    values = tuple(each.strip() for each in wanted)
    for value in values:
        known = _CHOICES.get(fact, (value,))
        if value not in known:
            raise UsageError(f"{fact} {value!r}: expected one of {', '.join(known)}.{_near(value, known)}")
    return FactConstraint(fact, _RELATIONS[fact], values)


def _near(text: str, known: Sequence[str]) -> str:
    near = get_close_matches(text, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def energy_class(seen: str, at_least: str) -> Answer:
    """Say whether energy was metered by a class that is at least as trustworthy: wall, counter, polled, model."""
    order: list[str] = list(BEST_FIRST)
    constraint = f"energy by {at_least} or better"
    if at_least not in order:
        raise UsageError(f"energy class {at_least!r}: expected one of {', '.join(order)}.{_near(at_least, order)}")
    if seen not in order:
        return Answer(FAILS, constraint, reason="no energy was metered or modelled")
    kept = order.index(seen) <= order.index(at_least)
    return Answer(MEETS if kept else FAILS, constraint, reason=f"it is {seen}")
