"""How sure a quantile of values that resemble their neighbours is."""

from collections.abc import Sequence
from math import floor
from statistics import NormalDist, fmean

from profiler.stats.distributions import regularised_beta, two_sided_t
from profiler.stats.intervals import BATCHES, CONFIDENCE

_TAIL = (1 - CONFIDENCE) / 2
# Batches may be alike by chance: so many independent values are believed in, as a share of those that there are. With
# 1, the interval of values that are independent would cover 97 %, not 95 %.
_MOST = 1.5
_NORMAL = NormalDist().inv_cdf(1 - _TAIL)


def quantile_interval(
    in_time: Sequence[float], ordered: Sequence[float], q: float, value: float
) -> tuple[float, float] | None:
    """Return the 95 % interval of the q-quantile, which is `value`; `None` with too few values for one.

    Order statistics: as many of n independent values lie below the quantile as n trials of chance q succeed; the
    interval reaches between the ranks that this number passes with 2.5 % and 97.5 %, and between two ranks it is
    interpolated (A. D. Hutson, "Calculating nonparametric confidence intervals for quantiles using fractional order
    statistics", Journal of Applied Statistics 26, 1999). Requests are not independent: n is put down to the number of
    independent values that would make the share below `value` vary as it does between ten successive batches (E. L.
    Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data", Survey Methodology 24, 1998).
    """
    n = len(ordered)
    if n < 2 * BATCHES:
        return None
    independent = _independent(in_time, q, value)
    low, high = rank(independent, q, 1 - _TAIL), rank(independent, q, _TAIL)
    if low < 1 or high > independent:
        return None
    scale = (n + 1) / (independent + 1)
    return min(value, _at(ordered, low * scale)), max(value, _at(ordered, high * scale))


def rank(n: float, q: float, chance: float) -> float:
    """Return the rank, from 0 to n + 1, whose value lies below the q-quantile of n independent values by that chance.

    That of rank r does if a number from the beta distribution with r and n + 1 − r is below q. A rank below 1 or above
    n is beyond the values.
    """
    low, high = 0.0, n + 1.0
    while high - low > 1e-9 * (n + 1):
        middle = (low + high) / 2
        if regularised_beta(q, middle, n + 1 - middle) > chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _independent(in_time: Sequence[float], q: float, value: float) -> float:
    """Return how many independent values say as much about a quantile as these do."""
    n, size = len(in_time), len(in_time) // BATCHES
    shares = [sum(map(value.__ge__, in_time[at : at + size])) / size for at in range(0, size * BATCHES, size)]
    mean = fmean(shares)
    variance_of_mean = sum((share - mean) ** 2 for share in shares) / (BATCHES - 1) / BATCHES
    if not variance_of_mean:
        return _MOST * n
    few_batches = (_NORMAL / two_sided_t(CONFIDENCE, BATCHES - 1)) ** 2
    return min(_MOST * n, q * (1 - q) / variance_of_mean * few_batches)


def _at(ordered: Sequence[float], position: float) -> float:
    """Return the value at a rank, counted from 1, with those between two ranks interpolated."""
    below = min(max(floor(position), 1), len(ordered) - 1)
    one, next_one = ordered[below - 1], ordered[below]
    return one + (next_one - one) * min(max(position - below, 0.0), 1.0)
