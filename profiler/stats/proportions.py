"""How sure a share of requests is."""

from collections.abc import Callable

from profiler.stats.distributions import regularised_beta
from profiler.stats.intervals import CONFIDENCE

_TAIL = (1 - CONFIDENCE) / 2


def proportion_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share from so many successes in n ≥ 1 independent trials.

    Exact (C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26, 1934): 30 of 30 is 88 % to 100 %, where a standard deviation would say 100 % for sure.
    """
    low = _first(lambda share: regularised_beta(share, successes, n - successes + 1) >= _TAIL) if successes else 0.0
    if successes == n:
        return low, 1.0
    return low, _first(lambda share: regularised_beta(share, successes + 1, n - successes) >= 1 - _TAIL)


def _first(is_beyond: Callable[[float], bool]) -> float:
    """Return the least share from which on a condition holds."""
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in {low, high}:
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    return high
