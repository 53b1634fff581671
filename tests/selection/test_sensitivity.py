"""How far weights may move, worked by hand and checked against a search over all weights."""

from random import Random

import pytest

from profiler.selection.sensitivity import Stretch, nearest_flip, score, winners_along
from profiler.selection.weights import anywhere, normalised


def test_the_smallest_change_that_flips_the_winner():
    # leads of the first over the second: 1, 0, −1. At (0.6, 0.3, 0.1) it leads by 0.5; a unit moved from the first
    # criterion to the third closes 2: a quarter is enough
    flip = nearest_flip((0.6, 0.3, 0.1), [(1, 0, 0), (0, 0, 1)], winner=0)
    assert flip is not None
    assert flip.rival == 1
    assert flip.moved == pytest.approx(0.25)
    assert flip.weights == pytest.approx((0.35, 0.3, 0.35))


def test_weight_that_is_not_enough_is_taken_from_the_next_criterion():
    # leads 3, 1, −1 at (0.1, 0.8, 0.1): lead 1.0. All 0.1 of the first close 0.4; 0.6 more take 0.3 of the second
    flip = nearest_flip((0.1, 0.8, 0.1), [(3, 1, 0), (0, 0, 1)], winner=0)
    assert flip is not None
    assert flip.moved == pytest.approx(0.4)
    assert flip.weights == pytest.approx((0.0, 0.5, 0.5))


def test_no_weights_make_a_beaten_one_win():
    assert nearest_flip((0.5, 0.5), [(1, 1), (0, 0)], winner=0) is None


def test_a_rival_that_is_level_needs_nothing():
    flip = nearest_flip((0.5, 0.5), [(1, 1), (1, 1)], winner=0)
    assert flip is not None
    assert flip.moved == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_no_drawn_weights_flip_with_less(seed):
    random = Random(seed)
    gains = [[random.gauss(0, 1) for _ in range(3)] for _ in range(4)]
    own = normalised([random.random() for _ in range(3)])
    winner = max(range(4), key=lambda index: score(own, gains[index]))
    flip = nearest_flip(own, gains, winner)
    moved = [
        sum(abs(new - old) for new, old in zip(drawn, own, strict=True)) / 2
        for drawn in anywhere(3, 4_000, random)
        if any(score(drawn, each) > score(drawn, gains[winner]) for each in gains)
    ]
    assert (flip is None) == (not moved)
    if flip is not None:
        assert flip.moved <= min(moved) + 1e-9
        assert flip.moved >= min(moved) - 0.05  # 4 000 draws come so near
        assert score(flip.weights, gains[flip.rival]) == pytest.approx(score(flip.weights, gains[winner]))


def test_who_wins_while_one_weight_goes_from_nothing_to_all():
    # over the weight t of the first criterion: t, 1 − t, and 0.6: b until 0.4, c until 0.6, then a
    found = winners_along((0.5, 0.5), [(1, 0), (0, 1), (0.6, 0.6)], criterion=0)
    assert [each.winner for each in found] == [1, 2, 0]
    assert [each.high for each in found] == pytest.approx([0.4, 0.6, 1.0])


def test_one_winner_throughout_is_one_stretch():
    assert winners_along((0.5, 0.5), [(1, 1), (0, 0)], 1) == [Stretch(0.0, 1.0, 0)]
    assert winners_along((1.0,), [(1,), (0,)], 0) == [Stretch(0.0, 1.0, 0)]
