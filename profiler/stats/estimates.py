"""Numbers with intervals: what is known of a difference or a ratio of two of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, hypot, log
from statistics import fmean

from profiler.stats.distributions import two_sided_t
from profiler.stats.intervals import CONFIDENCE, repeats_half_width

_NO_CHANCE = 1e9  # degrees of freedom: an interval that does not rest on few numbers


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    `value` is None where only the interval is known, as for energy by a model. `low`, `high` and `value` are the same
    where the number is exact, as a price. `freedom` is how many degrees of freedom the interval rests on (Student's
    t); None where it is no matter of chance: its ends then hold at any confidence.
    """

    value: float | None
    low: float
    high: float
    freedom: float | None = None

    def __post_init__(self) -> None:
        """Refuse ends in the wrong order, and a value beyond them."""
        if not self.low <= (self.low if self.value is None else self.value) <= self.high:
            raise ValueError(f"{self.value} does not lie from {self.low} to {self.high}")

    @classmethod
    def exact(cls, value: float) -> "Estimate":
        """A number that is known."""
        return cls(value, value, value)

    @classmethod
    def around(cls, value: float, half_width: float, freedom: float) -> "Estimate":
        """A number with an interval as wide on both sides; what is not negative stays so."""
        low = value - half_width
        return cls(value, max(0.0, low) if value >= 0 else low, value + half_width, freedom)

    @classmethod
    def of_repeats(cls, value: float, repeats: Sequence[float]) -> "Estimate":
        """A number with Student's interval over at least two independent repeats of it."""
        half_width = repeats_half_width(repeats)
        if half_width is None:
            raise ValueError(f"{len(repeats)} repeats have no interval")
        return cls.around(value, half_width, len(repeats) - 1)

    @property
    def is_exact(self) -> bool:
        """Whether there is no doubt about the number."""
        return self.low == self.high

    def overlaps(self, other: "Estimate") -> bool:
        """Whether the intervals have a number in common; that they have does not show that there is no difference."""
        return self.low <= other.high and other.low <= self.high

    def at(self, confidence: float) -> "Estimate":
        """Return the estimate with the interval of another confidence: of a difference or ratio, not of its sides.

        Both sides are stretched as Student's interval would be; for one by order statistics that is an approximation.
        An interval that is no matter of chance stays as it is.
        """
        if self.freedom is None:
            return self
        return self._stretched(two_sided_t(confidence, self.freedom) / two_sided_t(CONFIDENCE, self.freedom))

    def _with(self, freedom: float) -> "Estimate":
        """Return the estimate with an interval as if it rested on so many degrees of freedom."""
        own = two_sided_t(CONFIDENCE, self.freedom or _NO_CHANCE)
        return self._stretched(two_sided_t(CONFIDENCE, freedom) / own)

    def _stretched(self, factor: float) -> "Estimate":
        if self.value is None:
            return self
        low, high = self.value - factor * (self.value - self.low), self.value + factor * (self.high - self.value)
        return replace(self, low=low, high=high)


def difference(new: Estimate, base: Estimate) -> Estimate:
    """Return new − base, of two that were measured independently.

    MOVER: the distance of each to its own limits stands for what its error can be in that direction (G. Y. Zou and
    A. Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine
    27, 2008), with the degrees of freedom of B. L. Welch (1947): for two of Student's intervals it is Welch's. Where a
    side is only known as an interval, the result is the least and the most that it can be.
    """
    if new.value is None or base.value is None:
        return Estimate(None, new.low - base.high, new.high - base.low)
    freedom = _joint_freedom(_half_width(new), new.freedom, _half_width(base), base.freedom)
    one, other = (new, base) if freedom is None else (new._with(freedom), base._with(freedom))
    value = new.value - base.value
    below = hypot(new.value - one.low, other.high - base.value)
    above = hypot(one.high - new.value, base.value - other.low)
    return Estimate(value, value - below, value + above, freedom)


def ratio(new: Estimate, base: Estimate) -> Estimate | None:
    """Return new / base of two that were measured independently; None where an interval reaches 0.

    As `difference`, of the logarithms; see also MOVER-R (A. Donner and G. Y. Zou, "Closed-form confidence intervals
    for functions of the normal mean and standard deviation", Statistical Methods in Medical Research 21, 2012). Where
    a side is only known as an interval, the result is the least and the most that it can be.
    """
    if new.low <= 0 or base.low <= 0:
        return None
    if new.value is None or base.value is None:
        return Estimate(None, new.low / base.high, new.high / base.low)
    log_ratio = difference(_logarithm(new), _logarithm(base))
    value = new.value / base.value
    # an exact ratio must not fall out of its own interval by rounding
    return Estimate(value, min(value, exp(log_ratio.low)), max(value, exp(log_ratio.high)), log_ratio.freedom)


def paired_ratio(pairs: Sequence[tuple[float, float]]) -> Estimate | None:
    """Return new / base of at least two pairs (new, base) that were measured one after the other; None unless positive.

    The geometric mean of the pairs' ratios, with Student's interval over their logarithms: what both runs of a pair
    have in common, such as a machine that is slower today, falls out.
    """
    if len(pairs) < 2 or any(new <= 0 or base <= 0 for new, base in pairs):
        return None
    logs = [log(new / base) for new, base in pairs]
    mean, half_width = fmean(logs), repeats_half_width(logs) or 0.0
    value = exp(mean)
    return Estimate(value, min(value, exp(mean - half_width)), max(value, exp(mean + half_width)), len(pairs) - 1)


def _logarithm(positive: Estimate) -> Estimate:
    assert positive.value is not None  # noqa: S101 - callers have looked
    return Estimate(log(positive.value), log(positive.low), log(positive.high), positive.freedom)


def _half_width(known: Estimate) -> float:
    return (known.high - known.low) / 2


def _joint_freedom(first_width: float, first: float | None, second_width: float, second: float | None) -> float | None:
    """Return Welch's degrees of freedom of a difference, after F. E. Satterthwaite (1946); None without any."""
    parts = [
        ((width / two_sided_t(CONFIDENCE, freedom)) ** 2, freedom)
        for width, freedom in ((first_width, first or _NO_CHANCE), (second_width, second or _NO_CHANCE))
    ]
    if first is None and second is None:
        return None
    total = sum(variance for variance, _ in parts)
    if not total:
        return min(freedom for freedom in (first, second) if freedom is not None)
    return total**2 / sum(variance**2 / freedom for variance, freedom in parts)
