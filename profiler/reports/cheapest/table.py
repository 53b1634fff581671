"""The candidates as rows of text: one table for the page, Markdown and the terminal alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiler.reports.cheapest import words
from profiler.selection.answers import MEETS
from profiler.selection.cheapest import Cheapest, Considered
from profiler.summaries.estimates import Unknown
from profiler.verdict.traps import energy_kind


@dataclass(frozen=True)
class Heading:
    """A column; `is_brief` where there is room for few, `least_width` in characters of a terminal."""

    title: str
    cell: Callable[[Cheapest, Considered], str]
    is_brief: bool = True
    least_width: int | None = None


@dataclass(frozen=True)
class Row:
    """A candidate with its cells in the order of the headings."""

    considered: Considered
    cells: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the candidate is called."""
        return words.name(self.considered)

    @property
    def standing(self) -> str:
        """Meets, fails or cannot be told, of everything together."""
        return self.considered.standing


def headings(found: Cheapest) -> list[Heading]:
    """Return the columns that there is something to put into."""
    wanted = found.question.demand
    every = [
        Heading("answer", lambda _, one: one.standing),
        Heading("load", lambda _, one: one.at.load.described if one.at else "none"),
        Heading(f"cost, {_tokens(found)}", lambda _, one: words.cost_of(one), least_width=13),
        Heading("dearer by", lambda all_, one: words.beside(all_, one.candidate)),
        Heading("how surely", lambda all_, one: words.chance(all_, one.candidate)),
        *([Heading(f"hosts for {wanted}", lambda _, one: words.fleet_of(one))] if wanted else []),
        *(_target(number, each.name) for number, each in enumerate(found.question.targets)),
        Heading("rate", _rate, is_brief=False),
        Heading("energy", _energy, is_brief=False),
        Heading("carbon", lambda _, one: words.carbon(one), is_brief=False),
    ]
    return [each for each in every if any(each.cell(found, one) != "–" for one in found.considered)]


def rows(found: Cheapest, columns: Sequence[Heading]) -> list[Row]:
    """Return a row for each candidate: those that meet everything first, the cheapest of them at the head."""
    return [Row(one, tuple(column.cell(found, one) for column in columns)) for one in found.considered]


def _tokens(found: Cheapest) -> str:
    return f"{found.considered[0].candidate.tokens.kind} tokens" if found.considered else "tokens"


def _target(number: int, name: str) -> Heading:
    def number_seen(found: Cheapest, one: Considered) -> str:
        at = one.at or one.operating.nearest_miss
        if at is None:
            return "–"
        answer = at.answers[number]
        seen = words.quantity(answer.seen or Unknown(answer.reason, answer.value), answer.unit)
        return seen if answer.standing == MEETS else f"{seen} ✗" if answer.standing == "fails" else f"{seen} ?"

    return Heading(name, number_seen, is_brief=False)


def _rate(_: Cheapest, one: Considered) -> str:
    return "–" if one.at is None else words.quantity(one.at.rate, "tokens/s")


def _energy(_: Cheapest, one: Considered) -> str:
    shown = words.quantity(one.energy, words.unit_at(one, one.candidate.tokens.energy))
    kind = energy_kind(one.at.load.runs[0].summary) if one.at else ""
    return shown if shown == "–" or not kind else f"{shown} ({kind})"


def targets(found: Cheapest) -> list[str]:
    """Return what was asked, one line each: targets, then constraints."""
    asked = [each.described for each in found.question.targets]
    asked += [each.described for each in found.question.constraints]
    energy = found.question.energy_class
    return [*asked, *([f"energy by {energy} or better"] if energy else [])]


def out(found: Cheapest) -> list[str]:
    """Return why each candidate is out that does not surely meet everything."""
    return [words.why_out(one) for one in found.considered if one.standing != MEETS]


def notes(found: Cheapest) -> list[str]:
    """Return what else a reader has to know, the gravest first."""
    traps = [one.sentence for one in found.traps]
    cheaper = [sentence for one in found.considered for sentence in words.might_be_cheaper(one)]
    between = [words.between(one) for one in found.considered]
    return [each for each in (*traps, *found.notes, words.fleets_differ(found), *cheaper, *between) if each]
