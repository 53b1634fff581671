import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.reports import format as fmt
from profiler.stats.estimates import Estimate


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (123.234, 0.0, "123"),  # no spread known: three significant digits
        (8.0984, 0.0, "8.10"),
        (0.012345, 0.0, "0.0123"),
        (12_345, 0.0, "12,300"),
        (118.34, 0.9, "118.3"),  # a spread of 0.9 carries tenths
        (118.34, 16, "118"),  # one that leads with 1 or 2 carries one digit more: ones, not tens
        (118.34, 40, "120"),
        (118.34, 0.0001, "118.3"),  # never more than four digits
        (0.0, 0.0, "0"),
        (-0.0001, 40, "-0.0001"),  # only 0 reads as 0, however wide the spread
    ],
)
def test_a_number_has_the_digits_that_its_spread_carries(value, spread, shown):
    assert fmt.scale(value, "", spread).number(value) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (134_515_008, "bytes", "128 MiB"),  # 134,515,008 / 2**20 = 128.3
        (3 * 2**30, "bytes", "3.00 GiB"),
        (12, "bytes", "12.0 bytes"),
        (0.0123, "ratio", "1.23 %"),
        (0.0, "ratio", "0 %"),
        (183.2, "ms", "183 ms"),
        (12_340, "ms", "12.3 s"),
        (0.0523, "ms", "52.3 µs"),
        (40.2, "us", "40.2 µs"),
        (12_340, "us", "12.3 ms"),
        (1.93, "cores", "1.93 cores"),
    ],
)
def test_a_unit_has_a_handy_size(value, unit, shown):
    assert fmt.quantity(value, unit) == shown.replace(" ", fmt.NBSP)


def test_a_row_keeps_one_unit_and_one_number_of_decimals():
    row = fmt.scale(8.123, "ms", 0.05)
    assert [row.number(value) for value in (8.123, 41.2678, 1234.5)] == ["8.12", "41.27", "1,234.50"]
    assert row.span([8.101, 8.149]) == "8.10–8.15"
    assert row.span([8.101, 8.102]) == "8.10"


@pytest.mark.parametrize("odd", [math.inf, math.nan])
def test_a_number_that_is_none_does_not_break_the_page(odd):
    assert fmt.quantity(odd, "ms")


def test_an_unknown_metric_is_put_into_words():
    assert fmt.label("peak_heat_bytes") == "Peak heat"
    assert fmt.label("heat_j_per_request") == "Heat j per request"
    assert fmt.short_label("ttft_ms") == "TTFT"


def test_plurals():
    assert [fmt.count(n, "gap") for n in (0, 1, 5000)] == ["0 gaps", "1 gap", "5,000 gaps"]


def numbers(text):
    return [float(part) for part in text.replace(",", "").replace("\N{MINUS SIGN}", "-").split("\N{EN DASH}")]


SIZES = st.floats(1e-12, 1e12, allow_nan=False)


# Below 1e-250 a change of unit may end in a number that no float has.
VALUES = st.just(0.0) | st.floats(1e-250, 1e12) | st.floats(-1e12, -1e-250)


@given(VALUES, SIZES, st.sampled_from(["", "ms", "us", "ratio", "bytes", "tokens/s"]))
def test_no_number_but_0_reads_as_0(value, spread, unit):
    for shown in (fmt.scale(value, unit), fmt.scale(value, unit, spread), fmt.scale(spread, unit, abs(value))):
        assert (numbers(shown.number(value))[0] == 0) == (value == 0)


@given(SIZES, st.floats(0, 3), st.floats(0, 3), st.sampled_from(["", "ms", "us", "ratio", "bytes", "tokens/s"]))
def test_a_number_reads_within_its_interval_as_it_is_and_as_it_reads(value, below, above, unit):
    """Intervals from nothing to many times the value; the half-width that stands below 0 is cut off, as everywhere."""
    low, high = max(0.0, value * (1 - below)), value * (1 + above)
    shown = fmt.estimate_scale(Estimate(value, low, high), unit)
    (read,) = numbers(shown.number(value))
    ends = numbers(shown.span((low, high)))
    assert min(ends) <= read <= max(ends)
    if low < high:
        slack = 5e-6 * value * shown.factor  # a number has six digits at most, however narrow its interval
        assert low * shown.factor - slack <= read <= high * shown.factor + slack


@given(SIZES, SIZES)
def test_an_interval_without_a_number_keeps_its_order(one, other):
    low, high = min(one, other), max(one, other)
    ends = numbers(fmt.estimate_scale(Estimate(None, low, high), "W").span((low, high)))
    assert ends == sorted(ends)
    assert min(ends) > 0


def test_a_wide_interval_does_not_hide_a_small_number():
    # 0.4 requests/s, from 0.004 to 9: none of the three reads as 0
    shown = fmt.estimate_scale(Estimate(0.4, 0.004, 9.0), "requests/s")
    assert shown.number(0.4) == "0.4"
    assert shown.span((0.004, 9.0)) == "0.004–9.0"
