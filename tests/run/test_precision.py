from support.builders import request

from profiler.results.records import Outcome
from profiler.run.precision import Precision
from profiler.workloads.schema import Until

TEN_PERCENT = Until(metric="ttft_ms", half_width_ratio=0.1)


def test_it_is_reached_when_the_interval_is_narrow_enough() -> None:
    # Twenty equal values, the fewest that have an interval at all: its width is 0.
    precision = Precision(TEN_PERCENT)
    for number in range(20):
        assert not precision.is_reached
        precision.take(request(number))
    assert precision.is_reached


def test_it_is_not_reached_while_the_interval_is_wide() -> None:
    precision = Precision(TEN_PERCENT)
    for number in range(40):  # batches of four: their means run from 10 to 46 ms
        precision.take(request(number, arrivals_ms=(10.0 + number, 60.0)))
    assert not precision.is_reached


def test_warmup_and_failures_do_not_count() -> None:
    precision = Precision(TEN_PERCENT)
    for number in range(40):
        precision.take(request(number, phase="warmup"))
        precision.take(request(number, outcome=Outcome.TIMEOUT))
    assert not precision.is_reached


def test_without_a_rule_everything_is_measured() -> None:
    precision = Precision(None)
    for number in range(40):
        precision.take(request(number))
    assert not precision.is_reached
