from random import Random

import pytest

from profiler.stats.intervals import mean_half_width, repeats_half_width


def test_ten_batches_of_two() -> None:
    # Batch means 0, 1, …, 9: standard deviation 3.02765, /√10 = 0.957427, times t = 2.262157.
    values = [float(i // 2) for i in range(20)]
    assert mean_half_width(values) == pytest.approx(2.262157 * 0.957427, rel=1e-5)


def test_constant_values_have_no_width() -> None:
    assert mean_half_width([5.0] * 50) == 0


def test_too_few_values_have_no_interval() -> None:
    assert mean_half_width([1.0] * 19) is None


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_interval_covers_the_mean_as_often_as_it_says(correlation: float) -> None:
    """Also where neighbours resemble each other, which would make a plain t-interval far too narrow."""
    random = Random(1)  # noqa: S311 - a simulation must be repeatable, not secret
    hits = runs = 0
    for _ in range(1000):
        value, values = 0.0, []
        for _ in range(500):
            value = correlation * value + random.gauss(0, 1)
            values.append(value)
        half_width = mean_half_width(values)
        assert half_width is not None
        runs += 1
        hits += abs(sum(values[:500]) / 500) <= half_width
    assert 0.92 <= hits / runs <= 0.97


def test_the_interval_of_repeats() -> None:
    # Of 1, 2, 3: standard deviation 1, /√3 = 0.577350, times t = 4.302653 with 2 degrees of freedom.
    assert repeats_half_width([1.0, 2.0, 3.0]) == pytest.approx(4.302653 * 0.577350, rel=1e-5)
    assert repeats_half_width([7.0, 7.0]) == 0
    # From the tenth on t stays 2.262157: 0, 1 alternating 16 times has a standard deviation of 0.516398.
    assert repeats_half_width([0.0, 1.0] * 8) == pytest.approx(2.262157 * 0.516398 / 4, rel=1e-5)


def test_one_repeat_has_no_interval() -> None:
    assert repeats_half_width([1.0]) is None
    assert repeats_half_width([]) is None
