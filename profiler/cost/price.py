"""Money per token and per request: pure. A machine costs what it costs for as long as it is held, busy or not."""

from dataclasses import dataclass

from profiler.units import S_PER_H

_MILLION = 1e6
_W_PER_KW = 1_000.0
_H_PER_YEAR = 8_760.0
H_PER_MONTH = _H_PER_YEAR / 12


@dataclass(frozen=True)
class TokenSplit:
    """What a million tokens cost where input and output tokens share one bill."""

    input_per_1m: float
    output_per_1m: float


def per_million(price_per_hour: float, rate_per_s: float) -> float:
    """Return the price of a million units of what comes at this rate (tokens/s), in the price's currency.

    price per hour / 3600 s / rate × 10⁶. Raises `ValueError` for a rate that is not above 0.
    """
    return per_unit(price_per_hour, rate_per_s) * _MILLION


def per_unit(price_per_hour: float, rate_per_s: float) -> float:
    """Return the price of one (request, say) at this rate. Raises `ValueError` for a rate that is not above 0."""
    if rate_per_s <= 0:
        raise ValueError(f"rate {rate_per_s:g} per s: expected more than 0")
    return price_per_hour / S_PER_H / rate_per_s


def bill_per_hour(input_per_s: float, output_per_s: float, input_per_1m: float, output_per_1m: float) -> float:
    """Return what tokens at these rates (tokens/s) are charged for in an hour, at prices for a million of each."""
    return (input_per_s * input_per_1m + output_per_s * output_per_1m) * S_PER_H / _MILLION


def units_per_money(price_per_hour: float, rate_per_s: float) -> float:
    """Return how much (tokens, say) one unit of money buys. Raises `ValueError` for a price that is not above 0."""
    if price_per_hour <= 0:
        raise ValueError(f"price {price_per_hour:g} per hour: expected more than 0")
    return rate_per_s * S_PER_H / price_per_hour


def per_busy_hour(price_per_hour: float, utilisation_ratio: float) -> float:
    """Return what an hour under load costs where the machine is idle for the rest of the time: price / utilisation.

    Raises `ValueError` unless the utilisation is above 0 and at most 1.
    """
    if not 0 < utilisation_ratio <= 1:
        raise ValueError(f"utilisation {utilisation_ratio:g}: expected above 0, at most 1")
    return price_per_hour / utilisation_ratio


def split(price_per_hour: float, input_per_s: float, output_per_s: float, input_output_ratio: float) -> TokenSplit:
    """Part one bill between input and output tokens (tokens/s), an output token being worth r input tokens.

    output = price per second / (input rate / r + output rate); input = output / r. Both together make up the whole
    bill: input rate × input + output rate × output = price per second. Raises `ValueError` unless r is above 0 and
    some tokens move.
    """
    if input_output_ratio <= 0:
        raise ValueError(f"ratio {input_output_ratio:g}: expected more than 0")
    output_per_1m = per_million(price_per_hour, input_per_s / input_output_ratio + output_per_s)
    return TokenSplit(output_per_1m / input_output_ratio, output_per_1m)


def reserved_per_hour(per_hour: float, upfront: float, term_months: float) -> float:
    """Return what an hour of a reservation costs in all: the hour, and its share of what was paid at the start.

    per hour + upfront / (months × 730 h): AWS, "Amazon RDS pricing", effective hourly price, "based on a 365-day year".
    """
    return per_hour + upfront / (term_months * H_PER_MONTH)


def owned_per_hour(
    *, purchase: float, life_h: float, upkeep_per_year: float, power_w: float, price_per_kwh: float, pue: float
) -> float:
    """Return what an hour of a machine that was bought costs: linear depreciation, upkeep and electricity.

    purchase / life + upkeep / 8,760 h + W / 1000 × price per kWh × PUE; the terms of L. A. Barroso, U. Hölzle and
    P. Ranganathan, "The Datacenter as a Computer", 3rd edition, 2018, chapter 6, without interest. Raises `ValueError`
    for a life that is not above 0.
    """
    if life_h <= 0:
        raise ValueError(f"life of {life_h:g} h: expected more than 0")
    return purchase / life_h + upkeep_per_year / _H_PER_YEAR + power_w / _W_PER_KW * price_per_kwh * pue


def mean_power_w(busy_w: float, idle_w: float, utilisation_ratio: float) -> float:
    """Return what a machine draws over all hours: under load for this share of them, idle for the rest."""
    return busy_w * utilisation_ratio + idle_w * (1 - utilisation_ratio)
