"""Money per token and per request: pure. A machine costs what it costs for as long as it is held, busy or not."""

from profiler.units import S_PER_H

_MILLION = 1e6


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
