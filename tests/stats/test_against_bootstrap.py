"""Intervals by formula beside scipy's bootstrap of the same data: two ways to the same end must agree."""

from random import Random
from statistics import fmean

import numpy
import pytest
from scipy import stats

from profiler.stats.estimates import Estimate
from profiler.stats.intervals import mean_half_width
from profiler.stats.quantile_intervals import quantile_interval
from profiler.stats.quantiles import quantile


def width_of_bootstrap(values: list[float], statistic, method: str) -> float:
    found = stats.bootstrap(
        (numpy.array(values),), statistic, vectorized=True, method=method, rng=numpy.random.default_rng(1)
    ).confidence_interval
    return float(found.high - found.low)


@pytest.fixture
def skewed() -> list[float]:
    random = Random(8)  # noqa: S311 - must be repeatable, not secret
    return [random.gammavariate(2, 10) for _ in range(500)]


def test_means_over_requests(skewed: list[float]) -> None:
    # ten batches reach 2.26 standard errors to each side instead of 1.96, and know their size to a fifth
    half_width = mean_half_width(skewed)
    assert half_width is not None
    assert 2 * half_width == pytest.approx(width_of_bootstrap(skewed, numpy.mean, "BCa"), rel=0.45)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_quantiles_over_requests(skewed: list[float], q: float) -> None:
    ordered = sorted(skewed)
    found = quantile_interval(skewed, ordered, q, quantile(ordered, q))
    assert found is not None

    def statistic(values: numpy.ndarray, axis: int = -1) -> numpy.ndarray:
        return numpy.quantile(values, q, axis=axis)

    expected = width_of_bootstrap(skewed, statistic, "percentile")
    assert found[1] - found[0] == pytest.approx(expected, rel=0.45)


def test_means_over_repeats(skewed: list[float]) -> None:
    # whole repeats are drawn: 25 of 20 requests, each with a level of its own
    random = Random(9)  # noqa: S311 - must be repeatable, not secret
    repeats = [fmean(skewed[i : i + 20]) + random.gauss(0, 5) for i in range(0, 500, 20)]
    found = Estimate.of_repeats(fmean(repeats), repeats)
    assert found.high - found.low == pytest.approx(width_of_bootstrap(repeats, numpy.mean, "BCa"), rel=0.15)
