"""How far weights may move before another alternative wins. Pure; scores are sums of weighted gains."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from operator import mul

from profiler.selection.weights import Weights, normalised

Gains = Sequence[float]
"""Of one alternative, by criterion."""


@dataclass(frozen=True)
class Flip:
    """The smallest change of weights that lets a rival draw level with the winner.

    `moved` is the share of all weight that goes from other criteria to one, `weights` are those after it.
    """

    rival: int
    moved: float
    weights: Weights


def score(weights: Sequence[float], gains: Gains) -> float:
    """Return the logarithm of the weighted product."""
    return fsum(map(mul, weights, gains))


def nearest_flip(weights: Weights, gains: Sequence[Gains], winner: int) -> Flip | None:
    """Return the rival that needs the least weight moved; None where no weights let another one win."""
    found = [flip for rival in range(len(gains)) if rival != winner and (flip := _flip(weights, gains, winner, rival))]
    return min(found, key=lambda flip: flip.moved, default=None)


def _flip(weights: Weights, gains: Sequence[Gains], winner: int, rival: int) -> Flip | None:
    """Move weight to the criterion that speaks most for the rival, first from those that speak most for the winner.

    Each unit moved from a criterion brings the two nearer by the difference of the leads there, so the dearest first is
    the least in all, as in the fractional knapsack problem.
    """
    leads = [ours - theirs for ours, theirs in zip(gains[winner], gains[rival], strict=True)]
    target = min(range(len(leads)), key=leads.__getitem__)
    if leads[target] >= 0:
        return None if leads[target] > 0 or score(weights, leads) > 0 else Flip(rival, 0.0, weights)
    after, missing = list(weights), score(weights, leads)
    for source in sorted(range(len(leads)), key=leads.__getitem__, reverse=True):
        if missing <= 0 or source == target:
            break
        step = min(after[source], missing / (leads[source] - leads[target]))
        after[source] -= step
        after[target] += step
        missing -= step * (leads[source] - leads[target])
    return Flip(rival, max(0.0, after[target] - weights[target]), tuple(after))


@dataclass(frozen=True)
class Stretch:
    """Weights of one criterion, from 0 to 1, over which one alternative wins."""

    low: float
    high: float
    winner: int


def winners_along(weights: Weights, gains: Sequence[Gains], criterion: int) -> list[Stretch]:
    """Return who wins while one weight goes from 0 to 1 and the others keep their proportions to each other.

    Scores are straight lines over that weight, so the winners are their upper envelope. Others that all weigh nothing
    share alike.
    """
    others: Sequence[float] = [0.0 if index == criterion else weight for index, weight in enumerate(weights)]
    if not any(others):
        others = [float(index != criterion or len(weights) == 1) for index in range(len(weights))]
    others = normalised(others)
    return _envelope([score(others, each) for each in gains], [each[criterion] for each in gains])


def _envelope(starts: Sequence[float], ends: Sequence[float]) -> list[Stretch]:
    """Return the greatest of straight lines from `starts` at 0 to `ends` at 1."""
    slopes = [end - start for start, end in zip(starts, ends, strict=True)]
    current = max(range(len(starts)), key=lambda index: (starts[index], slopes[index], -index))
    found: list[Stretch] = []
    at = 0.0
    while True:
        crossings = [
            ((starts[current] - starts[index]) / (slopes[index] - slopes[current]), -slopes[index], index)
            for index in range(len(starts))
            if slopes[index] > slopes[current]
        ]
        crossing, _, following = min((each for each in crossings if each[0] >= at), default=(1.0, 0.0, current))
        if crossing >= 1:
            return [*found, Stretch(at, 1.0, current)]
        if crossing > at:
            found.append(Stretch(at, crossing, current))
        at, current = crossing, following
