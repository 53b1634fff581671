from math import log, sqrt
from random import Random
from statistics import fmean

from support.builders import request

from profiler.results.records import Outcome
from profiler.run.precision import Precision
from profiler.stats.intervals import mean_half_width
from profiler.workloads.schema import Until

TEN_PERCENT = Until(metric="ttft_ms", half_width_ratio=0.1)


def test_it_is_reached_when_the_interval_is_narrow_enough_twice() -> None:
    # Equal values, an interval of width 0: seen after 40 of them, and again with half as many more.
    precision = Precision(TEN_PERCENT)
    for number in range(60):
        assert not precision.is_reached
        precision.take(request(number))
    assert precision.is_reached


def test_it_is_not_reached_while_the_interval_is_wide() -> None:
    precision = Precision(TEN_PERCENT)
    for number in range(80):  # batches of eight: their means run from 10 to 86 ms
        precision.take(request(number, arrivals_ms=(10.0 + number, 60.0)))
    assert not precision.is_reached


def test_warmup_and_failures_do_not_count() -> None:
    precision = Precision(TEN_PERCENT)
    for number in range(80):
        precision.take(request(number, phase="warmup"))
        precision.take(request(number, outcome=Outcome.TIMEOUT))
    assert not precision.is_reached


def test_without_a_rule_everything_is_measured() -> None:
    precision = Precision(None)
    for number in range(80):
        precision.take(request(number))
    assert not precision.is_reached


def test_an_interval_that_was_narrow_by_chance_is_looked_at_anew() -> None:
    # forty times 10 ms, then 100 ms: at 60 values the batches differ, so it was no more than chance
    precision = Precision(TEN_PERCENT)
    for number in range(70):
        precision.take(request(number, arrivals_ms=(10.0 if number < 40 else 100.0, 200.0)))
    assert not precision.is_reached


def test_intervals_of_runs_that_stopped_by_themselves_cover() -> None:
    random = Random(6)  # noqa: S311 - repeatable, not secret
    sigma = sqrt(log(1 + 0.3**2))
    runs, covered = 600, 0
    for _ in range(runs):
        precision = Precision(TEN_PERCENT)
        values: list[float] = []
        while not precision.is_reached:
            values.append(random.lognormvariate(-sigma * sigma / 2, sigma))
            precision.take(request(len(values), arrivals_ms=(values[-1], 100.0)))
        covered += abs(fmean(values) - 1) <= (mean_half_width(values) or 0)
    assert 0.92 <= covered / runs <= 0.98
