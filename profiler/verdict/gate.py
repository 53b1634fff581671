"""Did it get worse by more than is allowed? Two sets of runs, one metric at a time: pure.

The change is the ratio of the two sides with its interval. It is a regression when the whole interval lies beyond the
limit, and passes when the whole interval lies within it. Anything else is undecidable, never a pass: a gate that opens
because too little was measured is worse than none.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import fmean, stdev
from typing import Literal

from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.metrics.estimates import Unknown, estimate
from profiler.results.several import StoredRun
from profiler.results.summary import PointSummary, Summary
from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate, paired_ratio, ratio
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence

Answer = Literal["pass", "regression", "undecidable"]
Side = Sequence[Summary | PointSummary]

_SEVERAL = 2
_ENOUGH_FOR_SPREAD = 3  # runs of one side from which the spread of a single run of the other is taken
_MOST_RUNS = 1000
_MORE_RUNS = "measure more, on both sides."


@dataclass(frozen=True)
class Limit:
    """How much worse is allowed, as a share of the base, how sure an answer has to be, and what is set beside what."""

    max_regression_ratio: float
    confidence: float = CONFIDENCE
    is_paired: bool = False  # the first run of one side with the first of the other, and so on, by when they began


@dataclass(frozen=True)
class Gated:
    """One metric: the answer, the two sides at 95 %, and the change (new / base − 1) at the confidence asked for."""

    metric: str
    unit: str
    answer: Answer
    sentence: str
    base: Estimate | None = None
    new: Estimate | None = None
    change: Estimate | None = None


@dataclass(frozen=True)
class Gate:
    """All metrics together: the worst answer, and the confidence of each so that all hold together."""

    answer: Answer
    metrics: list[Gated]
    each_confidence: float
    notes: list[str]


def gate(
    base: Sequence[StoredRun],
    new: Sequence[StoredRun],
    metrics: Sequence[tuple[str, str | None]],
    limit: Limit,
    point: str | None = None,
) -> Gate:
    """Compare two sets of at least one run each; `metrics` are as `parse_metric` returns them.

    `point` names a load of runs with several; else the one that each summary's metrics stand for is taken, which must
    be the same. Raises `UsageError`.
    """
    _check_apart(base, new)
    if limit.is_paired:
        base, new = _in_pairs(base, new)
    sides = [[_at(run, point) for run in side] for side in (base, new)]
    if point is None:
        _check_headlines([*base, *new])
    each = adjusted_confidence(limit.confidence, len(metrics))
    found = [
        _energy_differs(sides[0], sides[1], name) or _gated(name, quantile, sides[0], sides[1], limit, each)
        for name, quantile in metrics
    ]
    answers = {one.answer for one in found}
    worst: Answer = next((a for a in ("regression", "undecidable") if a in answers), "pass")
    return Gate(worst, found, each, _notes(base, new))


def _notes(base: Sequence[StoredRun], new: Sequence[StoredRun]) -> list[str]:
    if min(len(base), len(new)) >= _SEVERAL:
        return []
    if max(len(base), len(new)) >= _ENOUGH_FOR_SPREAD:
        return ["One side is a single run: it is taken to vary from run to run as those of the other side do."]
    return [
        "One side is a single run: how much runs of one setting differ from each other is not in its interval, which "
        "may be too narrow. Give a folder with three runs or more for each side."
    ]


def _at(run: StoredRun, point: str | None) -> Summary | PointSummary:
    if point is None:
        return run.summary
    for summary in run.summary.points:
        if summary.point.name == point:
            return summary
    names = [summary.point.name for summary in run.summary.points]
    has = f"has {', '.join(names)}" if names else "is of a single load: leave --point out"
    raise UsageError(f"There is no load {point!r} in {run.folder.path}: it {has}.")


def _check_apart(base: Sequence[StoredRun], new: Sequence[StoredRun]) -> None:
    """Raise `UsageError` where a run is on both sides: it does not differ from itself."""
    both = {run.name for run in base} & {run.name for run in new}
    if both:
        raise UsageError(f"{', '.join(sorted(both))}: on both sides. Pass folders that have no run in common.")


def _in_pairs(base: Sequence[StoredRun], new: Sequence[StoredRun]) -> tuple[list[StoredRun], list[StoredRun]]:
    """Put both sides into the order in which their runs began. Raises `UsageError` where they do not make pairs."""
    if len(base) != len(new) or len(base) < _SEVERAL:
        raise UsageError(
            f"--paired takes as many base runs as new ones, at least {_SEVERAL}, made in turn; here are {len(base)} "
            f"and {len(new)}. Leave it out, or make the missing ones."
        )
    ordered = [sorted(side, key=lambda run: (run.manifest.started_utc, run.name)) for side in (base, new)]
    return ordered[0], ordered[1]


def _check_headlines(runs: Sequence[StoredRun]) -> None:
    """Raise `UsageError` where summaries stand for different loads."""
    headlines = {run.summary.headline for run in runs}
    if len(headlines) > 1:
        names = ", ".join(sorted(str(name or "a single load") for name in headlines))
        raise UsageError(f"These runs' numbers are those of different loads ({names}). Pass --point to choose one.")


def _energy_differs(base: Side, new: Side, name: str) -> Gated | None:
    """Return the answer for an energy that was not metered alike on both sides."""
    if METRICS[name].group != "energy" and not name.startswith("gco2e"):
        return None
    kinds = sorted({_meter(summary) for summary in (*base, *new)})
    if len(kinds) < _SEVERAL:
        return None
    sentence = f"{name}: undecidable. Energy was not metered alike: {' against '.join(kinds)}."
    return Gated(name, METRICS[name].unit, "undecidable", sentence)


def _meter(summary: Summary | PointSummary) -> str:
    """Return class and scope of the account that stands for a run: the first with a value."""
    found = (f"{account.meter_class} of {account.scope}" for account in summary.energy if account.gross_j is not None)
    return next(found, "no meter")


def _gated(
    name: str,
    quantile: str | None,
    base: Side,
    new: Side,
    limit: Limit,
    confidence: float,
) -> Gated:
    label, spec = f"{name}.{quantile}" if quantile else name, METRICS[name]
    if spec.better == "neither":
        raise UsageError(f"{name} cannot get worse: neither higher nor lower is better. See 'aforo metrics'.")
    sides = _sides(base, new, name, quantile)
    if isinstance(sides, Unknown):
        return Gated(label, spec.unit, "undecidable", f"{label}: undecidable. {sides.reason}.")
    known_base, known_new = sides
    pairs = _pairs(base, new, name, quantile) if limit.is_paired else []
    relative = paired_ratio(pairs) if pairs else ratio(known_new, known_base)
    if relative is None:
        sentence = f"{label}: undecidable. An interval reaches 0, so little was measured: {_MORE_RUNS}"
        return Gated(label, spec.unit, "undecidable", sentence, known_base, known_new)
    change = _minus_one(relative.at(confidence))
    worse = _negative(change) if spec.better == "higher" else change
    answer = _answer(worse, limit.max_regression_ratio)
    sign = "−" if spec.better == "higher" else "+"
    allowed = f"{sign}{100 * limit.max_regression_ratio:g} %"
    sentence = f"{label}: {_in_words(change, confidence)}, allowed is {allowed}: {answer}."
    if answer == "undecidable":
        counts = (len(base), len(new)) if not pairs else None
        sentence += " " + what_would_decide(worse, limit.max_regression_ratio, counts, confidence)
    return Gated(label, spec.unit, answer, sentence, known_base, known_new, change)


def _sides(base: Side, new: Side, name: str, quantile: str | None) -> tuple[Estimate, Estimate] | Unknown:
    """Return both sides with their intervals."""
    by_side = [[estimate(summary, name, quantile) for summary in side] for side in (base, new)]
    known_base, known_new = _together(by_side[0], by_side[1]), _together(by_side[1], by_side[0])
    if isinstance(known_base, Unknown):
        return Unknown(f"The base: {known_base.reason}")
    if isinstance(known_new, Unknown):
        return Unknown(f"The new side: {known_new.reason}")
    return known_base, known_new


def _pairs(base: Side, new: Side, name: str, quantile: str | None) -> list[tuple[float, float]]:
    """Return (new, base) of each pair; none where a number is only known as an interval."""
    values = [_values([estimate(summary, name, quantile) for summary in side]) for side in (new, base)]
    return list(zip(*values, strict=True)) if len(values[0]) == len(values[1]) == len(base) else []


def _together(runs: Sequence[Estimate | Unknown], other: Sequence[Estimate | Unknown]) -> Estimate | Unknown:
    """Return the mean of several runs with the interval over them; a single one is no surer than one of the other side.

    Runs known only as an interval (energy by a model) are somewhere from the least to the most of any of them.
    """
    for run in runs:
        if isinstance(run, Unknown) and run.value is None:
            return run
    values = _values(runs)
    if len(values) < len(runs):
        ranges = [run for run in runs if isinstance(run, Estimate)]
        return Estimate(None, min(one.low for one in ranges), max(one.high for one in ranges))
    if len(runs) > 1:
        return Estimate.of_repeats(fmean(values), values)
    return _wider(runs[0], values[0], _values(other))


def _values(runs: Sequence[Estimate | Unknown]) -> list[float]:
    return [run.value for run in runs if run.value is not None]


def _wider(run: Estimate | Unknown, value: float, others: Sequence[float]) -> Estimate | Unknown:
    """Return a run with the wider interval of its own and of what a run varies by, where three or more tell that."""
    if len(others) < _ENOUGH_FOR_SPREAD:
        return run
    freedom = len(others) - 1
    varying = Estimate.around(value, two_sided_t(CONFIDENCE, freedom) * stdev(others), freedom)
    return varying if isinstance(run, Unknown) or run.high - run.low < varying.high - varying.low else run


def _minus_one(relative: Estimate) -> Estimate:
    value = None if relative.value is None else relative.value - 1
    return Estimate(value, relative.low - 1, relative.high - 1, relative.freedom)


def _negative(change: Estimate) -> Estimate:
    return Estimate(None if change.value is None else -change.value, -change.high, -change.low, change.freedom)


def _answer(worse: Estimate, limit_ratio: float) -> Answer:
    if worse.low > limit_ratio:
        return "regression"
    return "pass" if worse.high < limit_ratio else "undecidable"


def what_would_decide(worse: Estimate, limit_ratio: float, runs: tuple[int, int] | None, confidence: float) -> str:
    """Say how many runs of each side would decide, if they turned out like those that there are.

    `runs` is how many there are of each side, None where they are paired.
    """
    if worse.value is None:
        return "It is known only as an interval, which no number of runs makes narrower: meter the energy."
    distance = abs(worse.value - limit_ratio)
    half_width = worse.high - worse.value if worse.value < limit_ratio else worse.value - worse.low
    if runs is not None and min(runs) < _SEVERAL:
        return _without_repeats(max(runs), half_width, distance)
    needed = _needed(runs, worse.freedom or 1.0, half_width, distance, confidence)
    what = "runs on each side" if runs is not None else "pairs"
    if needed is None:
        return f"The change is so near to the limit that even {_MOST_RUNS:,} {what} would not decide."
    return f"If they vary as these do, {needed} {what} would decide."


def _without_repeats(more: int, half_width: float, distance: float) -> str:
    if more >= _ENOUGH_FOR_SPREAD:
        return f"Give {_ENOUGH_FOR_SPREAD} runs or more on each side."
    times = (half_width / distance) ** 2 if distance else _MOST_RUNS
    return f"It takes {_about(times)} as many requests, or better {_ENOUGH_FOR_SPREAD} runs or more on each side."


def _needed(
    runs: tuple[int, int] | None, freedom: float, half_width: float, distance: float, confidence: float
) -> int | None:
    """Return how many runs of each side, or pairs, make a half-width less than a distance."""
    error = half_width / two_sided_t(confidence, freedom)
    there = min(runs) if runs is not None else round(freedom) + 1
    one = error * sqrt(there) if runs is None else error / sqrt(1 / runs[0] + 1 / runs[1]) * sqrt(2)

    def decides(count: int) -> bool:
        free = count - 1 if runs is None else 2 * count - 2
        return two_sided_t(confidence, free) * one / sqrt(count) < distance

    counts = range(there + 1, _MOST_RUNS + 1)
    found = bisect_left(counts, True, key=decides)
    return counts[found] if found < len(counts) else None


def _about(times: float) -> str:
    return f"about {ceil(times)} times" if times < _MOST_RUNS else f"over {_MOST_RUNS:,} times"


def _in_words(change: Estimate, confidence: float) -> str:
    ends = f"{_percent(change.low)} to {_percent(change.high)}"
    if change.value is None:
        return f"somewhere from {ends}"
    return f"{_percent(change.value)} ({100 * confidence:.4g} % interval {ends})"


def _percent(ratio_of_base: float) -> str:
    return f"{100 * ratio_of_base:+.1f} %".replace("-", "−")
