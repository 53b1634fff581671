"""Worked by hand, in the comments."""

import pytest

from profiler.cost import carbon
from profiler.stats.ranges import Range


def test_operational_carbon() -> None:
    # 3.6 MJ are 1 kWh; at 400 g/kWh and a PUE of 1.2: 480 g
    got = carbon.operational_g(Range.exact(3_600_000), Range.exact(400), 1.2)
    assert got.low == got.high == pytest.approx(480)


def test_a_model_and_two_grids_give_an_interval() -> None:
    # 1 to 2 kWh, 250 to 400 g/kWh: 250 to 800 g
    got = carbon.operational_g(Range(3_600_000, 7_200_000), Range(250, 400), 1.0)
    assert (got.low, got.high) == (pytest.approx(250), pytest.approx(800))


def test_embodied_carbon() -> None:
    # 126.144 kg over 4 years (35,040 h = 126,144,000 s): 1 mg a second, so 3.6 g an hour
    got = carbon.embodied_g(Range.exact(126.144), 35_040, 3_600)
    assert got.low == got.high == pytest.approx(3.6)


def test_sci_of_a_million_tokens() -> None:
    # (480 + 3.6) g for 200,000 tokens: 2,418 g per million
    got = carbon.per_million(Range.exact(480) + Range.exact(3.6), 200_000)
    assert got.low == pytest.approx(2_418)


def test_no_tokens_have_no_carbon() -> None:
    with pytest.raises(ValueError, match="0 tokens"):
        carbon.per_million(Range.exact(1), 0)
