"""Weights stated, ordered, and drawn."""

from random import Random
from statistics import fmean

import pytest

from profiler.selection.weights import anywhere, centroid, in_order, nearby, normalised, ranks_of


def test_weights_add_up_to_one():
    assert normalised([60, 30, 10]) == (0.6, 0.3, 0.1)


@pytest.mark.parametrize("raw", [[0, 0], [1, -1]])
def test_weights_below_zero_and_none_at_all_are_refused(raw):
    with pytest.raises(ValueError, match="weight"):
        normalised(raw)


def test_the_centroid_of_an_order():
    # three criteria: (1 + 1/2 + 1/3)/3 = 11/18, (1/2 + 1/3)/3 = 5/18, (1/3)/3 = 2/18
    assert centroid((1, 2, 3)) == pytest.approx((11 / 18, 5 / 18, 2 / 18))
    assert centroid((2, 1, 2)) == pytest.approx((7 / 36, 11 / 18, 7 / 36))  # equals share (5 + 2)/18
    assert ranks_of((60, 20, 20)) == (1, 2, 2)


def test_the_mean_of_drawn_orders_is_their_centroid():
    drawn = in_order((2, 1, 3), 20_000, Random(1))
    assert all(two <= one and three <= two for two, one, three in drawn)
    means = [fmean(column) for column in zip(*drawn, strict=True)]
    # a weight varies by at most 0.2 from draw to draw: 0.2 / √20 000 = 0.0014, and 4 of those
    assert means == pytest.approx(centroid((2, 1, 3)), abs=0.006)


def test_equals_in_an_order_may_lead_each_other():
    drawn = in_order((1, 1), 2_000, Random(1))
    assert 0.4 < fmean(one > other for one, other in drawn) < 0.6


def test_weights_of_which_nothing_is_known_are_even_over_the_simplex():
    drawn = anywhere(3, 20_000, Random(1))
    # of Dirichlet(1, 1, 1): P(w1 > 1/2) = (1 − 1/2)² = 1/4
    assert fmean(each[0] > 0.5 for each in drawn) == pytest.approx(0.25, abs=0.012)


def test_weights_nearby_are_within_the_factor_of_each_other():
    for one, other, none in nearby((0.8, 0.2, 0.0), 2.0, 500, Random(1)):
        assert 1.0 <= one / other <= 16.0  # 4 as stated, times or over 2 × 2
        assert none == 0.0
