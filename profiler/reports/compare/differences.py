"""Every run against the baseline: ratios with intervals that allow for how many are looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from profiler.energy.compare import Claimed
from profiler.energy.compare import compare as compare_energy
from profiler.reports import format as fmt
from profiler.reports.compare.columns import Column
from profiler.reports.compare.entries import Entry, listed
from profiler.reports.compare.readings import Reading, account_of
from profiler.stats.estimates import Estimate, ratio
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence
from profiler.stats.ranges import Range

_OVERLAP = "intervals of a model overlap, so either could be the lower one"

_MOST_NAMES = 12  # of runs in a sentence

Outcome = Literal["better", "worse", "undecided", "undecidable", "not compared"]


@dataclass(frozen=True)
class Difference:
    """One run against the baseline in one column; `ratio` is the run's number / the baseline's."""

    outcome: Outcome
    ratio: Estimate | None = None
    reason: str = ""

    @property
    def sort(self) -> float | None:
        """What to order by; None where no change is known."""
        return None if self.ratio is None else self.ratio.value

    def text(self) -> str:
        """The change in percent; empty where there is none to show."""
        if self.ratio is None or self.ratio.value is None:
            return ""
        return f"{_signed(self.ratio.value, self._decimals())}{fmt.NBSP}%"

    def bounds(self) -> str:
        """The interval of the change in percent."""
        if self.ratio is None:
            return ""
        decimals = self._decimals()
        return f"{_signed(self.ratio.low, decimals)} to {_signed(self.ratio.high, decimals)}{fmt.NBSP}%"

    def _decimals(self) -> int:
        assert self.ratio is not None  # noqa: S101 - only asked where there is one
        half_width = 50 * (self.ratio.high - self.ratio.low)
        middle = 50 * (self.ratio.high + self.ratio.low)
        decimals = max(0, min(2, fmt.decimals(middle, half_width))) if half_width else 1
        return next((more for more in range(decimals, 4) if not self._hides_a_side(more)), decimals)

    def _hides_a_side(self, decimals: int) -> bool:
        """Whether an end that is not at 0 % would read as if it were."""
        assert self.ratio is not None  # noqa: S101 - only asked where there is one
        ends = (self.ratio.low, self.ratio.high)
        return any(end != 1 and round(100 * (end - 1), decimals) == 0 for end in ends)


@dataclass(frozen=True)
class Differences:
    """All runs but the baseline against it, column by column."""

    baseline: Entry
    columns: tuple[Column, ...]
    rows: Mapping[int, Mapping[str, Difference]]  # by index of the run and id of the column
    confidences: Mapping[str, float]  # of the intervals of each column

    @property
    def made(self) -> int:
        """How many differences have an interval."""
        return sum(self.looks(column) for column in self.columns)

    @property
    def note(self) -> str:
        """What the intervals mean, and how many were looked at."""
        most = max((self.looks(column) for column in self.columns), default=0)
        text = (
            f"Change against {self.baseline.name} in percent, with its interval; better or worse is said only where "
            "the interval holds no 0. "
        )
        together = _percent(CONFIDENCE)
        if most <= 1:
            return text + f"Intervals are at {together}, each by itself: {fmt.count(self.made, 'difference')}."
        return text + (
            f"The {most} intervals of a column hold together at {together} (Bonferroni: each by itself is at "
            f"{_percent(max(self.confidences.values()))}). Over the {self.made} differences of all columns that is not "
            "allowed for: where nothing differs, about one column in twenty shows something all the same."
        )

    @property
    def reasons(self) -> list[str]:
        """A sentence for each reason why there is no answer, and for which runs and columns."""
        found: dict[tuple[str, str], dict[int, set[str]]] = {}
        for index, row in self.rows.items():
            for column in self.columns:
                one = row[column.id]
                if one.reason and (one.ratio is None or one.outcome == "undecidable"):
                    reason = _OVERLAP if one.ratio else one.reason
                    found.setdefault((one.outcome, reason), {}).setdefault(index, set()).add(column.title)
        sentences = []
        for (outcome, reason), runs in found.items():
            titles = ", ".join(sorted(set.union(*runs.values())))
            sentences.append(f"{outcome.capitalize()} for {listed(runs, _MOST_NAMES)} ({titles}): {reason}.")
        return sentences

    def looks(self, column: Column) -> int:
        """How many differences of a column have an interval."""
        return sum(row[column.id].ratio is not None for row in self.rows.values())


def differences(
    entries: Sequence[Entry], baseline: Entry, columns: Sequence[Column], read: Mapping[str, Sequence[Reading]]
) -> Differences:
    """Compare; the intervals of a column hold together at 95 %, however many runs there are."""
    others = [entry for entry in entries if entry is not baseline]
    rows: dict[int, dict[str, Difference]] = {entry.index: {} for entry in others}
    confidences = {}
    for column in columns:
        base = read[column.id][baseline.index]
        looks = sum(_ratio(read[column.id][entry.index], base) is not None for entry in others)
        confidences[column.id] = adjusted_confidence(CONFIDENCE, looks)
        for entry in others:
            new = read[column.id][entry.index]
            rows[entry.index][column.id] = _difference(column, entry, baseline, new, base, confidences[column.id])
    return Differences(baseline, tuple(columns), rows, confidences)


def _difference(
    column: Column, entry: Entry, baseline: Entry, new: Reading, base: Reading, confidence: float
) -> Difference:
    for reading, whose in ((base, "the baseline"), (new, "this run")):
        if reading.is_missing:
            return Difference("not compared", reason=f"{whose}: {reading.reason}")
    if column.is_energy:
        return _of_energy(entry, baseline, new, base, confidence)
    if new.kind != base.kind:
        return Difference("not compared", reason=f"in {new.kind} and in {base.kind}: currencies are never converted")
    for reading, whose in ((base, "the baseline"), (new, "this run")):
        if reading.found is None:
            return Difference("undecided", reason=f"{whose}: {reading.reason}")
    return _decided(column, _ratio(new, base), confidence)


def _of_energy(entry: Entry, baseline: Entry, new: Reading, base: Reading, confidence: float) -> Difference:
    """Energy and carbon: undecidable across classes and scopes, and where intervals of a model overlap."""
    sides = [_claimed(one, reading) for one, reading in ((entry, new), (baseline, base))]
    first, second = sides
    if first is None or second is None:
        return Difference("undecided", reason=new.reason or base.reason or "no interval")
    said = compare_energy(first, second)
    found = _ratio(new, base)
    if said.answer == "undecidable":
        is_same_kind = new.kind == base.kind
        return Difference("undecidable", found if is_same_kind else None, said.reason)
    column_found = None if found is None else found.at(confidence)
    return _judged("lower", column_found)


def _claimed(entry: Entry, reading: Reading) -> Claimed | None:
    account, found = account_of(entry.summary), reading.found
    if account is None or found is None:
        return None
    return Claimed(Range(found.low, found.high), account.meter_class, account.scope)


def _decided(column: Column, found: Estimate | None, confidence: float) -> Difference:
    return _judged(column.better, None if found is None else found.at(confidence))


def _judged(better: str, found: Estimate | None) -> Difference:
    if found is None:
        return Difference("undecided", reason="no ratio: a number may be 0")
    if found.low <= 1 <= found.high:
        return Difference("undecided", found, "the interval holds no change")
    is_better = (found.low > 1) == (better == "higher")
    return Difference("better" if is_better else "worse", found)


def _ratio(new: Reading, base: Reading) -> Estimate | None:
    if new.found is None or base.found is None or new.kind != base.kind:
        return None
    return ratio(new.found, base.found)


def _percent(ratio: float) -> str:
    """A confidence with two digits of what is missing to 100 %: 95 %, 99.75 %."""
    decimals = fmt.decimals(100 * (1 - ratio), 0.0) - 1
    return f"{round(100 * ratio, max(0, decimals)):.12g}{fmt.NBSP}%"


def _signed(factor: float, decimals: int) -> str:
    """A factor as a change in percent: 1.05 gives +5."""
    change = round(100 * (factor - 1), decimals)
    sign = "+" if change > 0 else "\N{MINUS SIGN}" if change < 0 else ""
    return f"{sign}{fmt.fixed(abs(change), decimals)}"
