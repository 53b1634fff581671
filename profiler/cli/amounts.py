"""Large numbers as they are typed: 5M."""

import math
import re

from profiler.errors import UsageError

_SIZES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9}
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:[eE][0-9]{1,2})?)([kKmMbBgG]?)", re.ASCII)


def amount(flag: str, text: str) -> float:
    """Return 5000000 for `5M`, above 0. Raises `UsageError`."""
    found = _WRITTEN.fullmatch(text.strip().replace(",", ""))
    number = float(found[1]) * _SIZES[found[2].lower()] if found else 0.0
    if not (number > 0 and math.isfinite(number)):
        raise UsageError(f"{flag} {text}: expected a number above 0, such as 5M, 200k or 5000000.")
    return number


def prices(flag: str, text: str, names: str) -> list[float]:
    """Return the numbers of `0.15,0.60`, as many as there are `names`. Raises `UsageError`."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(names.split(",")) or not all(0 <= each < math.inf for each in numbers):
        raise UsageError(f"{flag} {text}: expected {names}, numbers of 0 or more with a comma between them: 0.15,0.60.")
    return numbers
