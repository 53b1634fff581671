"""The jackknife against formulas that are known exactly."""

from math import sqrt
from statistics import fmean, stdev

import pytest

from profiler.stats.jackknife import added_up, jackknife_half_width

T_9 = 2.262157  # two-sided 95 % of Student's t, 9 degrees of freedom


def mean(sums) -> float:  # type: ignore[no-untyped-def]
    return sums["points"] / sums["answers"]


def test_of_a_mean_it_is_the_standard_error() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0]
    groups = [{"points": value, "answers": 1.0} for value in values]
    assert mean(added_up(groups)) == fmean(values)
    assert jackknife_half_width(groups, mean) == pytest.approx(T_9 * stdev(values) / sqrt(10))


def test_answers_to_the_same_item_count_as_one() -> None:
    """Each item answered four times alike: as sure as with one answer, where independent answers would be twice as."""
    once = [{"points": float(value), "answers": 1.0} for value in range(10)]
    often = [{"points": 4.0 * value, "answers": 4.0} for value in range(10)]
    assert jackknife_half_width(often, mean) == pytest.approx(jackknife_half_width(once, mean))


def test_of_few_groups_there_is_none() -> None:
    assert jackknife_half_width([{"points": 1.0, "answers": 1.0}] * 4, mean) is None
