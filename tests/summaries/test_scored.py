"""An amount per request divided by the share of correct answers, worked by hand."""

import pytest

from profiler.results.summary import Scalar
from profiler.summaries.scored import MAYBE_NONE, NONE_CORRECT, per_correct

HALF = Scalar(unit="ratio", value=0.5, interval=(0.4, 0.625), interval_freedom=20, per_repeat=[0.5, 0.5])


def test_half_right_costs_twice_as_much() -> None:
    each = Scalar(unit="USD", value=0.002, interval=(0.001, 0.004), interval_freedom=9, per_repeat=[0.002, 0.002])
    found = per_correct(each, HALF)
    assert (found.value, found.unit, found.per_repeat, found.interval_freedom) == (0.004, "USD", [0.004, 0.004], 9)
    # Of the logarithms: √(ln 2² + ln 1.25²) = 0.72818 to either side, and e^0.72818 = 2.07131.
    assert found.interval == pytest.approx((0.004 / 2.07131, 0.004 * 2.07131), rel=1e-5)


def test_an_amount_known_as_an_interval_stays_one() -> None:
    found = per_correct(Scalar(unit="J", value=None, reason="an interval, not a number", low=10.0, high=20.0), HALF)
    assert (found.value, found.low, found.high) == (None, pytest.approx(10 / 0.625), pytest.approx(20 / 0.4))


def test_an_interval_over_a_share_that_may_be_0_has_no_upper_end() -> None:
    each = Scalar(unit="J", value=None, reason="an interval, not a number", low=10.0, high=20.0)
    found = per_correct(each, Scalar(unit="ratio", value=0.1, interval=(0.0, 0.3), interval_freedom=9))
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, MAYBE_NONE)


def test_what_is_missing_is_said() -> None:
    each = Scalar(unit="USD", value=0.002)
    none = per_correct(each, Scalar(unit="ratio", value=0.0))
    assert (none.value, none.reason) == (None, NONE_CORRECT)
    unknown = per_correct(each, Scalar(unit="ratio", value=None, reason="the weights are random"))
    assert unknown.reason == "quality: the weights are random"
    assert per_correct(Scalar(unit="USD", value=None, reason="pass --price"), HALF).reason == "pass --price"
    assert per_correct(each, HALF).no_interval
