"""Options of price, grid and embodied carbon."""

from dataclasses import dataclass

from profiler.options import option

_ENDPOINT = ("url",)
_BY_THE_HOUR = "one is for an hour of the machine, the other for tokens"


@dataclass(frozen=True)
class CostOptions:
    """What a run costs; `None` leaves it to what is known of the detected instance."""

    price: float | None = option(
        None,
        "Price of the machine per hour. Default: its list price.",
        excludes={"price_input": _BY_THE_HOUR, "price_output": _BY_THE_HOUR},
    )
    price_kind: str | None = option(
        None,
        "on-demand, spot or reserved. Default: as it was bought.",
        choices=("on-demand", "spot", "reserved"),
    )
    currency: str = option("USD", "Currency of the prices; never converted.", metavar="CODE")
    price_input: float | None = option(None, "--url: price per million prompt tokens.", needs=_ENDPOINT)
    price_cached_input: float | None = option(None, "--url: price per million cached prompt tokens.", needs=_ENDPOINT)
    price_output: float | None = option(None, "--url: price per million output tokens.", needs=_ENDPOINT)
    grid: str | None = option(None, "Electricity grid: DEU, US-VA, a cloud region, or gCO2e/kWh.", metavar="PLACE")
    pue: float | None = option(None, "PUE of the data centre. Default: the provider's, or 1.", least=1, most=5)
    embodied_kgco2e: float | None = option(
        None, "Embodied carbon of your share of the machine, kgCO2e.", flag="--embodied", least=0
    )
