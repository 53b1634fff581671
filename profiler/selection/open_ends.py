"""Ranks where a model leaves numbers open: at both of its ends, never a draw between them. Pure.

A model of power is an interval without a distribution. On one machine its error is the same for all that ran there, so
they are taken at the same end; those on other machines are taken at whichever end speaks against (or for) the
alternative that is looked at. What is the same for all, such as the intensity of one grid, is taken at each of its
ends for all at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from operator import mul

from profiler.selection.acceptability import Odds, Scores, Shares, range_of_ranks
from profiler.selection.draws import Alternative
from profiler.selection.weights import Weights

_MOST_DRAWS = 2_000  # each is looked at several times for each alternative
_Ends = tuple[list[float], list[float]]  # of the score, by draw: the least and the most


def with_open_ends(
    found: Sequence[Odds], alternatives: Sequence[Alternative], scores: Sequence[Scores], weights: Sequence[Weights]
) -> list[Odds]:
    """Widen odds by what models leave open; the same where they leave nothing."""
    if not any(each.is_open for each in alternatives):
        return list(found)
    commons = range(len(alternatives[0].quantities[0].open_to))
    tables = [_ends_of(alternatives, scores, weights[:_MOST_DRAWS], common) for common in commons]
    groups = [each.group if each.is_open else "" for each in alternatives]
    widened = []
    for index, own in enumerate(found):
        shares = [one for table in tables for one in _shares(index, table, groups)]
        ranks = [own.ranks, *map(range_of_ranks, shares)]
        firsts = [own.first[0], *(one[0] for one in shares)]
        spanned = (min(low for low, _ in ranks), max(high for _, high in ranks))
        widened.append(replace(own, first=(min(firsts), max(firsts)), ranks=spanned))
    return widened


def _ends_of(
    alternatives: Sequence[Alternative], scores: Sequence[Scores], weights: Sequence[Weights], common: int
) -> list[_Ends]:
    found = []
    for alternative, own in zip(alternatives, scores, strict=True):
        ends = [each.open_to[common] for each in alternative.quantities]
        least, most = [low for low, _ in ends], [high for _, high in ends]
        lows = [score + sum(map(mul, drawn, least)) for score, drawn in zip(own, weights, strict=False)]
        highs = [score + sum(map(mul, drawn, most)) for score, drawn in zip(own, weights, strict=False)]
        found.append((lows, highs))
    return found


def _shares(index: int, table: Sequence[_Ends], groups: Sequence[str]) -> list[Shares]:
    """Return the shares of ranks of one alternative, at each end of its group against each adverse end of the rest."""
    found = []
    for own_end in (0, 1):
        for others_end, place in ((0, _best), (1, _worst)):
            columns = [
                ends[own_end if group == groups[index] else others_end]
                for ends, group in zip(table, groups, strict=True)
            ]
            counts = [0] * len(table)
            for row in zip(*columns, strict=True):
                counts[place(row, row[index])] += 1
            found.append([count / len(columns[0]) for count in counts])
    return found


def _best(row: Sequence[float], own: float) -> int:
    """Return the rank from 0, ahead of those that are level."""
    return sum(map(own.__lt__, row))


def _worst(row: Sequence[float], own: float) -> int:
    """Return the rank from 0, behind those that are level."""
    return sum(map(own.__le__, row)) - 1
