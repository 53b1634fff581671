"""How often each alternative takes which rank, over draws of measurements and of weights. Pure.

SMAA-2: R. Lahdelma and P. Salminen, "SMAA-2: Stochastic multicriteria acceptability analysis for group decision
making", Operations Research 49, 2001; T. Tervonen and J. R. Figueira, "A survey on stochastic multicriteria
acceptability analysis methods", Journal of Multi-Criteria Decision Analysis 15, 2008. Scores here are logarithms of
weighted products: sums of weighted gains.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import gt, lt, mul

from profiler.selection.draws import Alternative, drawn_gains
from profiler.selection.weights import Weights

Scores = list[float]
"""Of one alternative, by draw."""
MOST = 0.95  # share of the draws that a range of ranks holds


@dataclass(frozen=True)
class Odds:
    """One alternative among the others.

    `shares` are by rank, the first one first, and add up to 1. `first` and `ranks` are the least and the most that what
    models leave open allows: shares of rank 1, and the range of ranks that holds 95 % of the draws.
    """

    shares: tuple[float, ...]
    first: tuple[float, float]
    ranks: tuple[int, int]
    central: Weights | None  # mean of the weights under which it was first; None where it never was


def scores_of(alternative: Alternative, weights: Sequence[Weights], seed: int) -> Scores:
    """Return a score for each draw of weights, with a draw of the measurements each."""
    rows = drawn_gains(alternative, len(weights), seed)
    return [sum(map(mul, drawn, row)) for drawn, row in zip(weights, rows, strict=True)]


def slacks_of(alternative: Alternative, weights: Sequence[Weights]) -> Scores:
    """Return what models leave open of the score to either side, for each draw of weights."""
    slack = [each.slack for each in alternative.quantities]
    return [sum(map(mul, drawn, slack)) for drawn in weights] if any(slack) else [0.0] * len(weights)


def odds(scores: Sequence[Scores], slacks: Sequence[Scores], weights: Sequence[Weights]) -> list[Odds]:
    """Return the odds of each alternative."""
    shares = rank_shares(scores)
    central = central_weights(scores, weights)
    if any(map(any, slacks)):
        best, worst = _extreme_shares(scores, slacks)
    else:
        best = worst = shares
    return [
        Odds(tuple(share), (low[0], high[0]), (_range(high)[0], _range(low)[1]), weight)
        for share, high, low, weight in zip(shares, best, worst, central, strict=True)
    ]


def rank_shares(scores: Sequence[Scores]) -> list[list[float]]:
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
    return _shares(found, draws)


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


def _shares(counts: Sequence[Sequence[float]], draws: int) -> list[list[float]]:
    return [[count / draws for count in own] for own in counts]


def _groups(order: Sequence[int], row: Sequence[float]) -> Iterable[tuple[int, list[int]]]:
    """Yield the alternatives of equal score together, with the first rank that they share, counted from 0."""
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and row[order[end]] == row[order[start]]:
            end += 1
        yield start, list(order[start:end])
        start = end


def _extreme_shares(scores: Sequence[Scores], slacks: Sequence[Scores]) -> tuple[list[list[float]], list[list[float]]]:
    """Return the shares of ranks where all that is open speaks for an alternative, and where it speaks against it."""
    count, draws = len(scores), len(scores[0])
    best = [[0] * count for _ in scores]
    worst = [[0] * count for _ in scores]
    for row, open_row in zip(zip(*scores, strict=True), zip(*slacks, strict=True), strict=True):
        lows = [score - slack for score, slack in zip(row, open_row, strict=True)]
        highs = [score + slack for score, slack in zip(row, open_row, strict=True)]
        sorted_lows, sorted_highs = sorted(lows), sorted(highs)
        for alternative, (low, high) in enumerate(zip(lows, highs, strict=True)):
            best[alternative][count - bisect_right(sorted_lows, high)] += 1
            worst[alternative][count - bisect_left(sorted_highs, low) - 1] += 1  # but itself
    return _shares(best, draws), _shares(worst, draws)


def _range(shares: Sequence[float]) -> tuple[int, int]:
    """Return the least and the greatest rank, from 1, without at most half of what a range leaves out on each side."""
    left_out = (1 - MOST) / 2
    return _from_the_first(shares, left_out), len(shares) + 1 - _from_the_first(shares[::-1], left_out)


def _from_the_first(shares: Sequence[float], left_out: float) -> int:
    total = 0.0
    for rank, share in enumerate(shares, start=1):
        total += share
        if total > left_out:
            return rank
    return len(shares)
