"""Numbers as people read them: no more digits than they carry, in a unit of a handy size, never rounded to nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.units import YES_NO, yes_or_no

NBSP = "\u00a0"  # keeps a number and its unit on one line
COUNT = "count"  # unit of how many of something there are, which its name says
_SIGNIFICANT = 3  # digits of a value whose spread is not known
_MOST_SIGNIFICANT = 4  # digits of a value, however small its spread
_MOST_WITHIN = 6  # digits of a value that would else read as one beyond its interval
_MOST_DECIMALS = 30  # after the point
_BYTE_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


@dataclass(frozen=True)
class Scale:
    """How the numbers of one metric are shown: all by the same factor, unit and decimals."""

    factor: float
    unit: str
    decimals: int

    def number(self, value: float) -> str:
        """`value`, in the metric's own unit, as text without the unit; only 0 reads as 0."""
        shown = value * self.factor
        return fixed(shown, max(self.decimals, least_decimals(shown)))

    def quantity(self, value: float) -> str:
        """`value` as text with the unit."""
        return f"{self.number(value)}{NBSP}{self.unit}" if self.unit else self.number(value)

    def span(self, values: Sequence[float]) -> str:
        """Least and greatest of `values`, without the unit; one number where they read the same."""
        low, high = self.number(min(values)), self.number(max(values))
        return low if low == high else f"{low}\N{EN DASH}{high}"


def scale(
    value: float,
    unit: str,
    spread: float = 0.0,
    interval: tuple[float, float] | None = None,
    shown_in: tuple[float, str] | None = None,
) -> Scale:
    """Choose how to show a metric whose typical size is `value`: with the digits that it carries.

    `spread` is by how much its repeats differ. Where an `interval` (low, high) of the value is known, its half-width
    counts instead, and the rounded value lies within it. `shown_in` is a factor and a unit, where those of a row or a
    column are wanted.
    """
    factor, shown_unit = shown_in or handy_unit(value, unit)
    if interval is None or interval[0] == interval[1]:
        return Scale(factor, shown_unit, decimals(value * factor, spread * factor))
    low, high = interval[0] * factor, interval[1] * factor
    return Scale(factor, shown_unit, _decimals_within(value * factor, low, high))


def _decimals_within(value: float, low: float, high: float) -> int:
    """Digits after the point with which `value`, rounded, still lies between `low` and `high`; six digits at most."""
    shown = decimals(value, (high - low) / 2)
    most = _MOST_WITHIN - 1 - _exponent(value) if value else shown
    while low <= value <= high and not low <= round(value, shown) <= high and shown < most:
        shown += 1
    return shown


def count(n: int, noun: str) -> str:
    """How many of something: `1 request`, `2,000 requests`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def duration(length_s: float) -> str:
    """Write a time as people say it: 45 s, 12 min, 3 h 20 min."""
    if length_s < 120:
        return f"{length_s:.0f} s"
    minutes = round(length_s / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours:,} h {rest} min" if rest else f"{hours:,} h"


def quantity(value: float, unit: str, spread: float = 0.0) -> str:
    """One value with its unit, as text."""
    if unit == YES_NO:
        return yes_or_no(value)
    return scale(value, unit, spread).quantity(value)


def quantity_beyond(value: float, limit: float, unit: str) -> tuple[str, str]:
    """A value and a limit that it is beyond, with unit, as text: with digits enough to tell them apart."""
    shown = Scale(1.0, "", 0) if unit == COUNT else scale(value, unit)
    while shown.number(value) == shown.number(limit) and value != limit and shown.decimals < _MOST_DECIMALS:
        shown = Scale(shown.factor, shown.unit, shown.decimals + 1)
    return _plain(shown.quantity(value)), _plain(f"{limit * shown.factor:,.6g}{NBSP}{shown.unit}".rstrip(NBSP))


def plain_quantity(value: float, unit: str) -> str:
    """One value with its unit for a sentence in a file, where spaces are plain."""
    return _plain(quantity(value, unit))


def _plain(text: str) -> str:
    return text.replace(NBSP, " ")


def short_amount(number: float) -> str:
    """Return a large number in a few characters: 1.23M, 12k, 5.6."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.4g}{letter}"
    return f"{number:.3g}"


def interval_scale(low: float, high: float, unit: str, shown_in: tuple[float, str] | None = None) -> Scale:
    """Choose how to show a number that is known only as an interval: with three digits of its upper end."""
    factor, shown_unit = shown_in or handy_unit(high, unit)
    return Scale(factor, shown_unit, decimals(high * factor))


def interval(low: float, high: float, unit: str) -> str:
    """A number that is known only as an interval, with its unit, as text."""
    shown = interval_scale(low, high, unit)
    return f"{shown.span((low, high))}{NBSP}{shown.unit}"


def spread(values: Sequence[float]) -> float:
    """Greatest minus least; 0 where there is nothing to compare."""
    return max(values) - min(values) if values else 0.0


def decimals(value: float, spread: float = 0.0) -> int:
    """Digits after the point that `value` carries; negative where even its units do not count.

    The last digit shown is the leading digit of the spread (or the one after it, where it leads
    with 1 or 2). Without a spread, three significant digits.
    """
    if value == 0 or not math.isfinite(value):
        return 0
    magnitude = _exponent(value)
    if spread <= 0 or not math.isfinite(spread):
        return _SIGNIFICANT - 1 - magnitude
    last = _exponent(spread)
    if int(f"{spread:.16e}"[0]) < 3:
        last -= 1
    return min(-last, _MOST_SIGNIFICANT - 1 - magnitude)


def least_decimals(value: float) -> int:
    """Digits after the point from which on `value`, rounded, is not 0."""
    if value == 0 or not math.isfinite(value):
        return -_MOST_DECIMALS
    least = -_exponent(value)
    return least - 1 if round(value, least - 1) else least


def fixed(value: float, decimals: int) -> str:
    """`value` rounded to `decimals`, with separators between thousands."""
    if not math.isfinite(value):
        return str(value)
    rounded = round(value, decimals) or 0.0  # never "-0"
    return f"{rounded:,.{max(0, decimals)}f}"


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def handy_unit(value: float, unit: str) -> tuple[float, str]:
    """Return factor and name of the unit in which a value of this size reads best."""
    size = abs(value)
    if unit == "bytes":
        return _byte_unit(size)
    if unit == "ratio":
        return 100.0, "%"
    if unit == "ms" and size >= 10_000:
        return 1e-3, "s"
    if unit == "ms" and 0 < size < 0.1:
        return 1e3, "µs"
    if unit in {"us", "µs"}:
        return (1e-3, "ms") if size >= 10_000 else (1.0, "µs")
    return 1.0, unit


def _byte_unit(size_bytes: float) -> tuple[float, str]:
    for step, name in _BYTE_UNITS:
        if size_bytes >= step:
            return 1 / step, name
    return 1.0, "bytes"
