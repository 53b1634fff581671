"""Intervals by formula beside scipy's bootstrap of the same data: on average, two ways to the same end must agree.

Ours are wider by what they do not take for granted: ten batches tell their own spread to a fifth only, so they reach
2.26 standard errors to each side instead of 1.96.
"""

from collections.abc import Callable
from random import Random
from statistics import fmean

import numpy
import pytest
from scipy import stats

from profiler.stats.estimates import Estimate
from profiler.stats.intervals import mean_half_width
from profiler.stats.quantile_intervals import quantile_interval
from profiler.stats.quantiles import quantile

RUNS, REQUESTS = 40, 200

Statistic = Callable[..., numpy.ndarray]


def bootstrap_width(values: list[float], statistic: Statistic) -> float:
    """The width of the interval from drawing values, or means of whole repeats, again and again."""
    data, rng = (numpy.array(values),), numpy.random.default_rng(1)
    found = stats.bootstrap(data, statistic, vectorized=True, method="percentile", n_resamples=999, rng=rng)
    return float(found.confidence_interval.high - found.confidence_interval.low)


@pytest.fixture
def runs() -> list[list[float]]:
    random = Random(8)  # noqa: S311 - must be repeatable, not secret
    return [[random.gammavariate(2, 10) for _ in range(REQUESTS)] for _ in range(RUNS)]


def test_means_over_requests(runs: list[list[float]]) -> None:
    ours = fmean(2 * (mean_half_width(run) or 0.0) for run in runs)
    expected = fmean(bootstrap_width(run, numpy.mean) for run in runs)
    assert ours == pytest.approx(2.262 / 1.960 * expected, rel=0.1)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_quantiles_over_requests(runs: list[list[float]], q: float) -> None:
    def statistic(values: numpy.ndarray, axis: int = -1) -> numpy.ndarray:
        return numpy.quantile(values, q, axis=axis)

    found = [quantile_interval(run, sorted(run), q, quantile(sorted(run), q)) for run in runs]
    ours = fmean(interval[1] - interval[0] for interval in found if interval is not None)
    expected = fmean(bootstrap_width(run, statistic) for run in runs)
    assert 0.95 * expected < ours < 1.4 * expected


def test_means_over_repeats(runs: list[list[float]]) -> None:
    # repeats of 200 requests, each with a level of its own
    random = Random(9)  # noqa: S311 - must be repeatable, not secret
    repeats = [fmean(run) + random.gauss(0, 5) for run in runs]
    found = Estimate.of_repeats(fmean(repeats), repeats)
    assert found.high - found.low == pytest.approx(bootstrap_width(repeats, numpy.mean), rel=0.1)
