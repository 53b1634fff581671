"""Is a candidate enough better than what is used now to switch? Pure.

Two things are asked: whether it is better by the least gain that is worth the trouble, which `verdict.contrast` decides
from how runs of each side differ; and whether the one-off cost of switching comes back in time, from what a day costs
on each side at the stated demand, in whole hosts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot, inf
from typing import Literal

from profiler.cost.ways import Way
from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.results.manifest import PriceFacts
from profiler.selection.answers import CANNOT_BE_TOLD, FAILS, MEETS, Answer, Standing, answer
from profiler.selection.breakeven import S_PER_DAY, hour_at, operating_load, price_of
from profiler.selection.candidate import Candidate
from profiler.selection.operating import JudgedLoad
from profiler.selection.targets import Target
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown
from profiler.verdict.contrast import Contrast, Metric, Rules, contrast
from profiler.verdict.fairness import remedy_of

Verdict = Literal["worth it", "not worth it", "cannot be told"]
_MILLION = 1e6


@dataclass(frozen=True)
class Question:
    """What is asked: the least gain (a share of the metric), what switching costs, and what is served."""

    min_gain_ratio: float
    switch_cost: float
    tokens_per_day: float
    payback_within_days: float
    metric: Metric | None = None  # None: the cost of a million tokens
    utilisation_ratio: float | None = None
    targets: tuple[Target, ...] = ()
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True)
class Side:
    """One side at its operating point. `day` is what a day costs; `hosts` as measured, at the least, at the most."""

    candidate: Candidate
    at: JudgedLoad
    currency: str
    day: Estimate
    hosts: tuple[int, int, int] | None = None  # None: charged by the token


@dataclass(frozen=True)
class Payback:
    """Days until the saving has paid for the switch: least and most; `most` is infinite where it may never."""

    value: float | None
    least: float
    most: float


@dataclass(frozen=True)
class Decision:
    """Whether to switch, and why."""

    question: Question
    current: Side
    candidate: Side
    metric: Metric
    contrast: Contrast
    gain: Estimate | None  # share by which the candidate is better; negative where it is worse
    gain_value: float | None  # the same without an interval
    saving_per_day: Estimate
    payback: Payback
    conditions: tuple[Answer, Answer]  # gain, payback

    @property
    def verdict(self) -> Verdict:
        """Worth it where both conditions surely hold, not worth it where one surely does not."""
        standings = {one.standing for one in self.conditions}
        if FAILS in standings:
            return "not worth it"
        return "cannot be told" if CANNOT_BE_TOLD in standings else "worth it"


def decide(current: Sequence[Candidate], new: Sequence[Candidate], question: Question) -> Decision:
    """Set the candidate beside what is used now.

    Raises `UsageError` where a side is not one candidate, has no price or no load that meets the targets, or where
    currencies differ.
    """
    sides = _side(_only(current, "--current"), question), _side(_only(new, "--candidate"), question)
    if sides[0].currency != sides[1].currency:
        raise UsageError(
            f"The current side is priced in {sides[0].currency}, the candidate in {sides[1].currency}, and currencies "
            "are never converted. State both in one: aforo prices set RUN --price … --currency …"
        )
    metric = question.metric or (sides[0].candidate.tokens.cost, None)
    if METRICS[metric[0]].better == "neither":
        raise UsageError(f"--metric {metric[0]}: neither more nor less of it is better. 'aforo metrics' lists others.")
    if METRICS[metric[0]].better == "lower" and question.min_gain_ratio >= 1:
        raise UsageError(
            f"--min-gain {question.min_gain_ratio:.0%}: {metric[0]} would have to fall to nothing. Expected below "
            "100%, or --metric with a metric of which more is better."
        )
    found = contrast(sides[1].at.load.runs, sides[0].at.load.runs, metric, question.rules)
    gain, value = _gain(found, metric)
    is_known = found.state == "known"
    saving = saved(sides[0].day, sides[1].day)
    payback = paid_back(question.switch_cost, saving)
    conditions = _of_gain(found, gain, value, question), _of_payback(payback, question, is_known=is_known)
    return Decision(question, *sides, metric, found, gain, value, saving, payback, conditions)


def saved(now: Estimate, then: Estimate) -> Estimate:
    """Return the difference of two independent numbers with an interval that is made of theirs.

    MOVER: G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general approach",
    Statistics in Medicine 27, 2008: d ± √((distance of one's end)² + (distance of the other's end)²).
    """
    one, other = now.middle, then.middle
    difference = one - other
    return Estimate(
        difference,
        difference - hypot(one - now.low, then.high - other),
        difference + hypot(now.high - one, other - then.low),
    )


def paid_back(switch_cost: float, saving_per_day: Estimate) -> Payback:
    """Return after how many days a one-off cost is saved: cost / saving; at no saving never.

    A switch that costs nothing is paid back at once, unless each day then costs more than now.
    """
    value = saving_per_day.value
    return Payback(
        None if value is None else _days(switch_cost, value),
        _days(switch_cost, saving_per_day.high),
        _days(switch_cost, saving_per_day.low),
    )


def _days(switch_cost: float, saving: float) -> float:
    if not switch_cost:
        return 0.0 if saving >= 0 else inf
    return switch_cost / saving if saving > 0 else inf


def _only(candidates: Sequence[Candidate], flag: str) -> Candidate:
    if len(candidates) != 1:
        hosts = ", ".join(f"{one.host} with {one.manifest.engine.name}" for one in candidates)
        raise UsageError(f"{flag}: expected runs of one model, host and setting, found {len(candidates)} ({hosts}).")
    return candidates[0]


def _side(candidate: Candidate, question: Question) -> Side:
    at = operating_load(candidate, question.targets, question.rules.drift_ratio)
    cost = candidate.manifest.cost
    if cost.token_price is not None:
        return _charged_side(candidate, at, cost.token_price.currency, question)
    return _hosted_side(candidate, at, price_of(candidate), question)


def _charged_side(candidate: Candidate, at: JudgedLoad, currency: str, question: Question) -> Side:
    each = _known(candidate, at, at.cost, "what a token costs").times(question.tokens_per_day / _MILLION)
    return Side(candidate, at, currency, each)


def _hosted_side(candidate: Candidate, at: JudgedLoad, paid: PriceFacts, question: Question) -> Side:
    used = question.utilisation_ratio or candidate.manifest.cost.utilisation_ratio
    capacity = _known(candidate, at, at.rate, "how many tokens/s it serves").times(used * S_PER_DAY)
    if capacity.low <= 0:
        raise UsageError(f"{candidate.host}: how many tokens/s it serves is not known: its interval reaches 0.")
    way = Way(candidate.name, unit_per_hour=hour_at(paid, used), capacity_per_day=capacity)
    demand = question.tokens_per_day
    day = Estimate(way.per_day(demand), way.least_per_day(demand), way.most_per_day(demand))
    return Side(candidate, at, paid.currency, day, way.units(demand))


def _known(candidate: Candidate, at: JudgedLoad, found: Estimate | Unknown, what: str) -> Estimate:
    """Return a number; one without an interval as if it were exact, which the verdict does not rest on."""
    if isinstance(found, Estimate):
        return found
    if found.value:
        return Estimate.exact(found.value)
    raise UsageError(f"{candidate.host}: {what} at {at.load.described} is not known: {found.reason}.")


def _gain(found: Contrast, metric: Metric) -> tuple[Estimate | None, float | None]:
    """Return by which share the candidate is better: 1 − ratio of what is to be low, ratio − 1 of what is not."""
    is_lower = METRICS[metric[0]].better == "lower"
    value = None if found.value is None else (1 - found.value if is_lower else found.value - 1)
    ratio = found.ratio
    if found.state != "known" or ratio is None:
        return None, value
    number = None if ratio.value is None else (1 - ratio.value if is_lower else ratio.value - 1)
    ends = (1 - ratio.high, 1 - ratio.low) if is_lower else (ratio.low - 1, ratio.high - 1)
    return Estimate(number, *ends, ratio.freedom), value


def _of_gain(found: Contrast, gain: Estimate | None, value: float | None, question: Question) -> Answer:
    constraint = f"{question.min_gain_ratio:.3g} or more of gain"
    if gain is None:
        remedy = remedy_of(found.trap) if found.trap else ""
        allowed = f" or --allow-mismatch {found.trap}, where the switch is about that" if found.trap and remedy else ""
        return Answer(CANNOT_BE_TOLD, constraint, value=value, reason=found.reason, tell=remedy.rstrip(".") + allowed)
    return answer(gain, "at least", question.min_gain_ratio, constraint)


def _of_payback(payback: Payback, question: Question, *, is_known: bool) -> Answer:
    limit = question.payback_within_days
    constraint = f"paid back within {limit:g} days"
    if not is_known:
        reason = "how surely the two sides differ is not known, so neither is the saving"
        return Answer(CANNOT_BE_TOLD, constraint, value=payback.value, reason=reason)
    standing: Standing = MEETS if payback.most <= limit else FAILS if payback.least > limit else CANNOT_BE_TOLD
    tell = "more runs of each side, or another demand" if standing == CANNOT_BE_TOLD else ""
    return Answer(standing, constraint, value=payback.value, unit="days", tell=tell)
