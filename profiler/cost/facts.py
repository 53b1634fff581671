"""Price, grid, PUE and embodied carbon of a run: what the user said, else what the detected instance tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler import reference_data
from profiler.cost import embodied, grid, prices, stated_prices
from profiler.cost.offer import ListKind
from profiler.cost.options import CostOptions
from profiler.cost.prices import SHIPPED, Places
from profiler.results.host_facts import CloudFacts, HostFacts
from profiler.results.manifest import CostFacts, EmbodiedFacts, GridEstimate, PriceFacts, Source, TokenPriceFacts

_NOTHING = CostOptions()


@dataclass(frozen=True)
class Stated:
    """What the user said of money and carbon; checked, so that a run does not fail late."""

    price: PriceFacts | None = None
    token_price: TokenPriceFacts | None = None
    price_kind: ListKind | None = None  # None: as the instance was bought
    price_term_months: int | None = None  # None: the only one that is listed
    utilisation_ratio: float = 1.0
    input_output_ratio: float | None = None
    grid: tuple[GridEstimate, ...] = ()
    pue: float | None = None
    embodied_kgco2e: float | None = None


def stated(asked: CostOptions = _NOTHING, where: Places = SHIPPED) -> Stated:
    """Check what the user said. Raises `UsageError`."""
    return Stated(
        price=stated_prices.per_hour(asked, where),
        token_price=stated_prices.per_token(asked),
        price_kind=stated_prices.kind_of(asked),
        price_term_months=asked.price_term,
        utilisation_ratio=asked.utilisation,
        input_output_ratio=asked.input_output_ratio,
        grid=tuple(grid.estimates(asked.grid)) if asked.grid else (),
        pue=asked.pue,
        embodied_kgco2e=asked.embodied_kgco2e,
    )


def resolve(said: Stated, host: HostFacts, where: Places = SHIPPED) -> CostFacts:
    """Put together what the user said and what is known of the detected instance."""
    cloud = host.cloud
    price, price_reason = _price(said, cloud, where)
    estimates, grid_reason = _grid(said, cloud)
    pue, pue_source = _pue(said, cloud)
    made, made_reason = _embodied(said, host)
    return CostFacts(
        price=price,
        price_reason=price_reason,
        token_price=said.token_price,
        utilisation_ratio=said.utilisation_ratio,
        input_output_ratio=said.input_output_ratio,
        grid=estimates,
        grid_reason=grid_reason,
        pue=pue,
        pue_source=pue_source,
        embodied=made,
        embodied_reason=made_reason,
    )


def _price(said: Stated, cloud: CloudFacts, where: Places) -> tuple[PriceFacts | None, str | None]:
    if said.price is not None:
        return said.price, None
    if said.token_price is not None:
        return None, "the endpoint charges by the token"
    kind = said.price_kind or cloud.purchase or "on-demand"
    instance_type, region = cloud.instance_type, cloud.region
    if not instance_type:
        return None, "the machine's price is not known: pass --price"
    if not region:
        return None, f"the region of this {instance_type} is not known: pass --price"
    found = [offer.price for offer in prices.offers(instance_type, region, kind, where)]
    return _of_term(said.price_term_months, found, f"{kind} price of {instance_type} in {region}")


def _of_term(term_months: int | None, found: Sequence[PriceFacts], what: str) -> tuple[PriceFacts | None, str | None]:
    """Return the first price of the term that is meant, or why there is none."""
    alike = [price for price in found if term_months in {None, price.term_months}]
    terms = sorted({price.term_months or 0 for price in alike})
    if not alike:
        term = "" if term_months is None else f" for {term_months} months"
        return None, f"no {what}{term} is known: pass --price"
    if len(terms) > 1:
        listed = ", ".join("no term" if not each else f"{each} months" for each in terms)
        return None, f"there is more than one {what} ({listed}): pass --price-term or --price"
    return alike[0], None


def _grid(said: Stated, cloud: CloudFacts) -> tuple[list[GridEstimate], str | None]:
    if said.grid:
        return list(said.grid), None
    provider, region = cloud.provider, cloud.region
    found = grid.of_cloud(provider, region) if provider and region else []
    return found, None if found else "where this machine draws its electricity is not known: pass --grid"


def _pue(said: Stated, cloud: CloudFacts) -> tuple[float, Source | None]:
    if said.pue is not None:
        return said.pue, Source(name="flag", title="said on the command line: --pue")
    try:
        return reference_data.constant(f"pue_{cloud.provider}")
    except KeyError:
        return 1.0, None


def _embodied(said: Stated, host: HostFacts) -> tuple[EmbodiedFacts | None, str | None]:
    if said.embodied_kgco2e is not None:
        return embodied.stated(said.embodied_kgco2e), None
    return embodied.of_host(host)
