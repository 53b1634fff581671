from math import exp, sqrt
from random import Random
from statistics import NormalDist

import pytest
from scipy import stats

from profiler.stats.quantile_intervals import quantile_interval, rank
from profiler.stats.quantiles import quantile


@pytest.mark.parametrize(("n", "q"), [(20, 0.5), (64, 0.9), (662, 0.99), (100_000, 0.95)])
def test_a_rank_is_passed_by_the_chance_of_the_binomial(n: int, q: float) -> None:
    # the r-th of n values lies below the quantile when at least r of them do
    for r in (round(q * n) - 2, round(q * n), round(q * n) + 1):
        chance = stats.binom.sf(r - 1, n, q)
        assert rank(n, q, chance) == pytest.approx(r, abs=1e-4)


def test_the_median_of_independent_values() -> None:
    # ten batches that each hold two values below 0.5 and two above: as good as 1.5 · 40 independent ones
    in_time = [(i * 17 % 40 + (i // 4) / 100) for i in range(40)]
    ordered = sorted(in_time)
    found = quantile_interval(in_time, ordered, 0.5, quantile(ordered, 0.5))
    assert found is not None
    low, high = found
    assert ordered[11] < low < ordered[15]
    assert ordered[24] < high < ordered[28]


def test_too_few_values_have_none() -> None:
    assert quantile_interval([1.0] * 19, [1.0] * 19, 0.5, 1.0) is None
    values = [float(i * 7 % 100) for i in range(100)]
    ordered = sorted(values)
    assert quantile_interval(values, ordered, 0.5, quantile(ordered, 0.5)) is not None
    assert quantile_interval(values, ordered, 0.99, quantile(ordered, 0.99)) is None


def test_constant_values_have_no_width() -> None:
    assert quantile_interval([5.0] * 50, [5.0] * 50, 0.5, 5.0) == (5.0, 5.0)


@pytest.mark.parametrize(
    ("n", "q", "correlation", "tail"),
    [
        (60, 0.5, 0.0, "pareto"),
        (200, 0.5, 0.6, "log-normal"),
        (200, 0.9, 0.3, "log-normal"),
        (300, 0.95, 0.0, "pareto"),
        (800, 0.99, 0.0, "log-normal"),
    ],
)
def test_the_quantile_is_covered_as_often_as_it_says(n: int, q: float, correlation: float, tail: str) -> None:
    """Heavy tails as well, those without a finite variance (Pareto 1.5) among them, and neighbours that are alike."""
    random = Random(2)  # noqa: S311 - a simulation must be repeatable, not secret
    normal = NormalDist()
    transform = exp if tail == "log-normal" else lambda z: (1 - normal.cdf(z)) ** (-1 / 1.5)
    truth, own = transform(normal.inv_cdf(q)), sqrt(1 - correlation**2)
    hits = runs = 0
    for _ in range(2000):
        value, values = random.gauss(0, 1), []
        for _ in range(n):
            values.append(transform(value))
            value = correlation * value + own * random.gauss(0, 1)
        ordered = sorted(values)
        found = quantile_interval(values, ordered, q, quantile(ordered, q))
        if found is not None:
            runs += 1
            hits += found[0] <= truth <= found[1]
    assert runs > 1800
    assert 0.93 <= hits / runs <= 0.97
