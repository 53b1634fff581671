"""Changes as people read them, in percent: in one form for comparisons, claims and gates."""

from dataclasses import dataclass

from profiler.number_format import NBSP, decimals, fixed

_MOST_DECIMALS = 6
_WORDS = {"undecidable": "inconclusive", "undecided": "inconclusive"}  # as JSON has it, and as people read it
_WITHOUT_INTERVAL = 1  # decimals


def outcome_word(outcome: str) -> str:
    """Return what people read of the outcome of a comparison, a claim or a gate, whose JSON keeps its own value."""
    return _WORDS.get(outcome, outcome)


@dataclass(frozen=True)
class Change:
    """A change as a share of what it is measured against, with its interval where there is one; −1 is all of it."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def decimals(self) -> int:
        """Digits after the point, in percent: as the interval's width carries, and enough to read true.

        No end reads as no change, or as all of it, that is not, and the value reads as within its interval.
        """
        if self.low is None or self.high is None:
            return next((n for n in range(_WITHOUT_INTERVAL, _MOST_DECIMALS) if self._reads_true(n)), _MOST_DECIMALS)
        half_width, middle = 50 * (self.high - self.low), 50 * (self.high + self.low) + 100
        first = max(0, min(2, decimals(middle, half_width))) if half_width else _WITHOUT_INTERVAL
        return next((n for n in range(first, _MOST_DECIMALS) if self._reads_true(n)), first)

    def signed(self, part: float) -> str:
        """The value or an end with its sign, without the unit: +5.0."""
        shown = round(100 * part, self.decimals)
        sign = "+" if shown > 0 else "\N{MINUS SIGN}" if shown < 0 else ""
        return f"{sign}{self.size(part)}"

    def size(self, part: float) -> str:
        """The value or an end without its sign."""
        return fixed(abs(100 * part), self.decimals)

    def text(self) -> str:
        """The value in percent; empty where there is none."""
        return "" if self.value is None else f"{self.signed(self.value)}{NBSP}%"

    def bounds(self) -> str:
        """The interval in percent; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"{self.signed(self.low)} to {self.signed(self.high)}{NBSP}%"

    def _reads_true(self, digits: int) -> bool:
        parts = [part for part in (self.low, self.value, self.high) if part is not None]
        shown = [round(100 * part, digits) for part in parts]
        hides = any(seen in {0, -100} and 100 * exact != seen for seen, exact in zip(shown, parts, strict=True))
        return not hides and shown == sorted(shown)
