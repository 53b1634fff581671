"""Did it get worse by more than is allowed? Two sets of runs, one metric at a time: pure.

The change is the ratio of the two sides with its interval, which rests on how much runs differ from each other
(`verdict.contrast`). It is a regression when the whole interval lies beyond the limit, and passes when the whole
interval lies within it. Either question is one-sided, so that an answer at 95 % takes the interval of 90 %. Anything
else is inconclusive, never a pass: a gate that opens because too little was measured is worse than none. A single run
on each side is inconclusive, too, for nothing is known of how much two runs of one setting differ.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

from profiler.change_format import Change, outcome_word
from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.results.run_set import RunAtLoad, StoredRun
from profiler.stats.between_runs import FEWEST
from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence
from profiler.summaries.estimates import unit_of
from profiler.verdict.contrast import Contrast, Metric, Rules, contrast, host_of, pools
from profiler.verdict.fairness import TRAPS, Found, traps

Answer = Literal["pass", "regression", "undecidable"]

_ENOUGH_FOR_SPREAD = 3  # runs of one side from which the variation of a single run of the other is taken
_MOST_RUNS = 1000


@dataclass(frozen=True)
class Limit:
    """How much worse is allowed, as a share of the base, how sure an answer has to be, and what is set beside what."""

    max_regression_ratio: float
    confidence: float = CONFIDENCE  # that an answer is right, all metrics together
    is_paired: bool = False  # the first run of one side with the first of the other, and so on, by when they began
    drift_ratio: float | None = None  # stated: how much a run differs from the next, see `verdict.contrast`
    allowed: Collection[str] = ()  # traps that are taken all the same


@dataclass(frozen=True)
class Gated:
    """One metric: the answer, the two sides at 95 %, and the change (new / base − 1) with its interval.

    `middle` is the change alone, where it has no interval.
    """

    metric: str
    unit: str
    answer: Answer
    sentence: str
    base: Estimate | None = None
    new: Estimate | None = None
    change: Estimate | None = None
    middle: float | None = None


@dataclass(frozen=True)
class Gate:
    """All metrics together: the worst answer, and the confidence of each so that all hold together."""

    answer: Answer
    metrics: list[Gated]
    each_confidence: float
    notes: list[str]
    traps: tuple[Found, ...] = ()


def gate(
    base: Sequence[StoredRun],
    new: Sequence[StoredRun],
    metrics: Sequence[Metric],
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
    found = [_gated(metric, sides[0], sides[1], limit, each) for metric in metrics]
    answers = {one.answer for one in found}
    worst: Answer = next((a for a in ("regression", "undecidable") if a in answers), "pass")
    together = [*sides[0], *sides[1]]
    return Gate(worst, found, each, _notes(sides[0], sides[1], limit), tuple(traps(together, limit.allowed)))


def _notes(base: Sequence[RunAtLoad], new: Sequence[RunAtLoad], limit: Limit) -> list[str]:
    notes = [
        f"The {name} side holds runs of {len(found)} hosts or settings, which are taken for repeats of one."
        for name, side in (("base", base), ("new", new))
        if len(found := pools(side)) > 1
    ]
    if min(len(base), len(new)) >= FEWEST or limit.drift_ratio is not None:
        return notes
    if max(len(base), len(new)) >= _ENOUGH_FOR_SPREAD and _is_one_machine(base, new):
        return [*notes, "One side is a single run: it is taken to vary from run to run as those of the other side do."]
    return [*notes, "How much runs of one setting differ from each other is not known from a single run."]


def _at(run: StoredRun, point: str | None) -> RunAtLoad:
    if point is None:
        return RunAtLoad(run, run.summary)
    for summary in run.summary.points:
        if summary.point.name == point:
            return RunAtLoad(run, summary)
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
    if len(base) != len(new) or len(base) < FEWEST:
        raise UsageError(
            f"--paired takes as many base runs as new ones, at least {FEWEST}, made in turn; here are {len(base)} "
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


def _is_one_machine(base: Sequence[RunAtLoad], new: Sequence[RunAtLoad]) -> bool:
    return len({host_of(run) for run in (*base, *new)}) == 1


def _gated(metric: Metric, base: Sequence[RunAtLoad], new: Sequence[RunAtLoad], limit: Limit, each: float) -> Gated:
    name, quantile = metric
    label, spec = f"{name}.{quantile}" if quantile else name, METRICS[name]
    unit = unit_of(new[0].summary, name)
    if spec.better == "neither":
        raise UsageError(f"{name} cannot get worse: neither higher nor lower is better. See 'aforo metrics'.")
    rules = Rules(2 * each - 1, limit.drift_ratio, limit.allowed, limit.is_paired, _is_one_machine(base, new))
    found = contrast(new, base, metric, rules)
    sides = found.base.estimate(limit.drift_ratio), found.new.estimate(limit.drift_ratio)
    middle = None if found.value is None else found.value - 1
    if found.state != "known" or found.ratio is None:
        sentence = f"{label}: {_bare(middle)}inconclusive. {_whole(found)}"
        return Gated(label, unit, "undecidable", sentence, *sides, None, middle)
    change = Estimate(middle, found.ratio.low - 1, found.ratio.high - 1, found.ratio.freedom)
    answer = _answer(change, limit.max_regression_ratio, is_higher_better=spec.better == "higher")
    sign = "−" if spec.better == "higher" else "+"
    allowed = f"{sign}{100 * limit.max_regression_ratio:g} %"
    sentence = f"{label}: {_in_words(change, rules.confidence)}, allowed is {allowed}: {outcome_word(answer)}."
    if answer == "undecidable":
        bound = 1 - limit.max_regression_ratio if spec.better == "higher" else 1 + limit.max_regression_ratio
        sentence += " " + what_would_decide(found, bound, rules)
    return Gated(label, unit, answer, sentence, *sides, change, middle)


def _answer(change: Estimate, limit_ratio: float, *, is_higher_better: bool) -> Answer:
    worst, best = (-change.low, -change.high) if is_higher_better else (change.high, change.low)
    if best > limit_ratio:
        return "regression"
    return "pass" if worst < limit_ratio else "undecidable"


def what_would_decide(found: Contrast, bound: float, rules: Rules) -> str:
    """Say how many runs of each side, or pairs, would decide, if they turned out like those that there are.

    `bound` is new / base where the answer turns.
    """
    known = found.ratio
    if known is None or known.value is None or known.freedom is None:
        return "It is known only as an interval, which no number of runs makes narrower: meter the energy."
    if bound <= 0:
        return "Nothing can be worse by more than that."
    if rules.confidence <= 0 or known.value == bound:
        return "The change is the limit itself: no number of runs would decide."
    distance = abs(log(known.value / bound))
    error = log(known.high / known.value) / two_sided_t(rules.confidence, known.freedom)
    what = "pairs" if rules.is_paired else "runs on each side"
    needed = _needed(found, error, distance, rules)
    if needed is None:
        return f"The change is so near to the limit that even {_MOST_RUNS:,} {what} would not decide."
    return f"If they vary as these do, {needed} {what} would decide."


def _needed(found: Contrast, error: float, distance: float, rules: Rules) -> int | None:
    """Return how many runs of each side, or pairs, make the interval's half-width less than a distance."""
    counts = found.base.count, found.new.count
    there = min(counts)
    one = error * sqrt(there) if rules.is_paired else error / sqrt(1 / counts[0] + 1 / counts[1]) * sqrt(2)

    def decides(count: int) -> bool:
        freedom = count - 1 if rules.is_paired else 2 * count - 2
        return two_sided_t(rules.confidence, freedom) * one / sqrt(count) < distance

    possible = range(max(FEWEST, there + 1), _MOST_RUNS + 1)
    first = bisect_left(possible, True, key=decides)
    return possible[first] if first < len(possible) else None


def _in_words(change: Estimate, confidence: float) -> str:
    shown = Change(change.value, change.low, change.high)
    if change.value is None:
        return f"somewhere from {shown.bounds()}"
    return f"{shown.text()} ({100 * confidence:.4g} % interval {shown.bounds()})"


def _bare(middle: float | None) -> str:
    return "" if middle is None else f"{Change(middle).text()}, "


def _whole(found: Contrast) -> str:
    """Return why nothing can be told as a sentence, with what takes it all the same."""
    sentence = f"{found.reason[:1].upper()}{found.reason[1:].rstrip('.')}."
    is_trap = found.trap in {trap.id for trap in TRAPS}
    return f"{sentence} --allow-mismatch {found.trap} takes it." if is_trap else sentence
