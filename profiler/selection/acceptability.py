"""How often each alternative takes which rank, over draws of measurements and of weights. Pure.

SMAA-2: R. Lahdelma and P. Salminen, "SMAA-2: Stochastic multicriteria acceptability analysis for group decision
making", Operations Research 49, 2001; T. Tervonen and J. R. Figueira, "A survey on stochastic multicriteria
acceptability analysis methods", Journal of Multi-Criteria Decision Analysis 15, 2008. Scores here are logarithms of
weighted products: sums of weighted gains.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import gt, lt, mul

from profiler.selection.weights import Weights

Scores = Sequence[float]
"""Of one alternative, by draw."""
Shares = list[float]
"""Of draws, by rank, the first one first; they add up to 1."""
MOST = 0.95  # share of the draws that a range of ranks holds


@dataclass(frozen=True)
class Odds:
    """One alternative among the others.

    `first` and `ranks` are the least and the most that what models leave open allows: the share of draws in which it is
    first, and the range of ranks that holds 95 % of the draws.
    """

    shares: tuple[float, ...]  # by rank, with models in the middle of what they leave open
    first: tuple[float, float]
    ranks: tuple[int, int]
    central: Weights | None  # mean of the weights under which it was first; None where it never was


def scores_of(rows: Iterable[Sequence[float]], weights: Sequence[Weights]) -> list[float]:
    """Return a score for each draw of gains with a draw of weights."""
    return [sum(map(mul, drawn, row)) for drawn, row in zip(weights, rows, strict=True)]


def odds(scores: Sequence[Scores], weights: Sequence[Weights]) -> list[Odds]:
    """Return the odds of each alternative, of which nothing is left open by a model."""
    shares, central = rank_shares(scores), central_weights(scores, weights)
    return [
        Odds(tuple(own), (own[0], own[0]), range_of_ranks(own), weight)
        for own, weight in zip(shares, central, strict=True)
    ]


def rank_shares(scores: Sequence[Scores]) -> list[Shares]:
    """Return the share of draws in which each alternative takes each rank; ties share the ranks that they span."""
    count = len(scores)
    found = [[0.0] * count for _ in scores]
    draws = 0
    for row in zip(*scores, strict=True):
        draws += 1
        order = sorted(range(count), key=row.__getitem__, reverse=True)
        for first, tied in _groups(order, row):
            for alternative in tied:
                for rank in range(first, first + len(tied)):
                    found[alternative][rank] += 1 / len(tied)
    return [[share / draws for share in shares] for shares in found]


def winning_shares(scores: Sequence[Scores]) -> list[list[float]]:
    """Return how often each alternative (row) beats each other (column); a tie counts half, the diagonal is 0.5."""
    count, draws = len(scores), len(scores[0]) if scores else 0
    found = [[0.5] * count for _ in scores]
    for one in range(count):
        for other in range(one):
            wins = sum(map(gt, scores[one], scores[other]))
            losses = sum(map(lt, scores[one], scores[other]))
            found[one][other] = (wins + (draws - wins - losses) / 2) / draws
            found[other][one] = 1 - found[one][other]
    return found


def central_weights(scores: Sequence[Scores], weights: Sequence[Weights]) -> list[Weights | None]:
    """Return the mean of the weights under which each alternative was first: the priorities that it stands for."""
    sums: list[list[float]] = [[0.0] * len(weights[0]) for _ in scores]
    wins = [0] * len(scores)
    for row, drawn in zip(zip(*scores, strict=True), weights, strict=True):
        greatest = max(row)
        for alternative, score in enumerate(row):
            if score == greatest:
                wins[alternative] += 1
                sums[alternative] = [total + weight for total, weight in zip(sums[alternative], drawn, strict=True)]
    return [tuple(total / won for total in totals) if won else None for totals, won in zip(sums, wins, strict=True)]


def range_of_ranks(shares: Sequence[float]) -> tuple[int, int]:
    """Return the ranks, from 1, between which at least 95 % of the draws lie, as much left out on either side."""
    left_out = (1 - MOST) / 2
    return _from_the_first(shares, left_out), len(shares) + 1 - _from_the_first(shares[::-1], left_out)


def _from_the_first(shares: Sequence[float], left_out: float) -> int:
    total = 0.0
    for rank, share in enumerate(shares, start=1):
        total += share
        if total > left_out:
            return rank
    return len(shares)


def _groups(order: Sequence[int], row: Sequence[float]) -> Iterable[tuple[int, list[int]]]:
    """Yield the alternatives of equal score together, with the first rank that they share, counted from 0."""
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and row[order[end]] == row[order[start]]:
            end += 1
        yield start, list(order[start:end])
        start = end
