import pytest

from profiler.stats.estimates import Estimate


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
