"""How finely a meter shows what it reads, as its numbers tell: pure."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from math import gcd

_MOST_DECIMALS = 12


def last_digit(written: Sequence[str]) -> float:
    """Return the size of the last digit that is written: 0.01 of 12.3 and 0.12; 1 of whole numbers."""
    return 10.0 ** -max(map(_decimals, written), default=0)


def smallest_step(written: Sequence[str], values: Sequence[float], fewest: int) -> float:
    """Return the largest step that makes all values of each other, and no less than the last digit.

    With fewer than `fewest` different values it may be chance that a larger step fits: then it is the last digit.
    """
    unit = last_digit(written)
    different = sorted({round(value / unit) for value in values})
    if len(different) < fewest:
        return unit
    return max(1, gcd(*(after - before for before, after in pairwise(different)))) * unit


def _decimals(text: str) -> int:
    try:
        exponent = Decimal(text).as_tuple().exponent
    except InvalidOperation:
        return 0
    return min(_MOST_DECIMALS, max(0, -exponent)) if isinstance(exponent, int) else 0
