"""Confidence intervals of means."""

from collections.abc import Sequence
from math import fsum, sqrt
from statistics import fmean, stdev

from profiler.stats.distributions import two_sided_t

SEVERAL_REPEATS = 2  # from which on they say how sure a number is
BATCHES = 10
CONFIDENCE = 0.95
# Two-sided 95 % quantiles of Student's t with 1, 2, … degrees of freedom, as they are in every summary written so far.
_T_975 = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157)
_MOST_SUMS = 2048  # sums that `BatchSums` keeps; even


def mean_half_width(values: Sequence[float]) -> float | None:
    """Return the half-width of the 95 % interval of a mean, in the unit of the values, taken in order of time.

    Method of batch means (A. M. Law, "Simulation Modeling and Analysis", §9.5.3): neighbouring requests resemble
    each other, so the means of ten successive batches are compared instead of single values. `None` with fewer
    than two values per batch.
    """
    size = len(values) // BATCHES
    if size < 2:
        return None
    return _half_width([fmean(values[first : first + size]) for first in range(0, size * BATCHES, size)])


def repeats_half_width(values: Sequence[float]) -> float | None:
    """Return the half-width of the 95 % interval of the mean of independent repeats, in their unit.

    Student's t. `None` below two.
    """
    return None if len(values) < SEVERAL_REPEATS else _half_width(values)


def parts_half_width(mean: float, parts: Sequence[float], weights: Sequence[float]) -> float:
    """Return the half-width of the 95 % interval of a rate of which successive parts of some length are known.

    Student's t over what each part deviates from the whole, long parts counting for more: the linearised variance of a
    ratio (W. G. Cochran, "Sampling Techniques", §6.3).
    """
    count, mean_weight = len(parts), fmean(weights)
    squares = [((part - mean) * weight / mean_weight) ** 2 for part, weight in zip(parts, weights, strict=True)]
    return t_975(count - 1) * sqrt(fsum(squares) / (count - 1) / count)


def _half_width(values: Sequence[float]) -> float:
    return t_975(len(values) - 1) * stdev(values) / sqrt(len(values))


def t_975(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    return _T_975[freedom - 1] if freedom <= len(_T_975) else two_sided_t(CONFIDENCE, freedom)


class BatchSums:
    """The mean of a stream of values and its interval, in little memory.

    Sums of successive values are kept, each over equally many; when there are 2,048 of them, neighbours are added up.
    Up to that many values, `half_width` is that of `mean_half_width`; beyond, its batches leave out at most the last
    1 % of the values.
    """

    def __init__(self) -> None:
        """Begin with no value."""
        self._sums: list[float] = []
        self._size = 1  # values in each sum
        self._open_sum = 0.0
        self._open_count = 0  # values in the sum that is not yet full

    def add(self, value: float) -> None:
        """Take the next value."""
        self.extend((value,))

    def extend(self, values: Sequence[float]) -> None:
        """Take the next values."""
        first = 0
        while first < len(values):
            if self._size == 1:
                part = values[first : first + _MOST_SUMS - len(self._sums)]
                self._sums.extend(part)
            else:
                part = values[first : first + self._size - self._open_count]
                self._open_sum += sum(part)
                self._open_count += len(part)
                self._close_if_full()
            first += len(part)
            self._fold_if_full()

    def append(self, later: "BatchSums") -> None:
        """Take the values of another stream, which came later; those of our last, unfilled sum are lost."""
        self._open_sum, self._open_count = 0.0, 0
        sums, size = list(later._sums), later._size
        while self._size < size:
            self._sums, self._size = _in_pairs(self._sums), self._size * 2
        while size < self._size:
            sums, size = _in_pairs(sums), size * 2
        self._sums += sums
        self._fold_if_full()

    @property
    def mean(self) -> float:
        """Mean of the values. Raises `ZeroDivisionError` without any."""
        return fsum([*self._sums, self._open_sum]) / (len(self._sums) * self._size + self._open_count)

    def half_width(self) -> float | None:
        """Return the half-width of the mean's 95 % interval by batch means; `None` below two values per batch."""
        each = len(self._sums) // BATCHES
        if each * self._size < 2:
            return None
        firsts = range(0, each * BATCHES, each)
        return _half_width([fsum(self._sums[first : first + each]) / (each * self._size) for first in firsts])

    def _close_if_full(self) -> None:
        if self._open_count < self._size:
            return
        self._sums.append(self._open_sum)
        self._open_sum, self._open_count = 0.0, 0

    def _fold_if_full(self) -> None:
        while len(self._sums) >= _MOST_SUMS:
            self._sums, self._size = _in_pairs(self._sums), self._size * 2


def _in_pairs(sums: Sequence[float]) -> list[float]:
    """Add up neighbours; an odd one at the end is left out."""
    return [one + next_one for one, next_one in zip(sums[::2], sums[1::2], strict=False)]
