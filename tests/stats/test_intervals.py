from random import Random

import pytest

from profiler.stats.intervals import BatchSums, mean_half_width, parts_half_width, repeats_half_width


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
    # t is 2.131450 with 15 degrees: 0, 1 alternating 16 times has a standard deviation of 0.516398.
    assert repeats_half_width([0.0, 1.0] * 8) == pytest.approx(2.131450 * 0.516398 / 4, rel=1e-5)


def test_one_repeat_has_no_interval() -> None:
    assert repeats_half_width([1.0]) is None
    assert repeats_half_width([]) is None


def test_sums_of_batches_give_the_same_interval_while_they_are_few() -> None:
    random = Random(1)  # noqa: S311 - a simulation must be repeatable, not secret
    values = [random.gauss(10, 1) for _ in range(2000)]
    sums = BatchSums()
    for count, value in enumerate(values, start=1):
        sums.add(value)
        if count in {10, 19, 20, 21, 500, 2000}:
            assert sums.half_width() == mean_half_width(values[:count])
            assert sums.mean == pytest.approx(sum(values[:count]) / count)


def test_beyond_that_the_batches_still_hold_nearly_all_values() -> None:
    # Ten plateaus of 10,000 values at 0, 1, …, 9: each batch lies within one of them, but for at most 1 %.
    sums = BatchSums()
    sums.extend([float(i // 10_000) for i in range(100_000)])
    assert sums.half_width() == pytest.approx(2.262157 * 0.957427, rel=0.01)
    assert sums.mean == 4.5


@pytest.mark.parametrize("sizes", [(100_000, 100_000), (100_000, 3000), (3000, 100_000)])
def test_sums_of_two_repeats_are_put_together_in_order(sizes: tuple[int, int]) -> None:
    random = Random(1)  # noqa: S311 - a simulation must be repeatable, not secret
    values = [random.gauss(10, 1) + i / 50_000 for i in range(sum(sizes))]
    first, second = BatchSums(), BatchSums()
    first.extend(values[: sizes[0]])
    second.extend(values[sizes[0] :])
    first.append(second)
    assert first.half_width() == pytest.approx(mean_half_width(values), rel=0.05)
    assert first.mean == pytest.approx(sum(values) / len(values), rel=0.001)


def test_the_interval_of_a_rate_over_parts() -> None:
    # parts of equal length: their own t-interval. 1, 2, 3: ±4.302653 · 1/√3
    assert parts_half_width(2.0, [1.0, 2.0, 3.0], [5, 5, 5]) == pytest.approx(4.302653 * 0.577350, rel=1e-5)
    # of lengths 1 and 3, rates 4 and 0 are 4 in a time of 4, mean length 2: deviations 3·1/2 and −1·3/2,
    # √((2.25 + 2.25) / 1 / 2) = 1.5, times t = 12.706205
    assert parts_half_width(1.0, [4.0, 0.0], [1, 3]) == pytest.approx(12.706205 * 1.5)


@pytest.mark.parametrize("variation", [0.1, 0.5])
def test_a_rate_is_covered_as_often_as_it_says(variation: float) -> None:
    """Requests per time, from ten parts of four requests whose durations vary."""
    random = Random(4)  # noqa: S311 - a simulation must be repeatable, not secret
    hits = 0
    for _ in range(2000):
        parts_s = [sum(random.gammavariate(variation**-2, variation**2) for _ in range(4)) for _ in range(10)]
        rate = 40 / sum(parts_s)
        half_width = parts_half_width(rate, [4 / part_s for part_s in parts_s], parts_s)
        hits += abs(rate - 1) <= half_width
    assert 0.93 <= hits / 2000 <= 0.97


@pytest.mark.parametrize("repeats", [2, 3, 5])
def test_repeats_that_differ_are_covered_as_often_as_it_says(repeats: int) -> None:
    """Requests of one repeat resemble each other: only the repeats tell how sure their mean is."""
    random = Random(5)  # noqa: S311 - a simulation must be repeatable, not secret
    hits = naive_hits = 0
    for _ in range(2000):
        means, every = [], []
        for _ in range(repeats):
            centre = random.gauss(0, 1)
            values = [random.gauss(centre, 1) for _ in range(20)]
            means.append(sum(values) / 20)
            every += values
        half_width, naive = repeats_half_width(means), repeats_half_width(every)
        assert half_width is not None
        assert naive is not None
        hits += abs(sum(means) / repeats) <= half_width
        naive_hits += abs(sum(means) / repeats) <= naive
    assert 0.93 <= hits / 2000 <= 0.97
    assert naive_hits / 2000 < 0.7
