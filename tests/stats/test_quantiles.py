import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.stats.quantiles import quantile, sample_floor


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([7.0], 0.99, 7.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.5),
        ([0.0, 10.0, 20.0, 30.0, 40.0], 0.9, 36.0),  # position 0.9·4 = 3.6: 30 + 0.6·10
        ([0.0, 10.0, 20.0, 30.0, 40.0], 0.0, 0.0),
        ([0.0, 10.0, 20.0, 30.0, 40.0], 1.0, 40.0),
    ],
)
def test_quantiles_interpolate_linearly(values: list[float], q: float, expected: float) -> None:
    assert quantile(values, q) == pytest.approx(expected)


def test_no_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_within_the_values(values: list[float], q: float) -> None:
    ordered = sorted(values)
    result = quantile(ordered, q)
    slack = 1e-9 * (abs(ordered[0]) + abs(ordered[-1]))
    assert ordered[0] - slack <= result <= ordered[-1] + slack


@pytest.mark.parametrize(("q", "floor"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662)])
def test_sample_floors(q: float, floor: int) -> None:
    assert sample_floor(q) == floor
    # By the binomial distribution: at most one of `floor` samples above the quantile has a chance below 1 %.
    at_most_one = math.fsum(math.comb(floor, k) * (1 - q) ** k * q ** (floor - k) for k in (0, 1))
    assert at_most_one <= 0.01
