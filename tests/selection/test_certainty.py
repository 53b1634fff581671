"""How surely one is cheapest, against Welch's t by scipy, and by hand where the sum decides."""

from math import log, sqrt
from statistics import fmean, variance

import pytest
from scipy import stats
from support.loads import price, sweeps, swept

from profiler.selection.candidate import candidates
from profiler.selection.certainty import certainty, chance_below, leader_of, rival
from profiler.selection.operating import Operating, operating
from profiler.selection.targets import target
from profiler.stats.estimates import Estimate
from profiler.verdict.contrast import Rules

TTFT = target("ttft_ms.p95=500", "at most")


def judged(*runs: object, drift_ratio: float | None = None) -> list[Operating]:
    return [operating(one, [TTFT], drift_ratio) for one in candidates(runs)]  # type: ignore[arg-type]


def test_two_hosts_of_one_load_are_told_apart_as_by_welch() -> None:
    a = [swept("a", {1: (rate, 100.0)}, cost=price(1), number=n) for n, rate in enumerate((100.0, 104.0, 97.0))]
    b = [swept("b", {1: (rate, 100.0)}, cost=price(1), number=n) for n, rate in enumerate((94.0, 99.0, 96.0))]
    first, second = judged(*a, *b)
    assert leader_of([first, second]) is first
    assert first.at is not None
    found = rival(first.candidate, first.at, second, Rules())
    # of costs, which are the reciprocals of the rates: the same t with the other sign
    logs = [[log(x) for x in rates] for rates in ((100.0, 104.0, 97.0), (94.0, 99.0, 96.0))]
    by_scipy = stats.ttest_ind(logs[0], logs[1], equal_var=False, alternative="greater")
    assert found.risk == pytest.approx(by_scipy.pvalue, rel=1e-6)
    standard_error = sqrt(sum(variance(side) / 3 for side in logs))
    assert found.ratio is not None
    assert log(found.ratio.value or 0) == pytest.approx(fmean(logs[0]) - fmean(logs[1]))
    assert found.ratio.high > 1 + standard_error


def test_what_may_be_wrong_adds_up() -> None:
    # a's load meets 500 ms surely; b is much dearer at the load that meets, and cheaper at one that surely fails
    a = sweeps("a", {1: (100.0, 100.0)}, cost=price(1))
    b = sweeps("b", {1: (50.0, 100.0), 8: (900.0, 2000.0)}, cost=price(1))
    first, second = judged(*a, *b)
    assert first.at is not None
    found = rival(first.candidate, first.at, second, Rules())
    assert found.risk is not None
    assert found.risk < 0.001
    assert certainty(first.at, [found]) == pytest.approx(1 - found.risk, abs=1e-3)
    assert certainty(first.at, [found, found]) == pytest.approx(1 - 2 * found.risk, abs=1e-3)


def test_a_cheaper_load_that_may_meet_the_target_takes_the_certainty_away() -> None:
    a = sweeps("a", {1: (100.0, 100.0)}, cost=price(1))
    b = sweeps("b", {1: (50.0, 100.0), 8: (900.0, 500.0)}, cost=price(1))  # 500 ms: met in one of two cases
    first, second = judged(*a, *b)
    assert first.at is not None
    found = rival(first.candidate, first.at, second, Rules())
    assert found.risk == pytest.approx(0.5, abs=0.02)


def test_of_single_runs_it_cannot_be_told_unless_a_drift_is_stated() -> None:
    runs = [swept("a", {1: (100.0, 100.0)}, cost=price(1)), swept("b", {1: (80.0, 100.0)}, cost=price(1))]
    first, second = judged(*runs)
    assert first.at is not None
    found = rival(first.candidate, first.at, second, Rules())
    assert (found.risk, found.value) == (None, pytest.approx(1.25))
    assert "single run" in found.reason or "one run each" in found.reason
    assert certainty(first.at, [found]) is None
    stated = rival(first.candidate, first.at, second, Rules(drift_ratio=0.02))
    assert stated.risk is not None
    assert stated.risk < 0.001


def test_a_rival_whose_every_load_fails_needs_no_comparison() -> None:
    runs = [swept("a", {1: (100.0, 100.0)}, cost=price(1)), swept("b", {1: (900.0, 9000.0)}, cost=price(1))]
    first, second = judged(*runs)
    assert first.at is not None
    found = rival(first.candidate, first.at, second, Rules())
    assert found.risk == pytest.approx(0.0, abs=1e-6)


def test_the_chance_of_a_ratio_is_that_of_its_logarithm() -> None:
    found = Estimate(1.1, 1.1 / 1.2, 1.1 * 1.2, freedom=4)
    error = log(1.2) / stats.t.ppf(0.975, 4)
    assert chance_below(found) == pytest.approx(stats.t.cdf(log(1 / 1.1) / error, 4), abs=1e-6)
    assert chance_below(Estimate(None, 1.1, 1.2)) == 0.0
    assert chance_below(Estimate(None, 0.9, 1.2)) is None
    assert chance_below(Estimate(0.5, 0.5, 0.5, freedom=2)) == 1.0
