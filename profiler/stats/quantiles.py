"""Quantiles and how many samples a claim about one needs."""

import math
from functools import cache

from profiler.stats.values import Ordered

CLAIM_CONFIDENCE = 0.99

QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
SLOW_TAIL = {"p5": 0.05, "p1": 0.01}
"""Quantiles of rates besides: of what is the better the higher it is, the slow requests are the lowest."""


def quantile(ordered: Ordered, q: float) -> float:
    """Return the q-quantile of values in ascending order, 0 ≤ q ≤ 1, interpolating linearly.

    Definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996).
    Raises `ValueError` without values.
    """
    if not len(ordered):
        raise ValueError("no values")
    position = q * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    fraction = position - below
    # (1−f)·a + f·b, written so that equal neighbours give exactly themselves
    return ordered[below] + fraction * (ordered[above] - ordered[below])


@cache
def sample_floor(q: float, confidence: float = CLAIM_CONFIDENCE) -> int:
    """Return the fewest samples of which the second largest bounds the q-quantile from above.

    With n samples that fails when at most one of them exceeds the quantile, which has the probability
    qⁿ + n·qⁿ⁻¹·(1−q); n is the first at which this is at most 1 − confidence (S. S. Wilks,
    "Determination of sample sizes for setting tolerance limits", 1941, second order). At 0.99:
    11 for the median, 64 for p90, 130 for p95, 662 for p99.
    """
    n = 1
    while q**n + n * q ** (n - 1) * (1 - q) > 1 - confidence:
        n += 1
    return n
