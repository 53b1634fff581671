"""Numbers known only as an interval: what is computed from them is one too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """A number somewhere between `low` and `high`; the two are equal where it is known."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse ends in the wrong order."""
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")

    @classmethod
    def exact(cls, value: float) -> "Range":
        """A number that is known."""
        return cls(value, value)

    @classmethod
    def hull(cls, *parts: "Range") -> "Range":
        """The smallest interval that holds all parts."""
        return cls(min(part.low for part in parts), max(part.high for part in parts))

    @property
    def is_exact(self) -> bool:
        """Whether low and high are the same."""
        return self.low == self.high

    def __add__(self, other: "Range") -> "Range":
        """Sum of two independent numbers."""
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, other: "Range") -> "Range":
        """Product of two independent numbers that are not negative."""
        return Range(self.low * other.low, self.high * other.high)

    def times(self, factor: float) -> "Range":
        """Scale by a known factor that is not negative."""
        return Range(self.low * factor, self.high * factor)

    def overlaps(self, other: "Range") -> bool:
        """Whether both could be the same number."""
        return self.low <= other.high and other.low <= self.high
