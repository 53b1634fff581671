"""Numbers known only as an interval: what is computed from them is one too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Range:
    """A number somewhere between `low` and `high`; the two are equal where it is known.

    `likely` is where between them it most likely lies, as with a meter of coarse steps; None where nothing speaks for
    any place, as with models.
    """

    low: float
    high: float
    likely: float | None = None

    def __post_init__(self) -> None:
        """Refuse ends in the wrong order, and a likely value beyond them."""
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        if self.likely is not None and not self.low <= self.likely <= self.high:
            raise ValueError(f"{self.likely} does not lie from {self.low} to {self.high}")

    @classmethod
    def exact(cls, value: float) -> "Range":
        """A number that is known."""
        return cls(value, value)

    @classmethod
    def around(cls, likely: float, low: float, high: float) -> "Range":
        """A number that most likely is `likely`; one beyond the ends, by rounding say, is moved to the nearer end."""
        return cls(low, high, min(high, max(low, likely)))

    @classmethod
    def hull(cls, *parts: "Range") -> "Range":
        """The smallest interval that holds all parts."""
        return cls(min(part.low for part in parts), max(part.high for part in parts))

    @property
    def is_exact(self) -> bool:
        """Whether low and high are the same."""
        return self.low == self.high

    @property
    def value(self) -> float | None:
        """The number that stands for it: the only one, or the likely one; None where there is neither."""
        return self.low if self.is_exact else self.likely

    def __add__(self, other: "Range") -> "Range":
        """Sum of two independent numbers."""
        return _around(_both(self, other, sum), self.low + other.low, self.high + other.high)

    def __mul__(self, other: "Range") -> "Range":
        """Product of two independent numbers that are not negative."""
        return _around(_both(self, other, prod), self.low * other.low, self.high * other.high)

    def times(self, factor: float) -> "Range":
        """Scale by a known factor that is not negative."""
        return self * Range.exact(factor)

    def inverse(self, factor: float = 1.0) -> "Range":
        """Return factor / self, of a number above 0: the upper end comes from the lower one. Raises `ValueError`."""
        if self.low <= 0:
            raise ValueError(f"{self.low:g} is not above 0")
        return _around(None if self.value is None else factor / self.value, factor / self.high, factor / self.low)

    def overlaps(self, other: "Range") -> bool:
        """Whether both could be the same number."""
        return self.low <= other.high and other.low <= self.high


def _both(one: Range, other: Range, of: Callable[[Sequence[float]], float]) -> float | None:
    """Return a function of both values; None where one of them has none."""
    return None if one.value is None or other.value is None else of((one.value, other.value))


def _around(likely: float | None, low: float, high: float) -> Range:
    return Range(low, high) if likely is None or low == high else Range.around(likely, low, high)
