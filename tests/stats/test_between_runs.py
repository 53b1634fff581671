"""Means and ratios over runs, beside scipy's, and how often they cover."""

from math import exp, log, sqrt
from random import Random

import pytest
from scipy import stats

from profiler.stats.between_runs import mean, paired_ratio, ratio


def mean_of(values, drift_ratio=None):
    found = mean(values, drift_ratio)
    assert found is not None
    return found


def test_the_ratio_is_welch_s_of_the_logarithms() -> None:
    new, base = [90.0, 100.0, 108.0], [50.0, 61.0, 55.0, 57.0]
    found = ratio(mean_of(new), mean_of(base), 0.9)
    welch = stats.ttest_ind([log(v) for v in new], [log(v) for v in base], equal_var=False).confidence_interval(0.9)
    assert (found.low, found.high) == (pytest.approx(exp(welch.low)), pytest.approx(exp(welch.high)))


def test_the_mean_has_student_s_interval() -> None:
    # logarithms −0.1, 0, 0.1: standard deviation 0.1, t(2) = 4.302653
    found = mean_of([exp(-0.1), 1, exp(0.1)]).estimate()
    assert found.high == pytest.approx(exp(4.302653 * 0.1 / sqrt(3)))
    assert found.value == pytest.approx(1)


def test_a_single_run_has_no_variation_unless_it_is_stated() -> None:
    assert mean([100.0]) is None
    # ten degrees of freedom: t = 2.228139
    assert mean_of([100.0], 0.03).estimate().high == pytest.approx(100 * exp(2.228139 * 0.03))
    assert mean([]) is None
    assert mean([1.0, 0.0], 0.03) is None


def test_a_stated_drift_is_pooled_with_what_runs_show() -> None:
    # runs 10 % apart against a drift of 1 %: (10 · 0.01² + 1 · 0.005) / 11 for one run, half of it for the mean of two
    found = mean_of([exp(-0.05), exp(0.05)], 0.01)
    assert found.variance == pytest.approx((10 * 0.01**2 + 0.005) / 11 / 2)
    assert found.freedom == 11


def test_each_further_run_makes_a_stated_drift_narrower() -> None:
    widths = [mean_of([100.0] * n, 0.03).estimate() for n in (1, 2, 3, 5)]
    assert [w.high for w in widths] == sorted((w.high for w in widths), reverse=True)


def test_no_interval_of_a_ratio_reaches_zero_or_infinity() -> None:
    # two runs a side that differ a thousandfold: t(1) alone is 637 at 99.9 %
    found = ratio(mean_of([0.001, 1000.0]), mean_of([1000.0, 0.001]), 0.999)
    assert 0 < found.low < 1 < found.high < float("inf")


def test_pairs_that_drift_together() -> None:
    # ratios 0.9, 0.9 and 0.9 of bases from 50 to 100
    found = paired_ratio([(90, 100), (63, 70), (45, 50)])
    assert found is not None
    assert (found.low, found.value, found.high) == (pytest.approx(0.9), pytest.approx(0.9), pytest.approx(0.9))
    # log ratios 0 and log 4: mean log 2, standard deviation log 4 / √2, /√2, times t = 12.706205
    wide = paired_ratio([(1, 1), (4, 1)])
    assert wide is not None
    assert wide.value == pytest.approx(2)
    assert wide.high == pytest.approx(2 * exp(12.706205 * log(2)), rel=1e-5)
    assert paired_ratio([(1, 1)]) is None
    assert paired_ratio([(1, 1), (0, 1)]) is None


@pytest.mark.parametrize(("runs", "spread"), [((5, 5), (0.01, 0.01)), ((3, 8), (0.01, 0.04)), ((3, 3), (0.002, 0.005))])
def test_a_ratio_of_means_is_covered_as_often_as_it_says(runs: tuple[int, int], spread: tuple[float, float]) -> None:
    random = Random(3)  # noqa: S311 - a simulation must be repeatable, not secret
    hits = 0
    for _ in range(2000):
        sides = [mean_of([random.gauss(100, 100 * s) for _ in range(n)]) for n, s in zip(runs, spread, strict=True)]
        found = ratio(sides[0], sides[1])
        hits += found.low <= 1 <= found.high
    assert 0.93 <= hits / 2000 <= 0.97
