"""Numbers at a load of several runs, also where they are all alike or 0."""

import pytest
from support.loads import price, swept

from profiler.errors import UsageError
from profiler.results.summary import Metric, Scalar
from profiler.selection.candidate import Load, candidates
from profiler.selection.targets import number_of, target
from profiler.stats.estimates import Estimate


def load_with(metric: str, *found: Metric) -> Load:
    runs = [swept("a", {8: (100.0, 400.0)}, cost=price(1), number=number) for number in range(1, len(found) + 1)]
    for run, number in zip(runs, found, strict=True):
        run.summary.points[0].metrics[metric] = number
    (one,) = candidates(runs)
    return one.loads[0]


def share(value: float, low: float, high: float) -> Scalar:
    return Scalar(unit="ratio", value=value, interval=(low, high))


def test_runs_that_are_all_alike_are_no_surer_than_the_least_sure_of_them() -> None:
    # all of 20 requests within the SLO, three times: not a proof that 99 % of them are
    all_well = [share(1.0, low, 1.0) for low in (0.84, 0.83, 0.84)]
    load = load_with("slo_attainment_ratio", *all_well)
    found = number_of(load, ("slo_attainment_ratio", None))
    assert isinstance(found, Estimate)
    assert (found.value, found.low, found.high) == (1.0, 0.83, 1.0)
    assert target("slo_attainment_ratio=0.99", "at least").judge(load).standing == "cannot be told"
    assert target("slo_attainment_ratio=0.8", "at least").judge(load).standing == "meets"


def test_a_number_that_is_0_in_a_run_is_taken_as_it_is() -> None:
    # 0, 0 and 0.03: mean 0.01, ± 4.303 · 0.01732 / √3 = 0.043
    load = load_with("error_ratio", *(Scalar(unit="ratio", value=value) for value in (0.0, 0.0, 0.03)))
    found = number_of(load, ("error_ratio", None))
    assert isinstance(found, Estimate)
    assert (found.value, found.low, found.high) == (pytest.approx(0.01), 0.0, pytest.approx(0.0530, abs=1e-4))
    clean = load_with("error_ratio", *(share(0.0, 0.0, high) for high in (0.004, 0.005, 0.004)))
    assert target("error_ratio=0.01", "at most").judge(clean).standing == "meets"


def test_more_of_a_share_than_there_is_is_refused() -> None:
    with pytest.raises(UsageError, match=r"correct_ratio is a share of at most 1: 80 of it is never reached"):
        target("correct_ratio=80", "at least")
    assert target("quality_exact_match=80", "at least").limit == 80
