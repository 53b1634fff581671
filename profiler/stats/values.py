"""Many values of one quantity in bounded memory: one by one while they are few, counted in narrow buckets beyond."""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Protocol

from profiler.stats.intervals import BatchSums, mean_half_width
from profiler.stats.pieces import Pieces, ascending, numpy, numpy_for
from profiler.stats.quantile_intervals import quantile_interval

EXACT_VALUES = 1_000_000
_FRACTION_BITS = 52  # of an IEEE 754 double
_BUCKET_BITS = 14  # of them name a bucket: each is at most 2⁻¹⁴ of its values wide
_ZEROS = {0, -(2**63)}  # the bits of 0.0 and −0.0
_WIDEST = 1_000_000  # buckets that are counted in a row, also where most of them are empty
_CHUNK = 65_536  # values that are counted at once, at most
APPROXIMATION = "quantiles from buckets at most 0.0061 % wide"


class Ordered(Protocol):
    """Values in ascending order; `[-1]` is the greatest."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, rank: int, /) -> float:
        """The value at a rank, counted from 0, or from the end where negative."""
        ...


class Summed(Ordered, Protocol):
    """Ordered values that can be added up."""

    @property
    def total(self) -> float:
        """Sum of all."""
        ...

    def sum_above(self, limit: float) -> float:
        """Sum of those that exceed a limit."""
        ...


class Values:
    """Takes values in order of time.

    Up to `exact` of them are kept. From then on they are counted in buckets, which are the values' own sign, exponent
    and first bits of the fraction, so that buckets are narrow everywhere; n, mean, least and greatest stay exact.
    """

    def __init__(
        self, exact: int = EXACT_VALUES, bucket_bits: int = _BUCKET_BITS, *, has_interval: bool = True
    ) -> None:
        """Begin with no value; a bucket is at most 2 to the power of −`bucket_bits` of its values wide.

        `has_interval` says whether `half_width` will be asked for, which costs time where values are counted.
        """
        self._exact = exact
        self._has_interval = has_interval
        self._shift = _FRACTION_BITS - bucket_bits
        self._kept = array("d")  # all values, or those that are not yet counted
        self._most_kept = exact
        self._counted: _Counted | None = None

    def add(self, value: float) -> None:
        """Take the next value."""
        self._kept.append(value)
        if len(self._kept) > self._most_kept:
            self._count()

    def extend(self, values: Iterable[float]) -> None:
        """Take the next values."""
        self._kept.extend(values)
        if len(self._kept) > self._most_kept:
            self._count()

    def append(self, later: "Values | Pieces | array[float]") -> None:
        """Take the values of another collection, which came later and has buckets as wide; of an array, one by one."""
        if not isinstance(later, Values):
            pieces = (later.values, later.ends) if isinstance(later, Pieces) else (later, range(1, len(later) + 1))
            self._take_pieces(*pieces)
            return
        if later._counted is not None:
            self._count()
            assert self._counted is not None  # noqa: S101 - just counted
            self._counted.append(later._counted)
        self.extend(later._kept)

    @property
    def is_exact(self) -> bool:
        """Whether every value is still known."""
        return self._counted is None

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._kept) + (self._counted.n if self._counted else 0)

    @property
    def mean(self) -> float:
        """Mean of the values, added up in order of time. Raises `ZeroDivisionError` without any."""
        total = self._counted.total if self._counted else 0.0
        return (total + sum(self._kept)) / len(self)

    def half_width(self) -> float | None:
        """Return the half-width of the mean's 95 % interval by batch means; `None` below 20 values."""
        if self._counted is None:
            return mean_half_width(self._kept)
        self._count()
        return self._counted.batches.half_width() if self._counted.batches else None

    def quantile_interval(self, q: float, value: float, ordered: Ordered) -> tuple[float, float] | None:
        """Return the 95 % interval of the q-quantile, which is `value`; `None` with too few values.

        `ordered` are the same values in ascending order.

        `None` as well where they are only counted, for then it is not known how much neighbours resemble each other.
        """
        return quantile_interval(self._kept, ordered.values, q, value) if isinstance(ordered, _Sorted) else None

    def ordered(self, parts: Sequence[Summed] = ()) -> Summed:
        """Return the values in ascending order; where they are only counted, each is the middle of its bucket.

        `parts` are the same values in ordered parts, where these are at hand: they are put in order much faster.
        """
        if self._counted is None:
            runs = [part.values for part in parts if isinstance(part, _Sorted)]
            return _Sorted(ascending(runs or [self._kept]))
        self._count()
        return _Steps(self._counted, self._shift)

    def _take_pieces(self, values: "array[float]", ends: Sequence[int]) -> None:
        """Take values in pieces that end there, or rather at once as many as are kept before they are counted."""
        start = 0
        while start < len(values):
            last = bisect_right(ends, start + self._most_kept - len(self._kept))
            end = ends[min(last, len(ends) - 1)]
            self.extend(values[start:end])
            start = end

    def _count(self) -> None:
        """Move what is kept into the buckets."""
        if self._counted is None:
            self._counted, self._most_kept = _Counted(self._has_interval), min(_CHUNK, self._exact)
        for first in range(0, len(self._kept), _CHUNK):
            self._counted.take(self._kept[first : first + _CHUNK], self._shift)
        self._kept = array("d")


class _Counted:
    """Values in buckets."""

    def __init__(self, has_interval: bool) -> None:
        self.n = 0
        self.total = 0.0
        self.least = float("inf")
        self.greatest = float("-inf")
        self.buckets = _Buckets()
        self.batches = BatchSums() if has_interval else None

    def take(self, values: "array[float]", shift: int) -> None:
        self.n += len(values)
        self.total += sum(values)
        lowest, highest = self.buckets.take(values, shift)
        self.least, self.greatest = min(self.least, lowest), max(self.greatest, highest)
        if self.batches:
            self.batches.extend(values)

    def append(self, later: "_Counted") -> None:
        self.n += later.n
        self.total += later.total
        self.least = min(self.least, later.least)
        self.greatest = max(self.greatest, later.greatest)
        self.buckets.append(later.buckets)
        if self.batches and later.batches:
            self.batches.append(later.batches)


class _Buckets:
    """How many values there are in each bucket. With numpy, which is several times as fast, in a row of near ones."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._first = 0  # bucket of the row's first count
        self._row: Any = None  # an array of numpy

    def take(self, values: "array[float]", shift: int) -> tuple[float, float]:
        """Count values and return the least and the greatest."""
        if (np := numpy_for(values)) is None:
            self._counts.update([bits >> shift for bits in memoryview(values).cast("B").cast("q")])
            return min(values), max(values)
        seen = np.frombuffer(values)
        buckets = seen.view(np.int64) >> shift
        first = max(int(buckets.min()), int(buckets.max()) + 1 - _WIDEST)
        self._counts.update(buckets[buckets < first].tolist())
        self._add(first, np.bincount(buckets[buckets >= first] - first))
        return float(seen.min()), float(seen.max())

    def append(self, later: "_Buckets") -> None:
        """Add those of later values."""
        self._counts.update(later._counts)
        if later._row is not None:
            self._add(later._first, later._row)

    def counts(self) -> Counter[int]:
        """Return how many values there are, by bucket."""
        if self._row is not None:
            filled = self._row.nonzero()[0]
            self._counts.update(dict(zip((filled + self._first).tolist(), self._row[filled].tolist(), strict=True)))
            self._row = None
        return self._counts

    def _add(self, first: int, row: Any) -> None:
        """Add the counts of buckets that follow one another."""
        if self._row is not None:
            start, end = min(first, self._first), max(first + len(row), self._first + len(self._row))
            if end - start <= _WIDEST:
                ours, self._row = self._row, numpy().zeros(end - start, row.dtype)
                self._row[self._first - start :][: len(ours)] += ours
                self._row[first - start :][: len(row)] += row
                self._first = start
                return
            self.counts()
        self._first, self._row = first, row.copy()


class _Sorted:
    """All values, sorted."""

    def __init__(self, values: "array[float]") -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rank: int, /) -> float:
        return self.values[rank]

    @property
    def total(self) -> float:
        return sum(self.values)

    def sum_above(self, limit: float) -> float:
        return sum(self.values[bisect_right(self.values, limit) :])


class _Steps:
    """Buckets, sorted: as long as the values themselves, of which it knows the least and the greatest."""

    def __init__(self, counted: _Counted, shift: int) -> None:
        least, greatest = counted.least, counted.greatest
        counts = counted.buckets.counts()
        buckets = sorted(counts)
        negative = bisect_left(buckets, 0)  # of numbers below zero the bits of the greatest are the least
        buckets = buckets[:negative][::-1] + buckets[negative:]
        self._values = [min(max(middle, least), greatest) for middle in _middles(buckets, shift)]
        self._counts = [counts[bucket] for bucket in buckets]
        self._ends = list(accumulate(self._counts))  # ranks at which the next bucket begins
        self._ends_values = (least, greatest)
        self.total = counted.total

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, rank: int, /) -> float:
        at = rank + len(self) if rank < 0 else rank
        if not 0 <= at < len(self):
            raise IndexError(f"rank {rank} of {len(self)} values")
        if at in {0, len(self) - 1}:
            return self._ends_values[at > 0]
        return self._values[bisect_right(self._ends, at)]

    def sum_above(self, limit: float) -> float:
        first = bisect_right(self._values, limit)
        return sum(value * count for value, count in zip(self._values[first:], self._counts[first:], strict=True))


def _middles(buckets: Sequence[int], shift: int) -> "array[float]":
    """Return the value in the middle of each bucket."""
    edges = [bucket << shift for bucket in buckets]
    half = 1 << (shift - 1)
    bits = array("q", [0 if edge in _ZEROS else edge + half for edge in edges])
    return array("d", bits.tobytes())
