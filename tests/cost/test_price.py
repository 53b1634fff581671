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


def test_a_bill_is_split_by_what_an_output_token_is_worth() -> None:
    # 3.60 an hour are 0.001 a second. 1,000 tokens/s in, 100 out, an output token worth 4 input tokens:
    # 1,000 / 4 + 100 = 350 output tokens' worth a second: 0.001 / 350 × 10⁶ = 2.857 out, a quarter of it in
    found = price.split(3.60, 1_000.0, 100.0, 4.0)
    assert (found.output_per_1m, found.input_per_1m) == (pytest.approx(2.857142857), pytest.approx(0.714285714))
    # both together are the whole bill of an hour again
    assert price.bill_per_hour(1_000.0, 100.0, found.input_per_1m, found.output_per_1m) == pytest.approx(3.60)


def test_an_endpoints_own_prices_come_out_of_its_bill() -> None:
    # GPT-4o mini at its launch: 0.15 in and 0.60 out for a million (OpenAI, 18 July 2024), a ratio of 4
    bill = price.bill_per_hour(800.0, 200.0, 0.15, 0.60)
    found = price.split(bill, 800.0, 200.0, 4.0)
    assert (found.input_per_1m, found.output_per_1m) == (pytest.approx(0.15), pytest.approx(0.60))


def test_the_hour_of_a_reservation() -> None:
    # 876 upfront over 12 months of 730 h (8,760 h) are 0.10 an hour, beside 0.20 by the hour
    assert price.reserved_per_hour(0.20, 876.0, 12) == pytest.approx(0.30)


def test_the_hour_of_owned_hardware() -> None:
    # bought for 35,040 and gone after 4 years (35,040 h): 1.00 an hour; upkeep of 876 a year: 0.10 an hour;
    # 500 W at 0.30 a kWh and PUE 1.2: 0.5 × 0.30 × 1.2 = 0.18 an hour
    per_hour = price.owned_per_hour(
        purchase=35_040.0, life_h=35_040.0, upkeep_per_year=876.0, power_w=500.0, price_per_kwh=0.30, pue=1.2
    )
    assert per_hour == pytest.approx(1.28)
    # electricity alone, the example of S. Barielle, "Calculating TCO for Energy", IBM Systems Magazine, November 2011:
    # 380 W at 10 cents are 333 USD for his year of 8,766 h
    electricity = price.owned_per_hour(
        purchase=0.0, life_h=1.0, upkeep_per_year=0.0, power_w=380.0, price_per_kwh=0.10, pue=1.0
    )
    assert electricity * 8_766 == pytest.approx(333, abs=0.2)
    # busy for 40 % of the time at 500 W, idle at 100 W: 260 W on average
    assert price.mean_power_w(500.0, 100.0, 0.4) == pytest.approx(260.0)


def test_idle_time_costs_as_much_as_busy_time() -> None:
    # held all day for 1 an hour and under load for 40 % of it: an hour under load costs 2.50
    assert price.per_busy_hour(1.0, 0.4) == pytest.approx(2.5)
    # 2,500 tokens/s at 3.07 USD an hour, used for 80 % of the time: 7.2M tokens an hour, 0.43 USD for a million
    # (the example of the token cost estimator of legitlads.com)
    assert price.per_million(price.per_busy_hour(3.07, 0.8), 2_500.0) == pytest.approx(0.43, abs=0.004)
    with pytest.raises(ValueError, match="utilisation 0"):
        price.per_busy_hour(1.0, 0.0)


@pytest.mark.parametrize(("ratio", "said"), [(0.0, "ratio 0"), (-1.0, "ratio -1")])
def test_a_ratio_is_above_zero(ratio: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        price.split(1.0, 1.0, 1.0, ratio)
