"""Options of price, grid and embodied carbon."""

from dataclasses import dataclass

from profiler.options import option

_ENDPOINT = ("url",)
_BY_THE_HOUR = "one is for an hour of the machine, the other for tokens"
_BOUGHT = "the machine is either rented or owned"
_LISTED = "one is what you pay, the other looks up what is listed"
_OWNED = ("owned_price",)
_MOST = 1e12


def _for_tokens(reason: str = _BY_THE_HOUR) -> dict[str, str]:
    return {"price_input": reason, "price_output": reason}


@dataclass(frozen=True)
class HourOptions:
    """What an hour of the machine costs; `None` leaves it to what is known of the detected instance."""

    price: float | None = option(
        None,
        "Price of the machine per hour. Default: its list price.",
        excludes={**_for_tokens(), "instance": _LISTED, "owned_price": _BOUGHT},
    )
    price_kind: str | None = option(
        None,
        "on-demand, spot or reserved. Default: as it was bought.",
        choices=("on-demand", "spot", "reserved"),
        excludes={"owned_price": _BOUGHT},
    )
    price_term: int | None = option(
        None, "Term of a reservation, in months.", metavar="MONTHS", least=1, most=120, needs=("price_kind",)
    )
    price_upfront: float | None = option(
        None, "Paid at the start of the term, beside --price.", least=0, most=_MOST, needs=("price_term",)
    )
    currency: str = option("USD", "Currency of the prices; never converted.", metavar="CODE")
    instance: str | None = option(
        None,
        "Instance type with a list price. Default: as detected.",
        metavar="TYPE",
        excludes={**_for_tokens(), "owned_price": _BOUGHT},
    )
    region: str | None = option(None, "Region of that price. Default: the only one listed.", needs=("instance",))
    owned_price: float | None = option(
        None,
        "Owned hardware: what it cost to buy.",
        least=0,
        most=_MOST,
        excludes=_for_tokens(),
    )
    owned_years: float = option(4.0, "Owned hardware: years of use. Default: 4.", least=0.1, most=50, needs=_OWNED)
    owned_watts: float | None = option(
        None, "Owned hardware: W it draws under load.", least=0, most=_MOST, needs=_OWNED
    )
    owned_idle_watts: float | None = option(
        None, "Owned hardware: W it draws idle. Default: as under load.", least=0, most=_MOST, needs=_OWNED
    )
    owned_upkeep: float = option(0.0, "Owned hardware: yearly upkeep. Default: 0.", least=0, most=_MOST, needs=_OWNED)
    kwh_price: float | None = option(None, "Owned hardware: price of a kWh.", least=0, most=_MOST, needs=_OWNED)
    utilisation: float = option(
        1.0,
        "Share of the time under load, such as 0.4. Default: 1.",
        least=0.001,
        most=1,
        excludes=_for_tokens("an endpoint charges for no idle time"),
    )
    input_output_ratio: float | None = option(
        None, "Input tokens that one output token is worth.", least=0.001, most=1000
    )
    price_max_age: int = option(180, "Say so where a list price is older than this.", metavar="DAYS", least=0)
    pue: float | None = option(None, "PUE of the data centre. Default: the provider's, or 1.", least=1, most=5)


@dataclass(frozen=True)
class TokenPriceOptions:
    """What an endpoint charges by the token."""

    price_input: float | None = option(None, "--url: price per million prompt tokens.", needs=_ENDPOINT)
    price_cached_input: float | None = option(None, "--url: price per million cached prompt tokens.", needs=_ENDPOINT)
    price_output: float | None = option(None, "--url: price per million output tokens.", needs=_ENDPOINT)


@dataclass(frozen=True)
class CarbonOptions:
    """What the electricity and the making of the machine emit."""

    grid: str | None = option(None, "Electricity grid: DEU, US-VA, a cloud region, or gCO2e/kWh.", metavar="PLACE")
    embodied_kgco2e: float | None = option(
        None, "Embodied carbon of your share of the machine, kgCO2e.", flag="--embodied", least=0
    )


@dataclass(frozen=True)
class CostOptions(CarbonOptions, TokenPriceOptions, HourOptions):  # the fields of the last come first
    """What a run costs, in money and in carbon."""
