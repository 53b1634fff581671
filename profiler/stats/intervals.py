"""Confidence intervals of means."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

BATCHES = 10
# Two-sided 95 % quantiles of Student's t with 1, 2, … degrees of freedom.
_T_975 = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157)


def mean_half_width(values: Sequence[float]) -> float | None:
    """Return the half-width of the 95 % interval of a mean, in the unit of the values, taken in order of time.

    Method of batch means (A. M. Law, "Simulation Modeling and Analysis", §9.5.3): neighbouring requests resemble
    each other, so the means of ten successive batches are compared instead of single values. `None` with fewer
    than two values per batch.
    """
    size = len(values) // BATCHES
    if size < 2:
        return None
    means = [fmean(values[first : first + size]) for first in range(0, size * BATCHES, size)]
    return _T_975[BATCHES - 2] * stdev(means) / sqrt(BATCHES)


def repeats_half_width(values: Sequence[float]) -> float | None:
    """Return the half-width of the 95 % interval of the mean of independent repeats, in their unit.

    Student's t; from the tenth repeat on its quantile for ten, which is a little too wide. `None` below two.
    """
    if len(values) < 2:
        return None
    t = _T_975[min(len(values), len(_T_975) + 1) - 2]
    return t * stdev(values) / sqrt(len(values))
