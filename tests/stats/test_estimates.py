from math import exp, log, sqrt
from random import Random

import pytest
from scipy import stats

from profiler.stats.estimates import Estimate, difference, paired_ratio, ratio


def test_the_difference_of_two_intervals() -> None:
    # 10 ± 3 and 6 ± 4, both for certain: √(3² + 4²) = 5
    found = difference(Estimate(10, 7, 13), Estimate(6, 2, 10))
    assert (found.value, found.low, found.high) == (4, -1, 9)


def test_sides_that_are_not_alike_stay_so() -> None:
    # 10 from 7 to 11 minus 6 exactly: only the first one's sides count
    found = difference(Estimate(10, 7, 11), Estimate.exact(6))
    assert (found.value, found.low, found.high) == (4, 1, 5)


def test_student_s_intervals_make_that_of_welch() -> None:
    # variances of the means 1/3 (2 degrees) and 4/3 (2): Welch (5/3)² / (1/18 + 16/18) = 2.941 degrees
    new, base = Estimate.of_repeats(10, [9, 10, 11]), Estimate.of_repeats(5, [3, 5, 7])
    found = difference(new, base)
    assert found.freedom == pytest.approx(50 / 17)
    welch = stats.ttest_ind([9, 10, 11], [3, 5, 7], equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(welch.low), pytest.approx(welch.high))


def test_the_ratio_is_a_difference_of_logarithms() -> None:
    found = ratio(Estimate(20, 10, 40), Estimate(5, 5, 5))
    assert found is not None
    assert (found.value, found.low, found.high) == (4, pytest.approx(2), pytest.approx(8))
    both = ratio(Estimate(20, 10, 40), Estimate(5, 2.5, 10))
    assert both is not None
    assert both.low == pytest.approx(4 * exp(-sqrt(2) * log(2)))


def test_exact_numbers_give_exact_ones() -> None:
    assert difference(Estimate.exact(3), Estimate.exact(1)) == Estimate(2, 2, 2)
    assert ratio(Estimate.exact(1), Estimate.exact(3)) == Estimate(1 / 3, 1 / 3, 1 / 3)


def test_known_only_as_an_interval_is_the_least_and_the_most() -> None:
    model = Estimate(None, 2, 4)
    assert difference(model, Estimate(1, 0.5, 1.5, 9)) == Estimate(None, 0.5, 3.5)
    assert ratio(model, Estimate(1, 0.5, 2, 9)) == Estimate(None, 1, 8)


def test_an_interval_that_reaches_zero_has_no_ratio() -> None:
    assert ratio(Estimate(1, 1, 1), Estimate(1, 0, 2)) is None
    assert ratio(Estimate(1, 0, 2), Estimate(1, 1, 1)) is None


def test_another_confidence() -> None:
    # t with 2 degrees of freedom: 4.302653 at 0.95, 9.924843 at 0.99
    found = Estimate.of_repeats(100, [99, 100, 101])
    assert found.at(0.99).high - 100 == pytest.approx((found.high - 100) * 9.924843 / 4.302653)
    assert found.at(0.95).low == pytest.approx(found.low)
    assert Estimate(None, 1, 2).at(0.99) == Estimate(None, 1, 2)


def test_no_interval_of_less_than_two_repeats_and_none_the_wrong_way_round() -> None:
    with pytest.raises(ValueError, match="no interval"):
        Estimate.of_repeats(1, [1])
    with pytest.raises(ValueError, match="does not lie"):
        Estimate(3, 1, 2)
    with pytest.raises(ValueError, match="does not lie"):
        Estimate(None, 2, 1)


def test_overlap() -> None:
    assert Estimate(2, 1, 3).overlaps(Estimate(4, 3, 5))
    assert not Estimate(2, 1, 3).overlaps(Estimate(5, 4, 6))


@pytest.mark.parametrize(("repeats", "spread"), [((5, 5), (1, 1)), ((3, 8), (1, 4)), ((3, 3), (0.2, 0.5))])
def test_a_ratio_of_repeats_is_covered_as_often_as_it_says(
    repeats: tuple[int, int], spread: tuple[float, float]
) -> None:
    random = Random(3)  # noqa: S311 - a simulation must be repeatable, not secret
    hits = 0
    for _ in range(2000):
        sides = [[random.gauss(100, s) for _ in range(n)] for n, s in zip(repeats, spread, strict=True)]
        found = ratio(*(Estimate.of_repeats(sum(side) / len(side), side) for side in sides))
        assert found is not None
        hits += found.low <= 1 <= found.high
    assert 0.93 <= hits / 2000 <= 0.97


def test_a_difference_at_another_confidence_is_welch_s_too() -> None:
    new, base = [9, 10, 11], [3, 5, 7]
    found = difference(Estimate.of_repeats(10, new), Estimate.of_repeats(5, base)).at(0.99)
    welch = stats.ttest_ind(new, base, equal_var=False).confidence_interval(0.99)
    assert (found.low, found.high) == (pytest.approx(welch.low), pytest.approx(welch.high))


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
