import pytest
from scipy import special, stats

from profiler.stats.distributions import regularised_beta, student_cdf, student_t, two_sided_t


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.01, 0.3, 0.5, 0.77, 0.999, 1.0])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1, 3), (4.5, 0.5), (40, 700), (9_000, 1_000), (0.5, 1e6)])
def test_the_beta_function_is_that_of_scipy(x: float, a: float, b: float) -> None:
    assert regularised_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("freedom", [1, 2, 2.941, 4, 9, 30, 1000, 1e9])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.975, 0.995, 0.9999, 0.999999])
def test_student_s_quantiles_are_those_of_scipy(probability: float, freedom: float) -> None:
    assert student_t(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-7, abs=1e-9)


def test_from_the_tables() -> None:
    assert two_sided_t(0.95, 1) == pytest.approx(12.7062, abs=1e-4)
    assert two_sided_t(0.99, 9) == pytest.approx(3.2498, abs=1e-4)


@pytest.mark.parametrize(("probability", "freedom"), [(0.4, 3), (1.0, 3), (0.9, 0)])
def test_what_has_no_quantile(probability: float, freedom: float) -> None:
    with pytest.raises(ValueError, match="Student's t"):
        student_t(probability, freedom)


@pytest.mark.parametrize("freedom", [1, 2.5, 9, 1000])
@pytest.mark.parametrize("t", [-40.0, -2.0, 0.0, 0.3, 4.0])
def test_student_s_probabilities_are_those_of_scipy(t: float, freedom: float) -> None:
    assert student_cdf(t, freedom) == pytest.approx(stats.t.cdf(t, freedom), rel=1e-9, abs=1e-12)
