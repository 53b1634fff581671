"""Weights of criteria: as stated, and drawn where they are known only roughly, by their order, or not at all. Pure."""

from collections.abc import Sequence
from math import exp, fsum, log
from random import Random

Weights = tuple[float, ...]
"""One for each criterion, none below 0; they add up to 1."""


def normalised(raw: Sequence[float]) -> Weights:
    """Scale weights so that they add up to 1. Raises `ValueError` for one below 0, and where all are 0."""
    if any(weight < 0 for weight in raw):
        raise ValueError("a weight is below 0")
    total = fsum(raw)
    if not total:
        raise ValueError("all weights are 0")
    return tuple(weight / total for weight in raw)


def centroid(ranks: Sequence[int]) -> Weights:
    """Return the mean of all weights in this order; `ranks` are 1 for the most important, equal for equals.

    Rank-order centroid: the k-th of n has Σ(1/j for j from k to n) / n (F. H. Barron and B. E. Barrett, "Decision
    quality using ranked attribute weights", Management Science 42, 1996). Equals share what their places have.
    """
    count = len(ranks)
    of_place = [fsum(1 / j for j in range(place, count + 1)) / count for place in range(1, count + 1)]
    in_order = sorted(ranks)
    shared = {
        rank: fsum(weight for weight, other in zip(of_place, in_order, strict=True) if other == rank)
        / in_order.count(rank)
        for rank in set(ranks)
    }
    return tuple(shared[rank] for rank in ranks)


def ranks_of(weights: Sequence[float]) -> tuple[int, ...]:
    """Return the place of each weight: 1 for the greatest, equal for equals."""
    return tuple(1 + sum(other > weight for other in weights) for weight in weights)


def anywhere(criteria: int, count: int, random: Random) -> list[Weights]:
    """Draw weights of which nothing is known: Dirichlet with all parameters 1, every set of weights as likely."""
    return [normalised([random.expovariate(1.0) for _ in range(criteria)]) for _ in range(count)]


def in_order(ranks: Sequence[int], count: int, random: Random) -> list[Weights]:
    """Draw weights of which only the order is known, every set in that order as likely; equals take turns by chance."""
    found = []
    for drawn in anywhere(len(ranks), count, random):
        places = sorted(range(len(ranks)), key=lambda criterion: (ranks[criterion], random.random()))
        by_criterion = dict(zip(places, sorted(drawn, reverse=True), strict=True))
        found.append(tuple(by_criterion[criterion] for criterion in range(len(ranks))))
    return found


def nearby(own: Sequence[float], factor: float, count: int, random: Random) -> list[Weights]:
    """Draw weights around those stated: each up to so many times as large or as small, evenly in the logarithm.

    They are scaled to add up to 1 afterwards. A weight of 0 stays 0.
    """
    reach = log(factor)
    return [normalised([weight * exp(random.uniform(-reach, reach)) for weight in own]) for _ in range(count)]
