"""Confidence intervals of means."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

BATCHES = 10
_T_975_DF_9 = 2.262157  # two-sided 95 % quantile of Student's t with BATCHES − 1 degrees of freedom


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
    return _T_975_DF_9 * stdev(means) / sqrt(BATCHES)
