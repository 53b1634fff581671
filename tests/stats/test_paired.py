import random
from collections.abc import Callable
from math import sqrt

import pytest

from profiler.stats.distributions import two_sided_t
from profiler.stats.paired import FEWEST_ITEMS, mean_difference

DRAWS = 2000


def test_scores_between_have_students_interval_over_items() -> None:
    # 10, 0, 20, −10, 30: mean 10, squares of deviations 0 + 100 + 100 + 400 + 400 = 1000, s² = 250, s / √5 = √50
    found = mean_difference([10, 0, 20, -10, 30], 100, is_binary=False)
    assert found is not None
    assert (found.value, found.freedom) == (10, 4)
    assert (found.low, found.high) == pytest.approx(
        (10 - two_sided_t(0.95, 4) * sqrt(50), 10 + two_sided_t(0.95, 4) * sqrt(50))
    )


def test_right_and_wrong_have_the_interval_of_agresti_and_min() -> None:
    # Of 20 items 4 are won and 1 is lost: with half a pair in each cell (4.5 − 1.5) / 22 = 0.13636, and the variance is
    # ((4.5 + 1.5) − 3² / 22) / 22² = 0.011552, of which the root is 0.10748.
    found = mean_difference([100] * 4 + [-100] + [0] * 15, 100, is_binary=True)
    assert found is not None
    assert found.value == pytest.approx(15)
    half_width = 100 * two_sided_t(0.95, 19) * sqrt((6 - 9 / 22) / 22**2)
    assert (found.low, found.high) == pytest.approx((100 * 3 / 22 - half_width, 100 * 3 / 22 + half_width))


@pytest.mark.parametrize("is_binary", [True, False])
def test_no_difference_on_any_item_is_not_surely_none(is_binary: bool) -> None:
    found = mean_difference([0.0] * 32, 100, is_binary=is_binary)
    assert found is not None
    assert found.value == 0
    assert found.high == -found.low == pytest.approx(100 * two_sided_t(0.95, 31) / 34)  # ±√(1/34 / 34): 6 points


def test_the_ends_stay_within_what_is_possible() -> None:
    found = mean_difference([100.0] * 8, 100, is_binary=True)
    assert found is not None
    assert (found.value, found.high) == (100, 100)
    assert 0 < found.low < 100


def test_few_items_have_none() -> None:
    assert mean_difference([1.0] * (FEWEST_ITEMS - 1), 100, is_binary=False) is None


def _sparse(won: float, lost: float) -> Callable[[random.Random], float]:
    """One answer an item, right or wrong: the second run wins some items and loses others."""
    return lambda chance: 100.0 * ((draw := chance.random()) < won) - 100.0 * (won <= draw < won + lost)


def _repeated(chance: random.Random) -> float:
    """Three answers an item, right by a chance of the item's own, which is 0.1 higher in the second run."""
    ease = chance.uniform(0.1, 0.8)
    means = [sum(chance.random() < ease + more for _ in range(3)) / 3 for more in (0.1, 0.0)]
    return 100 * (means[0] - means[1])


def _between(chance: random.Random) -> float:
    """Scores such as ROUGE: skewed, from 0 to 100, with an item's own level in both runs."""
    level = 100 * chance.betavariate(2, 3)
    return min(100.0, max(0.0, level + chance.gauss(3, 8))) - min(100.0, max(0.0, level + chance.gauss(0, 8)))


@pytest.mark.parametrize("items", [20, 32, 100])
@pytest.mark.parametrize(
    ("draw", "truth", "is_binary"),
    [
        pytest.param(_sparse(0.03, 0.0), 3.0, True, id="few items won"),
        pytest.param(_sparse(0.02, 0.02), 0.0, True, id="few won and lost"),
        pytest.param(_sparse(0.3, 0.1), 20.0, True, id="many won and lost"),
        pytest.param(_repeated, 10.0, True, id="repeats of items"),
        pytest.param(_between, None, False, id="scores between"),
    ],
)
def test_simulated_intervals_hold_the_truth_as_often_as_they_say(
    draw: Callable[[random.Random], float], truth: float | None, is_binary: bool, items: int
) -> None:
    chance = random.Random(items)  # noqa: S311 - a simulation
    expected = sum(draw(chance) for _ in range(200_000)) / 200_000 if truth is None else truth
    held = 0
    for _ in range(DRAWS):
        found = mean_difference([draw(chance) for _ in range(items)], 100, is_binary=is_binary)
        assert found is not None
        held += found.low <= expected <= found.high
    assert held / DRAWS >= 0.935  # 95 % less three standard errors of 2,000 draws


def test_requests_taken_one_by_one_would_be_too_sure() -> None:
    """Twenty items of ten alike answers each: a hundred and more answers, and no more knowledge than twenty."""
    chance = random.Random(1)  # noqa: S311 - a simulation
    by_item, by_answer = 0, 0
    for _ in range(500):
        items = [chance.gauss(0, 10) for _ in range(20)]
        answers = [item + chance.gauss(0, 1) for item in items for _ in range(10)]
        means = [sum(answers[first : first + 10]) / 10 for first in range(0, 200, 10)]
        clustered, naive = (mean_difference(values, 100, is_binary=False) for values in (means, answers))
        assert clustered is not None
        assert naive is not None
        by_item += clustered.low <= 0 <= clustered.high
        by_answer += naive.low <= 0 <= naive.high
    assert by_item / 500 > 0.92
    assert by_answer / 500 < 0.6
