"""Ratios of means over few pairs of values."""

import itertools

import pytest

from profiler.stats.ratios import ratio_of_means


def ratio(xs: list[float], ys: list[float]) -> float:
    products = sum(x * y for x, y in zip(xs, ys, strict=True))
    return ratio_of_means(len(xs), sum(xs), sum(ys), products, sum(y * y for y in ys))


def test_values_that_are_alike_give_the_quotient_of_their_sums() -> None:
    assert ratio([10.0] * 6, [0.5] * 6) == pytest.approx(20)


def test_the_bias_of_the_quotient_is_taken_off() -> None:
    # Mean of y 1, relative variance 2 × 0.2² / 10 × 10 / 10 = 0.008 (the mean square), over n − 1 = 9; x does not vary.
    ys = [0.8, 1.2, *[1.0] * 8]
    assert ratio([1.0] * 10, ys) == pytest.approx(1 - 0.008 / 9)


def test_fewer_than_five_pairs_are_not_corrected() -> None:
    assert ratio([1.0] * 4, [0.5, 1.5, 1.0, 1.0]) == pytest.approx(1)


@pytest.mark.parametrize("requests", [24, 66])
def test_one_stall_does_not_take_the_rate_away(requests: int) -> None:
    """One request of 4 s among others of 0.1 s: as many tokens a second as came out."""
    busy_s = [0.1] * (requests - 1) + [4.0]
    assert ratio([10.0] * requests, busy_s) == pytest.approx(10 * requests / sum(busy_s))


def test_the_correction_fades_without_a_step() -> None:
    def correction(longest: float) -> float:
        ys = [1.0] * 39 + [longest]
        return 1 - ratio([1.0] * 40, ys) * sum(ys) / 40

    corrections = [correction(1 + step / 10) for step in range(300)]
    assert max(corrections) == pytest.approx(0.05, abs=0.001)
    assert corrections[-1] == 0
    assert max(abs(one - other) for one, other in itertools.pairwise(corrections)) < 0.003
