"""How well each side answers against the baseline, on the same items: pairs, never two means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from profiler.aggregation.answers import Answers, Asked, shown_point
from profiler.quality.catalogue import SCORERS
from profiler.quality.item import Item
from profiler.quality.scorer import POINTS
from profiler.reports import format as fmt
from profiler.reports.answers.shown import label, points
from profiler.reports.compare.entries import Entry
from profiler.reports.compare.sides import Side, Sides
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence
from profiler.stats.paired import FEWEST_ITEMS, mean_difference

Outcome = Literal["better", "worse", "inconclusive", "not compared"]
_SIGNS = {True: "+", False: "\N{MINUS SIGN}"}


@dataclass(frozen=True)
class Paired:
    """One side against the baseline by one scorer, in points; `new` and `base` are means over the same items."""

    side: Side
    scorer: str
    items: int
    new: float | None = None
    base: float | None = None
    difference: Estimate | None = None
    reason: str = ""

    @property
    def title(self) -> str:
        """The scorer's name."""
        return label(self.scorer)

    @property
    def outcome(self) -> Outcome:
        """Better or worse only where the interval holds no 0."""
        if self.difference is None:
            return "not compared"
        return "better" if self.difference.low > 0 else "worse" if self.difference.high < 0 else "inconclusive"

    @property
    def means(self) -> list[str]:
        """The baseline's score and this side's."""
        return ["\N{EN DASH}" if value is None else points(value) for value in (self.base, self.new)]

    def text(self) -> str:
        """The difference in points; empty where there is none."""
        return "" if self.difference is None or self.difference.value is None else _signed(self.difference.value)

    def bounds(self) -> str:
        """Its interval."""
        return "" if self.difference is None else f"{_signed(self.difference.low)} to {_signed(self.difference.high)}"


@dataclass(frozen=True)
class Quality:
    """Every side against the baseline, scorer by scorer; empty where no two sides were scored on the same items."""

    rows: tuple[Paired, ...] = ()
    confidence: float = CONFIDENCE
    left_out: int = 0  # items of which prompt or reference is not the same on both sides

    @property
    def note(self) -> str:
        """What the intervals mean."""
        each = "" if self.confidence == CONFIDENCE else ", all sides of a scorer together"
        said = (
            f"Points from 0 to 100, of the same items on both sides. Intervals ({100 * CONFIDENCE:g}{fmt.NBSP}%{each}) "
            "are of the mean difference over items, each of which counts once, however many repeats it has: they say "
            "what other items of this kind would show. Better or worse is said only where they hold no 0."
        )
        if pooled := self._pooled:
            said += f" Here {pooled} is the mean of what single items score, not the score of all answers together."
        if not self.left_out:
            return said
        return f"{said} {fmt.count(self.left_out, 'item')} left out: the prompt or reference is not the same."

    @property
    def _pooled(self) -> str:
        """The scorers whose score of all answers is no mean of those of the items, which alone can be paired."""
        names = dict.fromkeys(row.title for row in self.rows if row.difference and SCORERS[row.scorer].total)
        return " or ".join(names)


NOT_SCORED = Quality()


def quality(sides: Sides, answers: Mapping[str, Answers]) -> Quality:
    """Pair the items of every side with those of the baseline, at the load that stands for each run."""
    base = _Scored(sides.baseline, answers)
    others = [_Scored(side, answers) for side in sides.others]
    confidence = adjusted_confidence(CONFIDENCE, sum(bool(other.scorers & base.scorers) for other in others))
    rows = [
        _paired(other, base, scorer, confidence)
        for other in others
        for scorer in SCORERS
        if scorer in base.scorers | other.scorers
    ]
    left_out = max((len(base.unlike(other)) for other in others), default=0)
    return Quality(tuple(rows), confidence, left_out)


class _Scored:
    """The items of one side with their mean scores over all its runs."""

    def __init__(self, side: Side, answers: Mapping[str, Answers]) -> None:
        self.side = side
        known = [(entry, answers[entry.run.name]) for entry in side.entries if entry.run.name in answers]
        self.asked: dict[str, list[Asked]] = {}
        self.items: dict[str, Item] = {}
        self.scorers = {scorer for _, found in known for scorer in found.scorers}
        self.reason = next((found.not_scored for _, found in known if found.not_scored), "its answers were not kept")
        for entry, found in known:
            self._take(entry, found)

    def _take(self, entry: Entry, found: Answers) -> None:
        self.items.update(found.items)
        for one in found.at(shown_point(found, entry.summary.headline)):
            if one.item is not None:
                self.asked.setdefault(one.item, []).append(one)

    def scores(self, scorer: str) -> dict[str, float]:
        means = {
            item: [value for one in several if (value := one.score(scorer)) is not None]
            for item, several in self.asked.items()
        }
        return {item: fmean(values) for item, values in means.items() if values}

    def unlike(self, other: "_Scored") -> set[str]:
        """Return the items of which the two were not asked the same, or not expected the same."""
        expected = {name for name, item in self.items.items() if name in other.items and other.items[name] != item}
        prompts, others = self._prompts(), other._prompts()
        return expected | {name for name, sent in prompts.items() if others.get(name, sent) != sent}

    def _prompts(self) -> dict[str, frozenset[str]]:
        """Return what was sent of each item, by digests, where that was kept."""
        found = {name: frozenset[str]().union(*(one.prompts for one in asked)) for name, asked in self.asked.items()}
        return {name: sent for name, sent in found.items() if sent}


def _paired(new: _Scored, base: _Scored, scorer: str, confidence: float) -> Paired:
    ours, theirs, unlike = new.scores(scorer), base.scores(scorer), new.unlike(base)
    common: Sequence[str] = [item for item in ours if item in theirs and item not in unlike]
    if len(common) < FEWEST_ITEMS:
        return Paired(new.side, scorer, len(common), reason=_why_not(new, base, scorer, len(common)))
    differences = [ours[item] - theirs[item] for item in common]
    found = mean_difference(differences, POINTS, is_binary=SCORERS[scorer].is_binary, confidence=confidence)
    means = fmean(ours[item] for item in common), fmean(theirs[item] for item in common)
    return Paired(new.side, scorer, len(common), *means, found)


def _why_not(new: _Scored, base: _Scored, scorer: str, common: int) -> str:
    for one in (new, base):
        if scorer not in one.scorers:
            return f"{one.side.name}: {one.reason}"
    return f"{fmt.count(common, 'item')} in common, {FEWEST_ITEMS} are needed"


def _signed(value: float) -> str:
    text = points(abs(value))
    return text if text == "0" else f"{_SIGNS[value > 0]}{text}"
