"""How much better or worse is one setting than another in a metric, and may that be said at all? Pure.

Comparisons, claims and gates all ask here. Runs of one host and setting are pooled: what is compared is their mean, and
how sure it is follows from how much these runs differ from each other, never from the interval inside one of them. Of
one run each nothing is known about that, unless a drift of the machine is stated: then there is a ratio to look at,
and no answer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import hypot, log
from statistics import fmean, stdev
from typing import Literal, TypeVar

from profiler.metrics.registry import Basis
from profiler.stats.between_runs import FEWEST, Mean, mean, paired_ratio, ratio
from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE
from profiler.summaries.estimates import Unknown, estimate, unit_of
from profiler.verdict.comparable import setting_of
from profiler.verdict.fairness import obstacle
from profiler.verdict.traps import Compared

EVERY_BASIS: tuple[Basis, ...] = ("energy", "price", "worth", "grid", "embodied")
State = Literal["known", "not comparable", "not measured", "one run", "zero"]

Run = TypeVar("Run", bound=Compared)
Metric = tuple[str, str | None]  # as `parse_metric` returns it


@dataclass(frozen=True)
class Rules:
    """How a contrast is made: how sure, with which drift of the machine, and in spite of which traps."""

    confidence: float = CONFIDENCE  # of a two-sided interval
    drift_ratio: float | None = None  # stated: standard deviation of a run against the next
    allowed: Collection[str] = ()
    is_paired: bool = False  # the first run of one side with the first of the other, …
    is_one_machine: bool = False  # a single run varies as several of the other side do


@dataclass(frozen=True)
class Pooled:
    """A metric of the runs of one setting.

    `found` is their mean with its 95 % interval over the runs; None for a single run, unless a drift is stated. `value`
    is the number to show: the mean, or that of the only run. Both are None for a number that was not measured, and
    `reason` says why. What a model or a meter leaves open (`low` to `high`) is no matter of chance: no number of runs
    makes it narrower.
    """

    values: tuple[float, ...] = ()
    low: tuple[float, ...] = ()  # the least that a model or a meter allows, of each run
    high: tuple[float, ...] = ()
    own_ratio: float = 0.0  # standard error within a single run, as a share of its number
    reason: str | None = None

    @property
    def is_interval(self) -> bool:
        """Whether a model or a meter leaves the number open within an interval."""
        return bool(self.low)

    @property
    def least(self) -> tuple[float, ...]:
        """Of every run its number, or the least that it can be."""
        return self.low or self.values

    @property
    def most(self) -> tuple[float, ...]:
        """Of every run its number, or the most that it can be."""
        return self.high or self.values

    @property
    def count(self) -> int:
        """How many runs."""
        return len(self.least)

    @property
    def is_zero(self) -> bool:
        """Whether it is 0 in every run, as the share of failed requests often is."""
        return self.count > 0 and not any(self.most)

    @property
    def value(self) -> float | None:
        """The mean of the runs, geometric where it can be; None where there is none."""
        if len(self.values) < FEWEST:
            return self.values[0] if self.values else None
        found = mean(self.values, 0.0)
        return fmean(self.values) if found is None else found.value

    @property
    def variation_ratio(self) -> float | None:
        """How much these runs differ from each other (standard deviation of the logarithms); None for a single one."""
        return stdev(map(log, self.values)) if len(self.values) >= FEWEST and min(self.values) > 0 else None

    def mean(self, drift_ratio: float | None) -> Mean | None:
        """Return the mean as a random effect; None where its variation is not known, or a number is not positive."""
        return _mean(self.values, drift_ratio, self.own_ratio)

    def estimate(self, drift_ratio: float | None = None, confidence: float = CONFIDENCE) -> Estimate | None:
        """Return the number with its interval over the runs; None where there is none."""
        if self.is_zero and self.count >= FEWEST:
            return Estimate.exact(0.0)
        least, most = (_mean(ends, drift_ratio, self.own_ratio) for ends in (self.least, self.most))
        if least is None or most is None:
            return None
        if not self.is_interval:
            return least.estimate(confidence)
        return Estimate(self.value, least.estimate(confidence).low, most.estimate(confidence).high)


@dataclass(frozen=True)
class Contrast:
    """One side beside another; `ratio` is new / base, None unless the state is "known".

    `value` is the quotient of the two numbers where both were measured, to be shown and never judged.
    """

    new: Pooled
    base: Pooled
    state: State
    reason: str = ""
    ratio: Estimate | None = None
    value: float | None = None
    trap: str | None = field(default=None)  # id of what makes it not comparable


def pools(runs: Sequence[Run], rests_on: Collection[Basis] = EVERY_BASIS) -> list[list[Run]]:
    """Part runs into those of one host and setting, in the order of their first."""
    found: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        found.setdefault(setting_of(run, rests_on), []).append(run)
    return list(found.values())


def host_of(run: Compared) -> str:
    """Return the instance type of a rented machine, or else what the host is called."""
    return run.manifest.server_host.cloud.instance_type or run.manifest.host_name or "unnamed host"


def pooled(runs: Sequence[Compared], metric: Metric) -> Pooled:
    """Read a metric of the runs of one setting."""
    found = [estimate(run.summary, *metric) for run in runs]
    for run, one in zip(runs, found, strict=True):
        if isinstance(one, Unknown) and one.value is None:
            return Pooled(reason=f"{run.name}: {one.reason}" if len(runs) > 1 else one.reason)
    ranges = [one for one in found if isinstance(one, Estimate)]
    values = tuple(one.value for one in found if one.value is not None)
    if any(one.value is None or (one.freedom is None and not one.is_exact) for one in ranges):
        known = values if len(values) == len(found) else ()
        ends = [(one.low, one.high) if isinstance(one, Estimate) else (one.value or 0.0,) * 2 for one in found]
        return Pooled(known, tuple(low for low, _ in ends), tuple(high for _, high in ends))
    return Pooled(values, own_ratio=_own_ratio(found[0]) if len(found) == 1 else 0.0)


def contrast(new: Sequence[Compared], base: Sequence[Compared], metric: Metric, rules: Rules) -> Contrast:
    """Set the runs of one setting beside those of another, in one metric."""
    sides = pooled(new, metric), pooled(base, metric)
    barred = obstacle(metric[0], new, base, rules.allowed)
    if barred is not None:
        return Contrast(*sides, "not comparable", barred.sentence, trap=barred.id)
    for side, whose in zip(sides, ("this side", "the other side"), strict=True):
        if side.reason is not None:
            return Contrast(*sides, "not measured", f"{whose}: {side.reason}")
    units = sorted({unit_of(run.summary, metric[0]) for run in (*new, *base)})
    if len(units) > 1:
        return Contrast(*sides, "not comparable", f"{' against '.join(units)}: currencies are never converted")
    if sides[0].is_interval or sides[1].is_interval:
        return _of_intervals(*sides, rules)
    return _of_values(*sides, rules)


def _of_values(new: Pooled, base: Pooled, rules: Rules) -> Contrast:
    if new.is_zero and base.is_zero:
        return _of_zeros(new, base)
    if min(*new.values, *base.values) <= 0:
        return Contrast(new, base, "zero", "a number is not above 0, so there is no ratio")
    value = _quotient(new, base)
    if rules.is_paired:
        found = paired_ratio(list(zip(new.values, base.values, strict=True)), rules.confidence)
        return Contrast(new, base, "known", ratio=found, value=None if found is None else found.value)
    means = [_with_borrowed(side, other, rules) for side, other in ((new, base), (base, new))]
    if means[0] is None or means[1] is None:
        return Contrast(new, base, "one run", one_run_each(new.count, base.count), value=value)
    found = ratio(means[0], means[1], rules.confidence)
    return Contrast(new, base, "known", ratio=found, value=found.value)


def _of_zeros(new: Pooled, base: Pooled) -> Contrast:
    """Where both are 0 in every run there is no ratio, and nothing changed."""
    if min(new.count, base.count) < FEWEST:
        return Contrast(new, base, "one run", one_run_each(new.count, base.count), value=1.0)
    return Contrast(new, base, "known", ratio=Estimate.exact(1.0), value=1.0)


def one_run_each(new: int, base: int) -> str:
    """Say why single runs cannot tell a difference, and what to do."""
    which = "of one run each" if new == base else "of a single run on one side"
    return (
        f"it cannot be told {which}: how much runs of one setting differ from each other is not known. Measure each "
        "side three times or more, in turn, or state the drift of the machine (--drift 3%)"
    )


def _with_borrowed(side: Pooled, other: Pooled, rules: Rules) -> Mean | None:
    """Return the mean of a side; a single run of the same machine varies as several of the other side do."""
    found = side.mean(rules.drift_ratio)
    if found is not None or not rules.is_one_machine or other.count <= FEWEST:
        return found
    varying = mean(other.values)
    alone = mean(side.values, 0.0)
    if varying is None or alone is None:
        return None
    return Mean(alone.log_mean, varying.variance * other.count, varying.freedom)


def _of_intervals(new: Pooled, base: Pooled, rules: Rules) -> Contrast:
    """Where a model or a meter leaves a side open: the least and the most that the ratio can be."""
    if min(*new.least, *base.least) <= 0:
        return Contrast(new, base, "zero", "a number may be 0, so there is no ratio")
    value = _quotient(new, base)
    seen = Estimate(value, min(new.least) / max(base.most), max(new.most) / min(base.least))
    found = _least_and_most(new, base, rules) or seen
    if value is None and found.low <= 1 <= found.high:
        reason = "it is known only as an interval on a side, and the intervals overlap: either could be the lower one"
        return Contrast(new, base, "not comparable", reason, found, trap="overlap")
    if found is seen:
        return Contrast(new, base, "one run", one_run_each(new.count, base.count), value=value)
    return Contrast(new, base, "known", ratio=found, value=value)


def _least_and_most(new: Pooled, base: Pooled, rules: Rules) -> Estimate | None:
    least = _means(new.least, base.most, new, base, rules)
    most = _means(new.most, base.least, new, base, rules)
    if least is None or most is None:
        return None
    return Estimate(_quotient(new, base), ratio(*least, rules.confidence).low, ratio(*most, rules.confidence).high)


def _means(
    ends: Sequence[float], other_ends: Sequence[float], new: Pooled, base: Pooled, rules: Rules
) -> tuple[Mean, Mean] | None:
    one, other = _mean(ends, rules.drift_ratio, new.own_ratio), _mean(other_ends, rules.drift_ratio, base.own_ratio)
    return None if one is None or other is None else (one, other)


def _mean(values: Sequence[float], drift_ratio: float | None, own_ratio: float) -> Mean | None:
    """A single run differs from the next by the drift of the machine, and by what it does not know of itself."""
    return mean(values, None if drift_ratio is None else hypot(drift_ratio, own_ratio))


def _quotient(new: Pooled, base: Pooled) -> float | None:
    return None if new.value is None or not base.value else new.value / base.value


def _own_ratio(found: Estimate | Unknown) -> float:
    """Return the standard error of a number within its run, as a share of it; 0 where it is not known."""
    if isinstance(found, Unknown) or not found.value or found.freedom is None:
        return 0.0
    return (found.high - found.low) / 2 / two_sided_t(CONFIDENCE, found.freedom) / abs(found.value)
