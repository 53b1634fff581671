"""Worked by hand, in the comments."""

import pytest

from profiler.cost import price


def test_the_price_of_a_million_tokens() -> None:
    # 80 tok/s are 288,000 tokens an hour for 0.20 USD: 0.20 / 0.288 = 0.694 USD per million
    assert price.per_million(0.20, 80) == pytest.approx(0.6944, abs=1e-4)
    # r8g.16xlarge: 61.62 tok/s are 221,832 an hour for 3.76998 USD: 3.76998 / 0.221832 = 16.99
    assert price.per_million(3.76998, 61.62) == pytest.approx(16.995, abs=1e-3)


def test_the_price_of_a_request() -> None:
    # 0.5 requests/s are 1,800 an hour for 0.90: 0.0005 each
    assert price.per_unit(0.90, 0.5) == pytest.approx(0.0005)


def test_what_money_buys() -> None:
    # 288,000 tokens an hour for 0.20: 1,440,000 for 1
    assert price.units_per_money(0.20, 80) == pytest.approx(1_440_000)


def test_nothing_has_no_price() -> None:
    with pytest.raises(ValueError, match="rate 0 per s"):
        price.per_million(0.2, 0)
    with pytest.raises(ValueError, match="price 0 per hour"):
        price.units_per_money(0, 80)


def test_the_bill_of_an_hour_of_tokens() -> None:
    # 100 tokens/s in at 0.5 for a million, 10 tokens/s out at 2: 0.18 and 0.072 an hour.
    assert price.bill_per_hour(100.0, 10.0, 0.5, 2.0) == pytest.approx(0.252)
    assert price.bill_per_hour(100.0, 10.0, 0.0, 2.0) == pytest.approx(0.072)
