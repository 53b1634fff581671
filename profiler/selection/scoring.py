"""A score: constraints, operating points, the Pareto front, weighted products, and how sure all that is. Pure.

The score of a candidate is Π (x / baseline)^weight over the criteria, with each quotient in the good direction. The
baseline is fixed, so that no candidate changes the score of another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, inf
from random import Random
from typing import Literal

from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.progress import Progress, Silent
from profiler.results.run_set import StoredRun
from profiler.results.summary import Distribution, PointSummary, Scalar, Summary
from profiler.selection.acceptability import Odds, odds, scores_of, winning_shares
from profiler.selection.answers import MEETS
from profiler.selection.candidate import MAY_DIFFER_IN_LOAD, MAY_DIFFER_IN_MODEL, candidates
from profiler.selection.carbon_ends import carbon_at_ends, common_grid
from profiler.selection.contenders import Contender, contenders
from profiler.selection.draws import Alternative, Quantity, drawn_gains
from profiler.selection.facts_file import StatedFacts
from profiler.selection.gains import is_open, quantity
from profiler.selection.open_ends import with_open_ends
from profiler.selection.operating import JudgedLoad
from profiler.selection.profile import Criterion, Profile
from profiler.selection.sensitivity import Flip, Stretch, nearest_flip, winners_along
from profiler.selection.sensitivity import score as score_of
from profiler.selection.targets import number_of
from profiler.selection.weights import Weights, anywhere, in_order, nearby, ranks_of
from profiler.stats.between_runs import FEWEST
from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.pareto import Standing, standings
from profiler.summaries.estimates import Unknown, unit_of
from profiler.verdict.comparable import check_comparable
from profiler.verdict.fairness import obstacle

DRAWS = 10_000
Way = Literal["own", "nearby", "order", "any"]
"""How weights are taken: as stated, near those, in their order, or any at all."""


@dataclass(frozen=True)
class Options:
    """How a score is made besides its profile."""

    facts: Sequence[StatedFacts] = ()
    baseline: str | None = None  # a run, in place of the profile's numbers
    allowed: Sequence[str] = ()
    drift_ratio: float | None = None
    draws: int = DRAWS
    seed: int = 0
    allow_invalid: bool = False


@dataclass(frozen=True)
class Ranked:
    """A candidate that meets every constraint, with its score.

    `score` is the product over the baseline, 1 for the baseline itself, more for better: its value, between the least
    and the most that models leave open. `odds` are by way of taking weights.
    """

    contender: Contender
    numbers: tuple[Estimate, ...]  # by criterion
    alternative: Alternative
    score: tuple[float, float, float]
    front: Standing
    odds: Mapping[Way, Odds]

    @property
    def load(self) -> JudgedLoad:
        """Its operating point."""
        assert self.contender.operating.at is not None  # noqa: S101 - it meets every constraint
        return self.contender.operating.at


@dataclass(frozen=True)
class LeftOut:
    """A candidate that is not ranked: it fails a constraint, or that cannot be told, or a number has no ratio."""

    contender: Contender
    reasons: tuple[str, ...] = ()  # besides the constraints


@dataclass(frozen=True)
class Scoring:
    """All that a score says, the best candidate first."""

    profile: Profile
    options: Options
    units: tuple[str, ...]  # of the criteria
    baselines: tuple[float, ...]
    weights: Weights
    ranked: tuple[Ranked, ...]
    left_out: tuple[LeftOut, ...]
    winning: tuple[tuple[float, ...], ...] = ()  # how often each (row) beats each other (column), at the own weights
    flip: Flip | None = None
    stretches: tuple[tuple[Stretch, ...], ...] = ()  # by criterion
    runs: tuple[StoredRun, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()  # of whoever read the runs: how old their prices are

    @property
    def winner(self) -> Ranked | None:
        """The candidate of the highest score; None where none meets the constraints."""
        return self.ranked[0] if self.ranked else None

    @property
    def of_single_runs(self) -> list[str]:
        """Candidates of which one run stands for all, so that it is not known how much the next would differ."""
        if self.options.drift_ratio is not None:
            return []
        return [one.contender.candidate.name for one in self.ranked if len(one.load.load.runs) < FEWEST]

    @property
    def nearest_miss(self) -> Contender | None:
        """The candidate that comes nearest to meeting all constraints, where none does."""
        if self.ranked or not self.left_out:
            return None
        return min((one.contender for one in self.left_out), key=lambda one: one.miss)


def score(profile: Profile, runs: Sequence[StoredRun], options: Options, progress: Progress | None = None) -> Scoring:
    """Score runs by a profile.

    Raises `UsageError` for runs of different workloads, criteria that may not be compared between them, mixed
    currencies, and a missing baseline.
    """
    check_comparable(runs, [*MAY_DIFFER_IN_LOAD, *MAY_DIFFER_IN_MODEL, *options.allowed])
    judged = contenders(
        candidates(runs, allow_invalid=options.allow_invalid), profile, options.facts, options.drift_ratio
    )
    meeting = [one for one in judged if one.standing == MEETS]
    units = tuple(_unit(criterion, judged, options) for criterion in profile.criteria)
    baselines = _baselines(profile, judged, options)
    ready, left_out = [], [LeftOut(one) for one in judged if one.standing != MEETS]
    grid = common_grid([one.candidate for one in meeting])
    for contender in meeting:
        try:
            ready.append((contender, *_alternative(contender, profile, baselines, grid, options)))
        except ValueError as error:
            left_out.append(LeftOut(contender, (str(error),)))
    made = Scoring(profile, options, units, baselines, profile.own_weights, (), tuple(left_out), runs=tuple(runs))
    return _ranked(made, ready, progress or Silent()) if ready else made


def _unit(criterion: Criterion, judged: Sequence[Contender], options: Options) -> str:
    """Return the unit of a criterion, the same for all. Raises `UsageError` where it may not be compared."""
    name, _ = criterion.parsed
    loads = [one.shown_load.load for one in judged if one.shown_load is not None]
    measured = [run for load in loads for run in load.runs if _is_measured(run.summary, name)]
    found = {unit_of(run.summary, name): run.name for run in measured}
    if len(found) > 1:
        told = "; ".join(f"{unit} ({run})" for unit, run in sorted(found.items()))
        raise UsageError(f"{name} is in several units, and currencies are never converted: {told}. Score them apart.")
    if barred := obstacle(name, measured, (), options.allowed):
        raise UsageError(
            f"{name} may not be compared between these runs. {barred.sentence} {barred.remedy} "
            f"To score them all the same: --allow-mismatch {barred.id}"
        )
    return next(iter(found), METRICS[name].unit)


def _is_measured(summary: Summary | PointSummary, metric: str) -> bool:
    return isinstance(summary.metrics.get(metric), Scalar | Distribution)


def _baselines(profile: Profile, judged: Sequence[Contender], options: Options) -> tuple[float, ...]:
    """Return the value of each criterion that counts as 1. Raises `UsageError` for one that nobody gives."""
    if options.baseline is not None:
        load = _named(options.baseline, judged).shown_load
        if load is None:
            raise UsageError(f"--baseline {options.baseline}: it has no load that is to be believed. Name another one.")
        found = [number_of(load.load, one.parsed, options.drift_ratio).value for one in profile.criteria]
        return tuple(_given(value, one) for value, one in zip(found, profile.criteria, strict=True))
    return tuple(_given(one.baseline, one) for one in profile.criteria)


def _given(value: float | None, criterion: Criterion) -> float:
    if value is None or value <= 0:
        raise UsageError(
            f"The criterion {criterion.metric} has no baseline above 0, the value that counts as 1. Give 'baseline' in "
            "the profile, or name a run that has it: --baseline RUN."
        )
    return value


def _named(wanted: str, judged: Sequence[Contender]) -> Contender:
    """Return the candidate of this name, or that of this run. Raises `UsageError`."""
    for one in judged:
        runs = one.candidate.runs
        if wanted == one.candidate.name or any(wanted in {run.name, str(run.folder.path)} for run in runs):
            return one
    known = ", ".join(f"{one.candidate.name} ({one.candidate.runs[0].name})" for one in judged[:8])
    raise UsageError(f"--baseline {wanted}: none of the scored runs. Expected a run or a candidate; there are {known}.")


def _alternative(
    contender: Contender,
    profile: Profile,
    baselines: Sequence[float],
    grid: tuple[float, float] | None,
    options: Options,
) -> tuple[tuple[Estimate, ...], Alternative]:
    """Return the numbers of a candidate and its gains. Raises `ValueError` for a number that cannot be scored."""
    judged = contender.operating.at
    assert judged is not None  # noqa: S101 - it meets every constraint
    speed_sd, freedom = _speed(judged.rate)
    numbers, quantities = [], []
    for criterion, baseline in zip(profile.criteria, baselines, strict=True):
        name, part = criterion.parsed
        found = number_of(judged.load, (name, part), options.drift_ratio)
        if isinstance(found, Unknown):
            raise ValueError(f"{criterion.metric}: {found.reason}")
        ends = carbon_at_ends(judged.load, name, grid, options.drift_ratio) if grid and is_open(found) else []
        try:
            own = quantity(found, METRICS[name], baseline, criterion.floor, speed_sd, ends)
        except ValueError as error:
            raise ValueError(f"{criterion.metric}: {error}") from None
        numbers.append(found)
        quantities.append(own if grid is None or len(own.open_to) > 1 else _at_both_ends(own))
    return tuple(numbers), Alternative(contender.key, tuple(quantities), freedom, contender.candidate.host)


def _at_both_ends(own: Quantity) -> Quantity:
    """A number that has nothing to do with the grid is the same at both of its ends."""
    return Quantity(own.gain, own.speed_sd, own.own_sd, own.own_freedom, own.open_to * 2)


def _speed(rate: Estimate | Unknown) -> tuple[float, float]:
    """Return the standard deviation of ln(rate), and its degrees of freedom; none of a rate without an interval."""
    if isinstance(rate, Unknown) or rate.is_exact or rate.freedom is None or rate.low <= 0:
        return 0.0, inf
    return quantity(rate, METRICS["output_tokens_per_s"], 1.0).speed_sd, rate.freedom


_Ready = tuple[Contender, tuple[Estimate, ...], Alternative]


def _ranked(made: Scoring, ready: Sequence[_Ready], progress: Progress) -> Scoring:
    """Rank what is left, over draws."""
    weights, alternatives = made.weights, [alternative for *_, alternative in ready]
    gains = [[each.gain for each in one.quantities] for one in alternatives]
    middles = [score_of(weights, own) for own in gains]
    order = sorted(range(len(ready)), key=lambda index: (-middles[index], alternatives[index].name))
    ready, alternatives = [ready[index] for index in order], [alternatives[index] for index in order]
    gains = [gains[index] for index in order]
    drawn, by_way, scores = _drawn(made, alternatives, progress)
    fronts = standings([_beaten_by_less(one, weights) for one in alternatives])
    return Scoring(
        made.profile,
        made.options,
        made.units,
        made.baselines,
        weights,
        tuple(
            Ranked(contender, numbers, alternative, _score(alternative, weights), front, own)
            for (contender, numbers, alternative), front, own in zip(ready, fronts, by_way, strict=True)
        ),
        made.left_out,
        tuple(map(tuple, winning_shares(scores))),
        nearest_flip(weights, gains, 0) if drawn > 1 else None,
        tuple(tuple(winners_along(weights, gains, index)) for index in range(len(weights))),
        made.runs,
    )


def _drawn(
    made: Scoring, alternatives: Sequence[Alternative], progress: Progress
) -> tuple[int, list[Mapping[Way, Odds]], list[list[float]]]:
    """Return how many ways of taking weights there are, the odds of each alternative by way, and the own scores."""
    ways = _ways(made)
    progress.stage(f"Drawing {made.options.draws:,} times", total=len(alternatives))
    scores: dict[Way, list[list[float]]] = {way: [] for way in ways}
    for done, alternative in enumerate(alternatives):
        rows = list(drawn_gains(alternative, made.options.draws, made.options.seed))
        for way, weights in ways.items():
            scores[way].append(scores_of(rows, weights))
        progress.advance(done + 1)
    found: dict[Way, list[Odds]] = {
        way: with_open_ends(odds(scores[way], weights), alternatives, scores[way], weights)
        for way, weights in ways.items()
    }
    return (
        len(ways),
        [{way: own[index] for way, own in found.items()} for index in range(len(alternatives))],
        scores["own"],
    )


def _ways(made: Scoring) -> dict[Way, list[Weights]]:
    """Draw weights in every way that makes a difference."""
    own, draws, profile = made.weights, made.options.draws, made.profile
    found: dict[Way, list[Weights]] = {"own": [own] * draws}
    if len(own) == 1:
        return found
    if profile.weights == "stated" and profile.weight_factor > 1:
        found["nearby"] = nearby(own, profile.weight_factor, draws, _random(made, "nearby"))
    found["order"] = in_order(ranks_of(own), draws, _random(made, "order"))
    found["any"] = anywhere(len(own), draws, _random(made, "any"))
    return found


def _random(made: Scoring, way: Way) -> Random:
    return Random(f"{made.options.seed}/weights/{way}")  # noqa: S311 - draws must be repeatable, not secret


def _score(alternative: Alternative, weights: Weights) -> tuple[float, float, float]:
    """Return the least, the middle and the most of the score, as a product over the baseline."""
    middle = score_of(weights, [each.gain for each in alternative.quantities])
    least = score_of(weights, [min(low for low, _ in each.open_to) for each in alternative.quantities])
    most = score_of(weights, [max(high for _, high in each.open_to) for each in alternative.quantities])
    return exp(middle + least), exp(middle), exp(middle + most)


def _beaten_by_less(alternative: Alternative, weights: Weights) -> tuple[Estimate, ...]:
    """Return the criteria that count as intervals of what is lost against the baseline: better when lower."""
    return tuple(
        _lost(each, alternative.speed_freedom)
        for each, weight in zip(alternative.quantities, weights, strict=True)
        if weight
    )


def _lost(own: Quantity, speed_freedom: float) -> Estimate:
    freedom = min(speed_freedom if own.speed_sd else inf, own.own_freedom if own.own_sd else inf)
    reach = two_sided_t(CONFIDENCE, freedom) * (own.speed_sd**2 + own.own_sd**2) ** 0.5
    low, high = min(low for low, _ in own.open_to), max(high for _, high in own.open_to)
    return Estimate(-own.gain, -own.gain - high - reach, -own.gain - low + reach)
