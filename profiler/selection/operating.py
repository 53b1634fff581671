"""The operating point of a candidate: the cheapest measured load that meets the targets. Pure.

Not its knee: what a load costs follows from its throughput, and which loads are allowed from the targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from profiler.energy.scopes import BEST_FIRST
from profiler.errors import UsageError
from profiler.results.points import describe_load, is_warm
from profiler.selection.answers import CANNOT_BE_TOLD, FAILS, MEETS, Answer, Standing, together
from profiler.selection.candidate import Candidate, Load
from profiler.selection.targets import Target, number_of
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown
from profiler.verdict.contrast import Metric
from profiler.verdict.traps import account_of


@dataclass(frozen=True)
class JudgedLoad:
    """A load, what each target says of it, and what it costs there."""

    load: Load
    answers: tuple[Answer, ...]
    cost: Estimate | Unknown  # per 1M tokens of the candidate's kind, in the currency of its price
    rate: Estimate | Unknown  # tokens/s

    @property
    def standing(self) -> Standing:
        """Of all targets together."""
        return together(one.standing for one in self.answers)

    @property
    def worst_miss_ratio(self) -> float:
        """By how much the target that is missed most is missed, as a share of its limit; infinite if not known."""
        return max((float("inf") if a.miss_ratio is None else a.miss_ratio for a in self.answers), default=0.0)


@dataclass(frozen=True)
class Operating:
    """A candidate at its operating point; `at` is None where no measured load surely meets every target."""

    candidate: Candidate
    loads: tuple[JudgedLoad, ...]  # all that were measured and believed, the lowest first
    drift_ratio: float | None = None  # stated: how much a run differs from the next

    @cached_property
    def at(self) -> JudgedLoad | None:
        """The cheapest measured load that meets every target; without prices the one with the highest rate."""
        return cheapest([one for one in self.loads if one.standing == MEETS])

    def number(self, metric: Metric) -> Estimate | Unknown:
        """Return a metric at the operating point."""
        if self.at is None:
            return Unknown("no measured load meets every target")
        return number_of(self.at.load, metric, self.drift_ratio)

    @property
    def standing(self) -> Standing:
        """Meets where a load does, fails where every load does, else it cannot be told."""
        standings = {one.standing for one in self.loads}
        return MEETS if MEETS in standings else CANNOT_BE_TOLD if CANNOT_BE_TOLD in standings else FAILS

    @cached_property
    def shown(self) -> JudgedLoad | None:
        """The operating point, or the nearest of the loads that stand best; None where no load is to be believed."""
        alike = [one for one in self.loads if one.standing == self.standing]
        return self.at or min(alike, key=lambda one: one.worst_miss_ratio, default=None)

    @property
    def nearest_miss(self) -> JudgedLoad | None:
        """The load that comes nearest to meeting every target, where none does."""
        return None if self.at else self.shown

    @property
    def miss_ratio(self) -> float:
        """By how much the nearest load misses a target, as a share of it; 0 where one meets all, else infinite."""
        return 0.0 if self.at else self.shown.worst_miss_ratio if self.shown else float("inf")

    @property
    def meter_class(self) -> str:
        """How the energy of the load that is shown was metered, by the least trustworthy of its runs; none: not."""
        runs = self.shown.load.runs if self.shown else ()
        found = {account.meter_class for run in runs if (account := account_of(run.summary))}
        return next((one for one in reversed(BEST_FIRST) if one in found), "none")

    @property
    def might_be_cheaper(self) -> list[JudgedLoad]:
        """Loads of which it cannot be told whether they meet the targets, and that would be cheaper if they did."""
        open_ones = [one for one in self.loads if one.standing == CANNOT_BE_TOLD]
        return [one for one in open_ones if self.at is None or cheapest([self.at, one]) is one]


def operating(candidate: Candidate, targets: Sequence[Target], drift_ratio: float | None = None) -> Operating:
    """Judge every load of a candidate by every target.

    Raises `UsageError` where its loads ask different things of a server: a short prompt is no operating point of a long
    one.
    """
    _check_one_demand(candidate)
    return Operating(
        candidate, tuple(_judged(candidate, load, targets, drift_ratio) for load in candidate.loads), drift_ratio
    )


def _check_one_demand(candidate: Candidate) -> None:
    points = [load.point for load in candidate.loads]
    found = {(each.depth_tokens, each.shots, is_warm(each, candidate.manifest.engine)): each for each in points}
    if len(found) > 1:
        said = "; ".join(describe_load(each) for each in found.values())
        raise UsageError(
            f"{candidate.runs[0].folder.path} was measured with several depths, examples or states of the prompt cache "
            f"({said}), and which of them is to be served is not known. Choose among runs with one: aforo run … with "
            "a single --depth, --shots and --prompt-cache."
        )


def _judged(candidate: Candidate, load: Load, targets: Sequence[Target], drift_ratio: float | None) -> JudgedLoad:
    return JudgedLoad(
        load,
        tuple(target.judge(load, drift_ratio) for target in targets),
        number_of(load, (candidate.tokens.cost, None), drift_ratio),
        number_of(load, (candidate.tokens.rate, None), drift_ratio),
    )


def cheapest(loads: Sequence[JudgedLoad]) -> JudgedLoad | None:
    """Return the load of the least cost; where one has no price, that of the highest rate; None of none.

    At one price by the hour the two are the same.
    """
    if all(one.cost.value is not None for one in loads):
        return min(loads, key=lambda one: (one.cost.value or 0.0, -(one.rate.value or 0.0)), default=None)
    return max(loads, key=lambda one: one.rate.value or 0.0, default=None)
