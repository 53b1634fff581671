"""Is a claim supported by these runs, refuted, or can they not decide it? Pure.

Runs of one host and setting are pooled first, so a pair is a host and setting of the claim's subject and a comparable
one of its baseline. Its change is 1 − subject / baseline for "less", subject / baseline − 1 for "more", with an
interval that rests on how much runs differ from each other. The pair *reaches* the claim's size where the whole
interval lies at or beyond it, and *misses* it where the whole interval lies short of it. A claim without a baseline is
about a limit: there each host and setting of the subject is set beside that.

- "at least": supported where every pair reaches the size, refuted where one misses it.
- "up to": supported where one pair reaches the size. Nobody can show that no machine in the world would, so it is
  refuted for the runs that were given, where every pair of them misses it.

Anything else is inconclusive. Pairs of which nothing can be told (`verdict.contrast`: not comparable, a single run, not
measured) decide nothing, and are named; where there are no others, the claim is inconclusive. Each question is
one-sided, so the interval of one pair is one of 90 %: each of its ends is wrong in 5 % of cases. With n pairs each end
takes 5 %/n (Bonferroni), so that the best of many pairs does not reach the size by luck.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Literal

from profiler.metrics.catalogue import METRICS
from profiler.results.manifest import PriceFacts
from profiler.results.run_set import StoredRun
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence
from profiler.summaries.estimates import parse_metric, unit_of
from profiler.verdict.claim_file import Claim, Side
from profiler.verdict.comparable import check_allowed, check_comparable
from profiler.verdict.contrast import Contrast, Metric, Pooled, Rules, contrast, host_of, one_run_each, pooled, pools
from profiler.verdict.fairness import Found, obstacle_alone, remedy_of, traps
from profiler.verdict.sides import asked_of, is_of, obstacle_between, of_no_side, vcpus_of
from profiler.verdict.traps import account_of, energy_kind

Answer = Literal["supported", "refuted", "undecidable"]

_MOST_RUNS_FACTOR = 100  # beyond it, more runs are no advice
_DEVICES = "On a rented guest there is neither meter nor counter: it takes machines of your own, or bare metal."
_MORE_RUNS = "More runs on each host (repeat the same aforo run …): they narrow the interval."
_THREE_RUNS = "Three runs or more on each host, in turn: they show how much runs of one setting differ."


@dataclass(frozen=True)
class Measured:
    """One side of a pair: the runs of one host and setting."""

    runs: tuple[str, ...]
    host: str
    folders: tuple[str, ...]
    value: Estimate | None  # the mean, with its interval over the runs
    shown: float | None = None  # the number where there is no interval
    meter: str | None = None  # class and scope, for energy
    unit: str = ""


@dataclass(frozen=True)
class Prices:
    """What the prices of a pair alone require of its speeds."""

    subject: PriceFacts
    baseline: PriceFacts
    equal_speed_change: float  # less or more, as claimed, at the same output rate
    needed_ratio: float  # output rate of the subject / that of the baseline
    needed_per_vcpu_ratio: float | None
    seen_ratio: Estimate | None


@dataclass(frozen=True)
class Pair:
    """What a pair says; `change` is a share of the baseline, less or more as claimed, `middle` its value alone.

    A claim of a limit has no `baseline` and no change. `is_told` is whether anything can be said of the pair.
    """

    subject: Measured
    baseline: Measured | None
    answer: Answer
    reason: str
    change: Estimate | None = None
    middle: float | None = None
    decides: tuple[str, ...] = ()
    prices: Prices | None = None
    is_told: bool = True


@dataclass(frozen=True)
class Checked:
    """The answer to a claim; `confidence` is that of the interval of each pair."""

    claim: Claim
    answer: Answer
    reason: str
    pairs: tuple[Pair, ...] = ()
    confidence: float = 2 * CONFIDENCE - 1
    decides: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    traps: tuple[Found, ...] = ()

    @property
    def is_forced(self) -> bool:
        """Whether INVALID runs are part of the answer."""
        return any(trap.id == "invalid" for trap in self.traps)


def check(
    claim: Claim, runs: Sequence[StoredRun], allowed: Collection[str] = (), drift_ratio: float | None = None
) -> Checked:
    """Set a claim beside runs; `allowed` are mismatches and traps that are taken all the same.

    `drift_ratio` is what runs of one setting are stated to differ by, see `verdict.contrast`. Raises `UsageError` where
    runs of both sides are there but none of them measure the same thing.
    """
    check_allowed(allowed)
    subjects = [run for run in runs if is_of(claim.subject, run)]
    baselines = [run for run in runs if claim.baseline and is_of(claim.baseline, run) and run not in subjects]
    left_out = [of_no_side(claim, run) for run in runs if run not in subjects and run not in baselines]
    sides = [(claim.subject, subjects), *([(claim.baseline, baselines)] if claim.baseline else [])]
    absent = [side for side, found in sides if not found]
    if absent:
        reason = " and ".join(f"no run of {side.name} ({asked_of(side)})" for side in absent)
        return Checked(claim, "undecidable", reason, decides=_runs_of(absent), left_out=tuple(left_out))
    rules = Rules(drift_ratio=drift_ratio, allowed=allowed)
    if claim.is_limit:
        return _concluded(claim, _limits(claim, subjects, rules), subjects, left_out)
    found = _comparable_pools(claim, subjects, baselines, allowed, left_out)
    if not found:
        check_comparable([*subjects, *baselines], allowed)
        return Checked(claim, "undecidable", "no two hosts are alike as the claim asks", left_out=tuple(left_out))
    involved = list({run.name: run for pair in found for side in pair for run in side}.values())
    return _concluded(claim, _pairs(claim, found, rules), involved, left_out)


def best(claim: Claim, pairs: Sequence[Pair]) -> Pair | None:
    """Return the pair that speaks most for an "up to", or least for an "at least"; None without any change."""
    known = [pair for pair in pairs if pair.change is not None]
    return (max if claim.form == "up-to" else min)(known, key=_middle, default=None)


def _comparable_pools(
    claim: Claim,
    subjects: Sequence[StoredRun],
    baselines: Sequence[StoredRun],
    allowed: Collection[str],
    left_out: list[str],
) -> list[tuple[list[StoredRun], list[StoredRun]]]:
    """Return every pair of hosts and settings that measured the same thing, and name the others."""
    rests_on = METRICS[parse_metric(claim.metric)[0]].rests_on
    found = []
    for one, other in product(pools(subjects, rests_on), pools(baselines, rests_on)):
        if reason := obstacle_between(claim, one[0], other[0], allowed):
            left_out.append(f"{_names(one)} against {_names(other)}: {reason}")
        else:
            found.append((one, other))
    return found


def _pairs(
    claim: Claim, found: Sequence[tuple[list[StoredRun], list[StoredRun]]], rules: Rules
) -> tuple[tuple[Pair, ...], float]:
    """Judge every pair, at a confidence at which all that can be told hold together."""
    metric = parse_metric(claim.metric)
    told = sum(contrast(one, other, metric, rules).state == "known" for one, other in found)
    confidence = _two_sided(told)
    each = Rules(confidence, rules.drift_ratio, rules.allowed)
    return tuple(_pair(claim, one, other, each) for one, other in found), confidence


def _limits(claim: Claim, subjects: Sequence[StoredRun], rules: Rules) -> tuple[tuple[Pair, ...], float]:
    """Set every host and setting of the subject beside the limit that is claimed."""
    metric = parse_metric(claim.metric)
    found = pools(subjects, METRICS[metric[0]].rests_on)
    told = sum(pooled(runs, metric).estimate(rules.drift_ratio) is not None for runs in found)
    confidence = _two_sided(told)
    each = Rules(confidence, rules.drift_ratio, rules.allowed)
    return tuple(_limit(claim, runs, metric, each) for runs in found), confidence


def _two_sided(questions: int) -> float:
    """Return the confidence of an interval of which each end answers one of so many questions."""
    return 2 * adjusted_confidence(CONFIDENCE, questions) - 1


def _concluded(
    claim: Claim, judged: tuple[tuple[Pair, ...], float], runs: Sequence[StoredRun], left_out: Sequence[str]
) -> Checked:
    pairs, confidence = judged
    answer, reason = _together(claim, pairs)
    untold = [f"{_title(pair)}: {pair.reason}" for pair in pairs if not pair.is_told] if answer != "undecidable" else []
    decides = () if answer != "undecidable" else tuple(dict.fromkeys(way for pair in pairs for way in pair.decides))
    found = tuple(traps(runs))
    if any(trap.id == "invalid" for trap in found):
        reason += "; INVALID runs are among them (--force)"
    return Checked(claim, answer, reason, pairs, confidence, decides, (*left_out, *untold), found)


def _together(claim: Claim, pairs: Sequence[Pair]) -> tuple[Answer, str]:
    told = [pair for pair in pairs if pair.is_told]
    if not told:
        return "undecidable", pairs[0].reason
    what, each = ("limit", "host and setting") if claim.is_limit else ("size", "pair")
    verb = ("keeps", "breaks") if claim.is_limit else ("reaches", "misses")
    one_is_enough: Answer = "supported" if claim.form == "up-to" else "refuted"
    all_are_needed: Answer = "refuted" if claim.form == "up-to" else "supported"
    if any(pair.answer == one_is_enough for pair in told):
        return one_is_enough, f"a {each} {verb[claim.form != 'up-to']} the {what}"
    if all(pair.answer == all_are_needed for pair in told):
        whole = f"no {each} {verb[0]}" if claim.form == "up-to" else f"every {each} {verb[0]}"
        return all_are_needed, f"{whole} the {what}"
    return "undecidable", next(pair.reason for pair in told if pair.answer == "undecidable")


def _pair(claim: Claim, one: Sequence[StoredRun], other: Sequence[StoredRun], rules: Rules) -> Pair:
    metric = parse_metric(claim.metric)
    found = contrast(one, other, metric, rules)
    subject, baseline = (
        _measured(runs, side, rules.drift_ratio, metric[0]) for runs, side in ((one, found.new), (other, found.base))
    )
    prices = _prices(claim, metric[0], one, other, rules)
    change = _change(claim, found.ratio)
    middle = None if found.value is None else _share(claim, found.value)
    if found.state != "known" or change is None:
        ways = _ways(metric[0], found, one, other)
        return Pair(subject, baseline, "undecidable", found.reason, change, middle, ways, prices, is_told=False)
    answer, reason, ways = _judged(claim, change)
    return Pair(subject, baseline, answer, reason, change, middle, ways, prices)


def _limit(claim: Claim, runs: Sequence[StoredRun], metric: Metric, rules: Rules) -> Pair:
    found = pooled(runs, metric)
    side = _measured(runs, found, rules.drift_ratio, metric[0])
    barred = obstacle_alone(metric[0], runs, rules.allowed)
    unit = unit_of(runs[0].summary, metric[0])
    if barred is not None:
        return _untold(side, barred.sentence, barred.remedy)
    if found.reason is not None:
        return _untold(side, found.reason, "Runs in which it is measured; the reason above says what is lacking.")
    if claim.unit is not None and claim.unit != unit:
        return _untold(side, f"the limit is in {claim.unit}, and it was measured in {unit}: nothing is converted", "")
    known = found.estimate(rules.drift_ratio, rules.confidence)
    if known is None:
        is_one_run = found.is_zero or min(found.least) > 0
        return _untold(side, one_run_each(1, 1) if is_one_run else "a number is not above 0", _THREE_RUNS)
    answer, reason, ways = _beside_limit(claim, known)
    return Pair(side, None, answer, reason, decides=ways)


def _untold(side: Measured, reason: str, way: str) -> Pair:
    return Pair(side, None, "undecidable", reason, decides=(way,) if way else (), is_told=False)


def _beside_limit(claim: Claim, known: Estimate) -> tuple[Answer, str, tuple[str, ...]]:
    if claim.at_most is not None:
        keeps, breaks = known.high <= claim.at_most, known.low > claim.at_most
    else:
        limit = claim.at_least or 0.0
        keeps, breaks = known.low >= limit, known.high < limit
    if keeps:
        return "supported", "the whole interval keeps the limit", ()
    if breaks:
        return "refuted", "the whole interval lies beyond the limit", ()
    return "undecidable", "the limit lies within the interval", (_MORE_RUNS,)


def _judged(claim: Claim, change: Estimate) -> tuple[Answer, str, tuple[str, ...]]:
    if change.low >= claim.size_ratio:
        return "supported", "the whole interval reaches the size", ()
    if change.high < claim.size_ratio:
        return "refuted", "the whole interval lies short of the size", ()
    return "undecidable", "the size that is claimed lies within the interval", (_more_runs(claim, change),)


def _more_runs(claim: Claim, change: Estimate) -> str:
    """Say how many more: the width of an interval falls at least with the root of the number of runs."""
    if change.value is None or change.value == claim.size_ratio:
        return _MORE_RUNS
    is_short = change.value < claim.size_ratio
    width = change.high - change.value if is_short else change.value - change.low
    factor = ceil((width / (change.value - claim.size_ratio)) ** 2)
    if factor > _MOST_RUNS_FACTOR:
        return f"{_MORE_RUNS} The measured change is so near to the size that few will not do."
    return f"{_MORE_RUNS} About {factor} times as many are needed if the measured change stays what it is."


def _change(claim: Claim, quotient: Estimate | None) -> Estimate | None:
    """Convert subject / baseline into the share by which it is less or more."""
    if quotient is None:
        return None
    ends = sorted((_share(claim, quotient.low), _share(claim, quotient.high)))
    value = None if quotient.value is None else _share(claim, quotient.value)
    return Estimate(value, ends[0], ends[1], quotient.freedom)


def _share(claim: Claim, quotient: float) -> float:
    return 1 - quotient if claim.direction == "less" else quotient - 1


def _measured(runs: Sequence[StoredRun], found: Pooled, drift_ratio: float | None, metric: str) -> Measured:
    has_meter = "energy" in METRICS[metric].rests_on
    return Measured(
        runs=tuple(run.name for run in runs),
        host=host_of(runs[0]),
        folders=tuple(str(run.folder.path) for run in runs),
        value=found.estimate(drift_ratio),
        shown=found.value,
        meter=energy_kind(runs[0].summary, metric) or None if has_meter else None,
        unit=unit_of(runs[0].summary, metric),
    )


def _ways(metric: str, found: Contrast, one: Sequence[StoredRun], other: Sequence[StoredRun]) -> tuple[str, ...]:
    """Say what would decide a pair of which nothing can be told."""
    if found.trap in {"energy", "overlap"}:
        return _to_meter([*one, *other])
    if found.trap is not None:
        return (remedy_of(found.trap),)
    if found.state == "one run":
        return (_THREE_RUNS,)
    if "energy" in METRICS[metric].rests_on:
        return _to_meter([*one, *other])
    return ("Runs in which it is measured; the reason above says what each of them lacks.",)


def _to_meter(runs: Sequence[StoredRun]) -> tuple[str, ...]:
    """Say how to bring the readings of a wall meter into the runs that have none."""
    bare = [run for run in runs if (account := account_of(run.summary)) is None or account.meter_class != "wall"]
    commands = tuple(f"aforo energy import {run.folder.path} METER.csv" for run in bare)
    return (f"Readings of a wall meter on both machines, taken during these runs. {_DEVICES}", *commands)


def _runs_of(sides: Sequence[Side]) -> tuple[str, ...]:
    return tuple(
        f"Runs on {side.name}: aforo run WORKLOAD --model MODEL, three times or more, as on the other side."
        for side in sides
    )


def _prices(
    claim: Claim, metric: str, one: Sequence[StoredRun], other: Sequence[StoredRun], rules: Rules
) -> Prices | None:
    """Compute from the price of an hour of each which ratio of output rates makes the claim true."""
    mine, theirs = one[0].manifest.cost.price, other[0].manifest.cost.price
    if "price" not in METRICS[metric].rests_on or mine is None or theirs is None or mine.currency != theirs.currency:
        return None
    price_ratio = mine.per_hour / theirs.per_hour
    is_money = METRICS[metric].better == "lower"  # or what money buys
    at_equal_speed = price_ratio if is_money else 1 / price_ratio
    target = 1 - claim.size_ratio if claim.direction == "less" else 1 + claim.size_ratio
    needed = price_ratio / target if is_money else price_ratio * target
    vcpus = [vcpus_of(runs[0].manifest) for runs in (one, other)]
    per_vcpu = needed * vcpus[1] / vcpus[0] if vcpus[0] and vcpus[1] else None
    seen = contrast(one, other, ("output_tokens_per_s", None), rules).ratio
    return Prices(mine, theirs, _share(claim, at_equal_speed), needed, per_vcpu, seen)


def _names(runs: Sequence[StoredRun]) -> str:
    return ", ".join(run.name for run in runs)


def _title(pair: Pair) -> str:
    names = ", ".join(pair.subject.runs)
    return names if pair.baseline is None else f"{names} against {', '.join(pair.baseline.runs)}"


def _middle(pair: Pair) -> float:
    assert pair.change is not None  # noqa: S101 - callers have looked
    return pair.change.middle
