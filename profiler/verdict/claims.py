"""Is a claim supported by these runs, refuted, or can they not decide it? Pure.

A pair is a run of the claim's subject and a comparable one of its baseline. Its change is 1 − subject / baseline for
"less", subject / baseline − 1 for "more", with an interval. The pair *reaches* the claim's size where the whole
interval lies at or beyond it, and *misses* it where the whole interval lies short of it.

- "at least": supported where every pair reaches the size, refuted where one misses it.
- "up to": supported where one pair reaches the size. Nobody can show that no machine in the world would, so it is
  refuted for the runs that were given, where every pair of them misses it.

Anything else is undecidable, and so is a pair that must not be compared: energy of different classes or scopes,
overlapping intervals of energy models, prices of different kinds. With n pairs each interval is one of 1 − 5 %/n
(Bonferroni), so that the best of many pairs does not reach the size by luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Literal

from profiler.energy.compare import Claimed, compare
from profiler.metrics.catalogue import METRICS
from profiler.metrics.estimates import Unknown, estimate, parse_metric
from profiler.results.manifest import Manifest, PriceFacts
from profiler.results.several import StoredRun
from profiler.results.summary import EnergyAccount
from profiler.stats.estimates import Estimate, ratio
from profiler.stats.intervals import CONFIDENCE
from profiler.stats.multiple import adjusted_confidence
from profiler.stats.ranges import Range
from profiler.verdict.claim_file import Claim, Side
from profiler.verdict.comparable import check_comparable
from profiler.verdict.fairness import fairness
from profiler.verdict.sides import asked_of, is_of, obstacle_between, of_no_side, vcpus_of

Answer = Literal["supported", "refuted", "undecidable"]

_MOST_REPEATS_FACTOR = 100  # beyond it, more repeats are no advice
_COST = {"usd_per_1m_output_tokens", "usd_per_1m_input_tokens", "usd_per_request", "tokens_per_usd"}
_CARBON = {"gco2e_per_1m_output_tokens", "gco2e_operational_per_1m_output_tokens"}
_DEVICES = "On a rented guest there is neither meter nor counter: it takes machines of your own, or bare metal."


@dataclass(frozen=True)
class Measured:
    """One side of a pair."""

    run: str
    host: str
    folder: str
    value: Estimate | None
    shown: float | None = None  # a number without an interval
    meter: str | None = None  # class and scope, for energy


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
    """What a pair of runs says; `change` is a share of the baseline, less or more as claimed."""

    subject: Measured
    baseline: Measured
    answer: Answer
    reason: str
    change: Estimate | None = None
    decides: tuple[str, ...] = ()
    prices: Prices | None = None


@dataclass(frozen=True)
class Checked:
    """The answer to a claim."""

    claim: Claim
    answer: Answer
    reason: str
    pairs: tuple[Pair, ...] = ()
    confidence: float = CONFIDENCE
    decides: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()


def check(claim: Claim, runs: Sequence[StoredRun], allowed: Sequence[str] = ()) -> Checked:
    """Set a claim beside runs; `allowed` are mismatches that are taken all the same.

    Raises `UsageError` where runs of both sides are there but none of them measure the same thing.
    """
    subjects = [run for run in runs if is_of(claim.subject, run)]
    baselines = [run for run in runs if is_of(claim.baseline, run) and run not in subjects]
    left_out = [of_no_side(claim, run) for run in runs if run not in subjects and run not in baselines]
    absent = [side for side, found in ((claim.subject, subjects), (claim.baseline, baselines)) if not found]
    if absent:
        reason = " and ".join(f"no run of {side.name} ({asked_of(side)})" for side in absent)
        return Checked(claim, "undecidable", reason, decides=_runs_of(absent), left_out=tuple(left_out))
    pairs = []
    for one, other in product(subjects, baselines):
        if obstacle := obstacle_between(claim, one, other, allowed):
            left_out.append(f"{one.name} against {other.name}: {obstacle}")
        else:
            pairs.append((one, other))
    if not pairs:
        check_comparable([*subjects, *baselines], allowed)
        return Checked(claim, "undecidable", "no two hosts are alike as the claim asks", left_out=tuple(left_out))
    confidence = adjusted_confidence(CONFIDENCE, len(pairs))
    judged = tuple(_pair(claim, one, other, confidence) for one, other in pairs)
    answer, reason = _together(claim, judged)
    decides = () if answer != "undecidable" else tuple(dict.fromkeys(way for pair in judged for way in pair.decides))
    involved = list({run.name: run for pair in pairs for run in pair}.values())
    return Checked(claim, answer, reason, judged, confidence, decides, tuple(left_out), tuple(fairness(involved)))


def best(claim: Claim, pairs: Sequence[Pair]) -> Pair | None:
    """Return the pair that speaks most for an "up to", or least for an "at least"; None without any change."""
    known = [pair for pair in pairs if pair.change is not None]
    return (max if claim.form == "up-to" else min)(known, key=_middle, default=None)


def _together(claim: Claim, pairs: Sequence[Pair]) -> tuple[Answer, str]:
    answers = [pair.answer for pair in pairs]
    one_is_enough: Answer = "supported" if claim.form == "up-to" else "refuted"
    all_are_needed: Answer = "refuted" if claim.form == "up-to" else "supported"
    if one_is_enough in answers:
        return one_is_enough, "a pair reaches the size" if claim.form == "up-to" else "a pair misses the size"
    if all(answer == all_are_needed for answer in answers):
        return all_are_needed, "no pair reaches the size" if claim.form == "up-to" else "every pair reaches the size"
    open_pairs = [pair for pair in pairs if pair.answer == "undecidable"]
    return "undecidable", open_pairs[0].reason


def _pair(claim: Claim, one: StoredRun, other: StoredRun, confidence: float) -> Pair:
    metric, quantile = parse_metric(claim.metric)
    found = [estimate(run.summary, metric, quantile) for run in (one, other)]
    subject, baseline = (
        _measured(run, value, metric, confidence) for run, value in zip((one, other), found, strict=True)
    )
    prices = _prices(claim, metric, one, other)
    unknown = [(run, value) for run, value in zip((one, other), found, strict=True) if isinstance(value, Unknown)]
    if unknown:
        reason = "; ".join(f"{run.name}: {value.reason}" for run, value in unknown)
        return Pair(subject, baseline, "undecidable", reason, decides=_ways(metric, unknown), prices=prices)
    assert subject.value is not None and baseline.value is not None  # noqa: S101, PT018 - neither is unknown
    change = _change(claim, ratio(subject.value, baseline.value))
    obstacle = _of_different_kinds(metric, one, other) or _undecidable_energy(
        metric, one, other, subject.value, baseline.value
    )
    if obstacle:
        reason, ways = obstacle
        return Pair(subject, baseline, "undecidable", reason, change, ways, prices)
    if change is None:
        return Pair(subject, baseline, "undecidable", "an interval reaches 0", decides=(_MORE_REPEATS,), prices=prices)
    answer, reason, ways = _judged(claim, change)
    return Pair(subject, baseline, answer, reason, change, ways, prices)


def _judged(claim: Claim, change: Estimate) -> tuple[Answer, str, tuple[str, ...]]:
    if change.low >= claim.size_ratio:
        return "supported", "the whole interval reaches the size", ()
    if change.high < claim.size_ratio:
        return "refuted", "the whole interval lies short of the size", ()
    return "undecidable", "the size that is claimed lies within the interval", (_more_repeats(claim, change),)


_MORE_REPEATS = "More repeats on both hosts (aforo run … --repeats N): they narrow the interval."


def _more_repeats(claim: Claim, change: Estimate) -> str:
    """Say how many more: the width of an interval falls with the root of the number of repeats."""
    if change.value is None or change.value == claim.size_ratio:
        return _MORE_REPEATS
    is_short = change.value < claim.size_ratio
    width = change.high - change.value if is_short else change.value - change.low
    factor = ceil((width / (change.value - claim.size_ratio)) ** 2)
    if factor > _MOST_REPEATS_FACTOR:
        return f"{_MORE_REPEATS} The measured change is so near to the size that few will not do."
    return f"{_MORE_REPEATS} About {factor} times as many are needed if the measured change stays what it is."


def _change(claim: Claim, quotient: Estimate | None) -> Estimate | None:
    """Convert subject / baseline into the share by which it is less or more."""
    if quotient is None:
        return None
    low, high, value = quotient.low, quotient.high, quotient.value
    if claim.direction == "less":
        return Estimate(None if value is None else 1 - value, 1 - high, 1 - low, quotient.freedom)
    return Estimate(None if value is None else value - 1, low - 1, high - 1, quotient.freedom)


def _measured(run: StoredRun, found: Estimate | Unknown, metric: str, confidence: float) -> Measured:
    account = _account(run) if _rests_on_energy(metric) else None
    known = found.at(confidence) if isinstance(found, Estimate) else None
    return Measured(
        run=run.name,
        host=_host_name(run.manifest),
        folder=str(run.folder.path),
        value=known,
        shown=found.value,
        meter=f"{account.meter_class}, {account.scope}" if account else None,
    )


def _of_different_kinds(metric: str, one: StoredRun, other: StoredRun) -> tuple[str, tuple[str, ...]] | None:
    """Say why prices must not be compared; None where they may be, or do not matter."""
    mine, theirs = one.manifest.cost.price, other.manifest.cost.price
    if metric not in _COST or mine is None or theirs is None:
        return None
    if (mine.kind, mine.currency) == (theirs.kind, theirs.currency):
        return None
    reason = f"a price of one kind ({mine.kind}, {mine.currency}) against another ({theirs.kind}, {theirs.currency})"
    return reason, ("Runs with prices of one kind: aforo run … --price-kind on-demand on both hosts.",)


def _undecidable_energy(
    metric: str, one: StoredRun, other: StoredRun, mine: Estimate, theirs: Estimate
) -> tuple[str, tuple[str, ...]] | None:
    """Say why two energies must not be compared; None where they may be, or do not matter."""
    accounts = [_account(run) for run in (one, other)]
    if not _rests_on_energy(metric) or None in accounts:
        return None
    sides = [
        Claimed(Range(value.low, value.high), account.meter_class, account.scope)
        for value, account in zip((mine, theirs), accounts, strict=True)
        if account is not None
    ]
    found = compare(*sides)
    is_alike = (sides[0].meter_class, sides[0].scope) == (sides[1].meter_class, sides[1].scope)
    if found.answer != "undecidable" or (is_alike and sides[0].meter_class != "model"):
        return None
    reason = found.reason if not is_alike else f"energy is known by models only, and {found.reason}"
    return reason, _to_meter([one, other])


def _ways(metric: str, unknown: Sequence[tuple[StoredRun, Unknown]]) -> tuple[str, ...]:
    once = [run for run, value in unknown if value.value is not None]
    if once:
        return (_MORE_REPEATS,)
    if _rests_on_energy(metric):
        return _to_meter([run for run, _ in unknown])
    return ("Runs in which it is measured; the reason above says what each of them lacks.",)


def _to_meter(runs: Sequence[StoredRun]) -> tuple[str, ...]:
    """Say how to bring the readings of a wall meter into the runs that have none."""
    bare = [run for run in runs if (account := _account(run)) is None or account.meter_class != "wall"]
    commands = tuple(f"aforo energy import {run.folder.path} METER.csv" for run in bare)
    return (f"Readings of a wall meter on both machines, taken during these runs. {_DEVICES}", *commands)


def _runs_of(sides: Sequence[Side]) -> tuple[str, ...]:
    return tuple(
        f"A run on {side.name}: aforo run WORKLOAD --model MODEL --repeats 5, as on the other side." for side in sides
    )


def _rests_on_energy(metric: str) -> bool:
    return METRICS[metric].group == "energy" or metric in _CARBON


def _account(run: StoredRun) -> EnergyAccount | None:
    """Return the account that the run's energy metrics are taken from."""
    return next((account for account in run.summary.energy if account.gross_j is not None), None)


def _prices(claim: Claim, metric: str, one: StoredRun, other: StoredRun) -> Prices | None:
    """Compute from the price of an hour of each which ratio of output rates makes the claim true."""
    mine, theirs = one.manifest.cost.price, other.manifest.cost.price
    if metric not in _COST or mine is None or theirs is None or mine.currency != theirs.currency:
        return None
    price_ratio = mine.per_hour / theirs.per_hour
    is_money = metric != "tokens_per_usd"  # or what money buys
    at_equal_speed = price_ratio if is_money else 1 / price_ratio
    target = 1 - claim.size_ratio if claim.direction == "less" else 1 + claim.size_ratio
    needed = price_ratio / target if is_money else price_ratio * target
    vcpus = [vcpus_of(run.manifest) for run in (one, other)]
    per_vcpu = needed * vcpus[1] / vcpus[0] if vcpus[0] and vcpus[1] else None
    rates = [estimate(run.summary, "output_tokens_per_s") for run in (one, other)]
    seen = ratio(rates[0], rates[1]) if isinstance(rates[0], Estimate) and isinstance(rates[1], Estimate) else None
    change = 1 - at_equal_speed if claim.direction == "less" else at_equal_speed - 1
    return Prices(mine, theirs, change, needed, per_vcpu, seen)


def _host_name(manifest: Manifest) -> str:
    cloud = manifest.server_host.get("cloud") or {}
    return str(cloud.get("instance_type") or manifest.server_host.get("name") or "unnamed host")


def _middle(pair: Pair) -> float:
    assert pair.change is not None  # noqa: S101 - callers have looked
    change = pair.change
    return (change.low + change.high) / 2 if change.value is None else change.value
