"""How much two runs differ on the same items: pure.

Answers to one item resemble each other, so an item counts once, with the mean over its answers (a cluster), and items
are taken as drawn from all that might have been asked. What both runs find easy or hard in an item falls out of the
difference, which makes its interval narrower than that of two means. Paired and clustered standard errors as in E.
Miller, "Adding error bars to evals" (arXiv:2411.00640), §2.2 and §4.2.

Of scores that are right or wrong, few items differ, and in a small sample perhaps none: a variance of 0 would then call
"no difference" sure. Half a pair is therefore added to each of the four ways in which two such scores can fall, as A.
Agresti and Y. Min, "Simple improved confidence intervals for comparing matched proportions" (Statistics in Medicine 24,
2005).
"""

from collections.abc import Sequence
from math import fsum, sqrt

from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE

FEWEST_ITEMS = 5


def mean_difference(
    differences: Sequence[float], most: float, *, is_binary: bool, confidence: float = CONFIDENCE
) -> Estimate | None:
    """Return the mean of the differences of items with its interval, in their unit; None below five items.

    Each is the mean score of an item in one run less that in the other, from −`most` to `most`. `is_binary`: each
    answer scores 0 or `most` and nothing between. Differences that are all alike get the interval of binary ones.
    """
    count = len(differences)
    if count < FEWEST_ITEMS:
        return None
    value = fsum(differences) / count
    squares = fsum(difference**2 for difference in differences)
    is_alike = min(differences) == max(differences)
    added, added_squares = (2, most**2) if is_binary or is_alike else (0, 0.0)
    total = count + added
    middle = value * count / total
    variance = ((squares + added_squares) / total - middle**2) * (1.0 if added else count / (count - 1))
    half_width = two_sided_t(confidence, count - 1) * sqrt(max(0.0, variance) / total)
    low, high = max(-most, middle - half_width), min(most, middle + half_width)
    return Estimate(value, min(low, value), max(high, value), count - 1)
