"""The sides of a comparison: runs of one host and setting are pooled before they are set against the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.reports.compare.entries import Entry, listed
from profiler.verdict.contrast import Metric, pooled, pools

_MOST_NAMES = 6  # of the runs of one side


@dataclass(frozen=True)
class Side:
    """Runs of one host and setting."""

    entries: tuple[Entry, ...]

    @property
    def first(self) -> Entry:
        """The first of them."""
        return self.entries[0]

    @property
    def name(self) -> str:
        """Their short names: `r1–r3`."""
        return listed((entry.index for entry in self.entries), _MOST_NAMES)

    @property
    def label(self) -> str:
        """In what they differ from the others."""
        return self.first.label.removesuffix(" #1") if len(self.entries) > 1 else self.first.label

    @property
    def is_invalid(self) -> bool:
        """Whether the checks of one of them say that its numbers are not to be believed."""
        return any(entry.is_invalid for entry in self.entries)

    @property
    def full_name(self) -> str:
        """Names and label, and a warning where one is INVALID."""
        mark = " (INVALID)" if self.is_invalid else ""
        return f"{self.name} · {self.label}{mark}"

    def variation_ratio(self, metric: Metric) -> float | None:
        """How much its runs differ in a metric (standard deviation); None for a single one."""
        return pooled([entry.run for entry in self.entries], metric).variation_ratio


@dataclass(frozen=True)
class Sides:
    """The side of the baseline and all others."""

    baseline: Side
    others: tuple[Side, ...]
    is_one_setting: bool  # then each run is a side by itself

    @property
    def all(self) -> tuple[Side, ...]:
        """Every side, that of the baseline first; runs that are all of one setting are one here."""
        if self.is_one_setting:
            return (Side(tuple(entry for side in (self.baseline, *self.others) for entry in side.entries)),)
        return (self.baseline, *self.others)

    @property
    def are_single_runs(self) -> bool:
        """Whether no side has a second run, which would show how much runs of one setting differ."""
        return all(len(side.entries) == 1 for side in (self.baseline, *self.others))


def sides(entries: Sequence[Entry], baseline: Entry) -> Sides:
    """Pool runs of one host and setting; where all are of one, each stands by itself."""
    by_name = {entry.run.name: entry for entry in entries}
    found = pools([entry.run for entry in entries])
    is_one = len(found) == 1
    if is_one:
        found = [[run] for run in found[0]]
    all_sides = [Side(tuple(by_name[run.name] for run in runs)) for runs in found]
    own = next(side for side in all_sides if baseline in side.entries)
    return Sides(own, tuple(side for side in all_sides if side is not own), is_one)
