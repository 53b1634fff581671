import pytest

from profiler.stats.ranges import Range


def test_arithmetic() -> None:
    assert Range(1, 2) + Range(10, 20) == Range(11, 22)
    assert Range(1, 2) * Range(10, 20) == Range(10, 40)
    assert Range(1, 2).times(3) == Range(3, 6)
    assert Range.hull(Range(3, 4), Range(1, 2), Range.exact(9)) == Range(1, 9)


def test_overlap() -> None:
    assert Range(1, 2).overlaps(Range(2, 3))
    assert not Range(1, 2).overlaps(Range(2.1, 3))


def test_the_ends_must_be_in_order() -> None:
    with pytest.raises(ValueError, match="above high"):
        Range(2, 1)
