import pytest
from scipy import stats

from profiler.stats.proportions import proportion_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (1, 30), (95, 96), (50_000, 100_000)])
def test_the_interval_is_that_of_scipy(successes: int, n: int) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="exact")
    assert proportion_interval(successes, n) == (pytest.approx(expected.low), pytest.approx(expected.high))
