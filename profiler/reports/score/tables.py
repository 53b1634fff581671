"""The tables of a score as cells of text, for the page, Markdown and the terminal alike."""

from dataclasses import dataclass

from profiler.reports.score.said import Said, bounds, chance, column_scale, number, ranks, score_text, share
from profiler.selection.scoring import Way

_FRONTS = {"front": "on it", "perhaps": "perhaps", "beaten": "beaten"}


@dataclass(frozen=True)
class Cell:
    """A text, and a smaller one below it."""

    text: str
    small: str = ""

    @property
    def line(self) -> str:
        """Both on one line."""
        return f"{self.text} ({self.small})" if self.small else self.text


@dataclass(frozen=True)
class Grid:
    """A heading for each column; the first cell of a row is its name."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def ranking(said: Said, *, is_brief: bool = False) -> Grid:
    """The candidates that are ranked, with score, chances and numbers; brief: what a terminal has room for."""
    ways = said.ways[:1] if is_brief else said.ways
    counting = [index for index, weight in enumerate(said.scoring.weights) if weight]
    columns = [_criterion(said, index) for index in (counting[:3] if is_brief else counting)]
    firsts = ["First"] if is_brief else [said.heading(way) for way in ways]
    head = ["Candidate", "Score", *firsts, "Ranks" if is_brief else "Ranks in 95 % of draws"]
    head += [] if is_brief else ["Pareto front"]
    rows = []
    for index, one in enumerate(said.scoring.ranked):
        label = ", ".join(filter(None, [one.contender.candidate.label, one.load.load.described]))
        cells = [
            Cell(said.mark(one.contender), label),
            Cell(score_text(one)),
            *(Cell(chance(one.odds[way].first)) for way in ways),
        ]
        cells += [Cell(ranks(one.odds["own"].ranks))]
        cells += [] if is_brief else [Cell(_FRONTS[one.front])]
        rows.append((*cells, *(column[index] for _, column in columns)))
    return Grid((*head, *(heading for heading, _ in columns)), tuple(rows))


def _criterion(said: Said, index: int) -> tuple[str, list[Cell]]:
    """The heading and the cells of a criterion, all in one unit."""
    ranked, unit = said.scoring.ranked, said.scoring.units[index]
    common = column_scale(ranked, index, unit)
    found = [one.numbers[index] for one in ranked]
    heading = ", ".join(filter(None, [said.scoring.profile.criteria[index].title, common.unit]))
    return heading, [Cell(number(each, common, unit), bounds(each, common, unit)) for each in found]


def left_out(said: Said) -> Grid:
    """The candidates that are not ranked, and why."""
    rows = [
        (
            Cell(said.mark(one.contender), one.contender.candidate.label),
            Cell(said.state(one)),
            Cell(one.contender.shown_load.load.described if one.contender.shown_load else "none"),
            Cell("; ".join(said.reasons(one))),
        )
        for one in said.scoring.left_out
    ]
    return Grid(("Candidate", "Constraints", "Best load", "Why"), tuple(rows))


def weights(said: Said) -> Grid:
    """The criteria with their weights and reasons."""
    scoring = said.scoring
    rows = [
        (Cell(criterion.title, criterion.metric), Cell(share(weight)), Cell(f"{base:.4g} {unit}"), Cell(criterion.why))
        for criterion, weight, base, unit in zip(
            scoring.profile.criteria, scoring.weights, scoring.baselines, scoring.units, strict=True
        )
    ]
    return Grid(("Criterion", "Weight", "Baseline", "Why"), tuple(rows))


def constraints(said: Said) -> Grid:
    """The constraints and their reasons."""
    rows = []
    for one in said.scoring.profile.constraints:
        if one.metric is not None:
            what = one.target.described
        elif one.fact == "energy_class":
            what = f"energy by {(one.wanted or [''])[0]} or better"
        else:
            what = one.of_fact.described
        rows.append((Cell(what), Cell(one.why)))
    return Grid(("Constraint", "Why"), tuple(rows))


def pairs(said: Said) -> Grid:
    """How often each candidate (row) beats each other (column) at the stated weights."""
    names = [one.contender.candidate.name for one in said.scoring.ranked]
    rows = [
        (Cell(name), *(Cell("–" if row == column else share(chance)) for column, chance in enumerate(own)))
        for row, (name, own) in enumerate(zip(names, said.scoring.winning, strict=True))
    ]
    return Grid(("beats", *names), tuple(rows))


def central(said: Said) -> Grid:
    """The priorities under which each candidate is first, over any weights."""
    way: Way = "any" if "any" in said.ways else "own"
    rows = []
    for one in said.scoring.ranked:
        found = one.odds[way].central
        cells = [Cell("–") for _ in said.scoring.weights] if found is None else [Cell(share(each)) for each in found]
        rows.append((Cell(one.contender.candidate.name), Cell(chance(one.odds[way].first)), *cells))
    heads = [criterion.title for criterion in said.scoring.profile.criteria]
    return Grid(("Candidate", "First at any weights", *heads), tuple(rows))
