"""Every host and setting against the baseline: ratios with intervals that allow for how many are looked at."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from profiler.change_format import Change, outcome_word
from profiler.reports import format as fmt
from profiler.reports.compare.columns import Column
from profiler.reports.compare.entries import listed
from profiler.reports.compare.sides import Side, Sides
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence
from profiler.verdict.contrast import Contrast, Rules, contrast

_MOST_NAMES = 12  # of runs in a sentence

Outcome = Literal["better", "worse", "undecided", "undecidable", "one run each", "not compared"]
_OUTCOMES: Mapping[str, Outcome] = {
    "not comparable": "undecidable",
    "not measured": "not compared",
    "one run": "one run each",
    "zero": "undecided",
}


@dataclass(frozen=True)
class Difference:
    """One side against the baseline in one column; `ratio` is its number / the baseline's.

    `value` is the ratio alone where it has no interval: to be shown, never judged.
    """

    outcome: Outcome
    ratio: Estimate | None = None
    reason: str = ""
    value: float | None = None

    @property
    def is_judged(self) -> bool:
        """Whether there is an interval that decides, or that holds no change."""
        return self.ratio is not None and self.outcome in {"better", "worse", "undecided"}

    @property
    def word(self) -> str:
        """What is shown of the outcome."""
        return outcome_word(self.outcome)

    @property
    def sort(self) -> float | None:
        """What to order by; None where no change is known."""
        return self.value if self.ratio is None else self.ratio.value

    def text(self) -> str:
        """The change in percent; empty where there is none to show."""
        return self._change.text()

    def bounds(self) -> str:
        """The interval of the change in percent."""
        return self._change.bounds()

    @property
    def _change(self) -> Change:
        value = None if self.sort is None else self.sort - 1
        return Change(value) if self.ratio is None else Change(value, self.ratio.low - 1, self.ratio.high - 1)


@dataclass(frozen=True)
class Differences:
    """All sides but the baseline against it, column by column."""

    sides: Sides
    columns: tuple[Column, ...]
    rows: Mapping[int, Mapping[str, Difference]]  # by index of the side's first run and id of the column
    confidences: Mapping[str, float]  # of the intervals of each column

    @property
    def baseline(self) -> Side:
        """What the others are set against."""
        return self.sides.baseline

    def of(self, side: Side) -> Mapping[str, Difference]:
        """The differences of a side, by column."""
        return self.rows[side.first.index]

    @property
    def made(self) -> int:
        """How many differences have an interval."""
        return sum(self.looks(column) for column in self.columns)

    @property
    def note(self) -> str:
        """What the intervals mean, and how many were looked at."""
        most = max((self.looks(column) for column in self.columns), default=0)
        text = f"Change against {self.baseline.name} in percent. "
        if not most:
            return text + (
                "How much runs of one setting differ from each other is not known from one run each, so no difference "
                "has an interval and none is called better or worse. Measure each setting three times or more, in "
                "turn, or state the drift of the machine (--drift 3%)."
            )
        text += (
            "Intervals rest on how much runs of one setting differ from each other; better or worse is said only where "
            "they hold no 0. "
        )
        together = _percent(CONFIDENCE)
        if most <= 1:
            return text + f"They are at {together}, each by itself: {fmt.count(self.made, 'difference')}."
        return text + (
            f"The {most} intervals of a column hold together at {together} (Bonferroni: each by itself is at "
            f"{_percent(max(self.confidences.values()))}); the {self.made} differences of all columns do not, so "
            "where nothing differs, about one column in twenty shows something all the same."
        )

    @property
    def reasons(self) -> list[str]:
        """A sentence for each reason why there is no answer, and for which runs and columns."""
        found: dict[tuple[str, str], dict[int, set[str]]] = {}
        for side in self.sides.others:
            for column in self.columns:
                one = self.of(side)[column.id]
                if one.reason and one.outcome in {"undecidable", "not compared"}:
                    for entry in side.entries:
                        found.setdefault((one.outcome, one.reason), {}).setdefault(entry.index, set()).add(column.title)
        sentences = []
        for (outcome, reason), runs in found.items():
            titles = ", ".join(sorted(set.union(*runs.values())))
            sentences.append(
                f"{outcome_word(outcome).capitalize()} for {listed(runs, _MOST_NAMES)} ({titles}): {_stopped(reason)}"
            )
        return sentences

    def looks(self, column: Column) -> int:
        """How many differences of a column have an interval."""
        return sum(row[column.id].is_judged for row in self.rows.values())


def differences(
    sides: Sides,
    columns: Sequence[Column],
    drift_ratio: float | None = None,
    allowed: Collection[str] = (),
) -> Differences:
    """Compare; the intervals of a column hold together at 95 %, however many sides there are."""
    rows: dict[int, dict[str, Difference]] = {side.first.index: {} for side in sides.others}
    confidences = {}
    for column in columns:
        known = [
            _contrast(column, side, sides.baseline, Rules(CONFIDENCE, drift_ratio, allowed)) for side in sides.others
        ]
        looks = sum(one.state == "known" for one in known)
        confidences[column.id] = adjusted_confidence(CONFIDENCE, looks)
        rules = Rules(confidences[column.id], drift_ratio, allowed)
        for side in sides.others:
            rows[side.first.index][column.id] = _judged(column, _contrast(column, side, sides.baseline, rules))
    return Differences(sides, tuple(columns), rows, confidences)


def _contrast(column: Column, side: Side, baseline: Side, rules: Rules) -> Contrast:
    assert column.metric is not None  # noqa: S101 - what is compared is a metric
    new, base = ([entry.run for entry in one.entries] for one in (side, baseline))
    return contrast(new, base, column.metric, rules)


def _judged(column: Column, found: Contrast) -> Difference:
    if found.state != "known" or found.ratio is None:
        return Difference(_OUTCOMES[found.state], found.ratio, found.reason, found.value)
    if found.ratio.low <= 1 <= found.ratio.high:
        return Difference("undecided", found.ratio, "the interval holds no change", found.value)
    is_better = (found.ratio.low > 1) == (column.better == "higher")
    return Difference("better" if is_better else "worse", found.ratio, value=found.value)


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def _percent(ratio: float) -> str:
    """A confidence with two digits of what is missing to 100 %: 95 %, 99.75 %."""
    decimals = fmt.decimals(100 * (1 - ratio), 0.0) - 1
    return f"{round(100 * ratio, max(0, decimals)):.12g}{fmt.NBSP}%"
