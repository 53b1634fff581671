"""Quantiles of the distributions that intervals are made from, without numpy."""

from collections.abc import Callable
from functools import cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

_TINY = 1e-300
_ENOUGH_STEPS = 300
_EXACT = 1e-15
_AS_GOOD_AS_NORMAL = 1e7  # degrees of freedom: to seven digits, and the logarithms of gamma lose more


def regularised_beta(x: float, a: float, b: float) -> float:
    """Return Iₓ(a, b), the regularised incomplete beta function, for 0 ≤ x ≤ 1 and positive a and b.

    Continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, evaluated by Lentz's method.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(x, a, b) / a
    return 1 - front * _beta_fraction(1 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction that converges fast for x < (a + 1)/(a + b + 2)."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _ENOUGH_STEPS + round(sqrt(max(a, b)))):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _EXACT:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


@cache
def student_t(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t with so many degrees of freedom, for 0.5 ≤ probability < 1.

    Raises `ValueError` outside of that.
    """
    if not (0.5 <= probability < 1 and freedom > 0):
        raise ValueError(f"Student's t at {probability} with {freedom} degrees of freedom")
    if probability == 0.5:
        return 0.0
    if freedom > _AS_GOOD_AS_NORMAL:
        return NormalDist().inv_cdf(probability)

    return _root(lambda t: student_cdf(-t, freedom) <= 1 - probability)


def student_cdf(t: float, freedom: float) -> float:
    """Return the probability that Student's t with so many (positive) degrees of freedom is at most `t`."""
    above = regularised_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return 1 - above if t > 0 else above


@cache
def two_sided_t(confidence: float, freedom: float) -> float:
    """Return how many standard errors a two-sided interval reaches to each side."""
    return student_t((1 + confidence) / 2, freedom)


def _root(is_beyond: Callable[[float], bool]) -> float:
    """Return the least value of at least 0 from which on a condition holds."""
    low, high = 0.0, 1.0
    while not is_beyond(high):
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in {low, high}:
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    return high
