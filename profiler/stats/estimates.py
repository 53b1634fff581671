"""Numbers with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.stats.intervals import repeats_half_width


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    `value` is None where only the interval is known, as for energy by a model. `low`, `high` and `value` are the same
    where the number is exact, as a price. `freedom` is how many degrees of freedom the interval rests on (Student's
    t); None where it is no matter of chance.
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
    def middle(self) -> float:
        """The number itself; of an interval alone its middle, which is to be drawn and not to be ranked."""
        return (self.low + self.high) / 2 if self.value is None else self.value

    @property
    def is_exact(self) -> bool:
        """Whether there is no doubt about the number."""
        return self.low == self.high

    def times(self, factor: float) -> "Estimate":
        """Scale by a known factor that is not negative."""
        value = None if self.value is None else factor * self.value
        return Estimate(value, factor * self.low, factor * self.high, self.freedom)

    def overlaps(self, other: "Estimate") -> bool:
        """Whether the intervals have a number in common; that they have does not show that there is no difference."""
        return self.low <= other.high and other.low <= self.high
