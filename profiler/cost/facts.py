"""Price, grid, PUE and embodied carbon of a run: what the user said, else what the detected instance tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profiler import catalogue
from profiler.cost import grid, prices
from profiler.errors import UsageError
from profiler.results.manifest import CostFacts, EmbodiedFacts, GridOpinion, PriceFacts, Source, TokenPriceFacts


@dataclass(frozen=True)
class Stated:
    """What the user said of money and carbon; checked, so that a run does not fail late."""

    price: PriceFacts | None = None
    token_price: TokenPriceFacts | None = None
    price_kind: prices.PriceKind | None = None  # None: as the instance was bought
    grid: tuple[GridOpinion, ...] = ()
    pue: float | None = None
    embodied_kgco2e: float | None = None
    words: tuple[str, ...] = ()  # the flags, to repeat the run


def stated(
    price: float | None = None,
    price_input: float | None = None,
    price_output: float | None = None,
    currency: str = "USD",
    price_kind: str | None = None,
    place: str | None = None,
    pue: float | None = None,
    embodied_kgco2e: float | None = None,
    price_cached_input: float | None = None,
) -> Stated:
    """Check what the user said. Raises `UsageError`."""
    kind = next((known for known in prices.KINDS if known == price_kind), None)
    if price_kind is not None and kind is None:
        raise UsageError(f"--price-kind {price_kind}: expected {', '.join(prices.KINDS)}.")
    if pue is not None and not 1 <= pue <= 5:
        raise UsageError(f"--pue {pue:g}: expected 1 (no overhead) to 5.")
    if embodied_kgco2e is not None and embodied_kgco2e < 0:
        raise UsageError(f"--embodied {embodied_kgco2e:g}: expected kgCO2e of the part of the machine that you use.")
    token_price = prices.stated_per_token(price_input, price_output, currency, price_cached_input)
    if price is not None and token_price is not None:
        raise UsageError("--price is for an hour, --price-input and --price-output for tokens. Pass one or the other.")
    flags = {
        "--price": price,
        "--price-input": price_input,
        "--price-output": price_output,
        "--price-cached-input": price_cached_input,
        "--currency": None if price is None and token_price is None else currency,
        "--price-kind": kind,
        "--grid": place,
        "--pue": pue,
        "--embodied": embodied_kgco2e,
    }
    return Stated(
        price=None if price is None else prices.stated(price, currency, kind or "on-demand"),
        token_price=token_price,
        price_kind=kind,
        grid=tuple(grid.opinions(place)) if place else (),
        pue=pue,
        embodied_kgco2e=embodied_kgco2e,
        words=tuple(word for flag, value in flags.items() if value is not None for word in (flag, str(value))),
    )


def resolve(said: Stated, host: Mapping[str, Any], refreshed: Path | None = None) -> CostFacts:
    """Put together what the user said and what is known of the detected instance (`host` as in run.json)."""
    cloud = host.get("cloud") or {}
    price, price_reason = _price(said, cloud, refreshed)
    opinions, grid_reason = _grid(said, cloud)
    pue, pue_source = _pue(said, cloud)
    embodied, embodied_reason = _embodied(said, cloud, _vcpus(host))
    return CostFacts(
        price=price,
        price_reason=price_reason,
        token_price=said.token_price,
        grid=opinions,
        grid_reason=grid_reason,
        pue=pue,
        pue_source=pue_source,
        embodied=embodied,
        embodied_reason=embodied_reason,
    )


def _price(said: Stated, cloud: Mapping[str, Any], refreshed: Path | None) -> tuple[PriceFacts | None, str | None]:
    if said.price is not None:
        return said.price, None
    if said.token_price is not None:
        return None, "the endpoint charges by the token"
    kind = said.price_kind or cloud.get("purchase") or "on-demand"
    instance_type, region = cloud.get("instance_type"), cloud.get("region")
    if not instance_type:
        return None, "the machine's price is not known: pass --price"
    if not region:
        return None, f"the region of this {instance_type} is not known: pass --price"
    found = prices.offers(instance_type, region, kind, refreshed)
    if found:
        return found[0].price, None
    return None, f"no {kind} price of {instance_type} in {region} is known: pass --price"


def _grid(said: Stated, cloud: Mapping[str, Any]) -> tuple[list[GridOpinion], str | None]:
    if said.grid:
        return list(said.grid), None
    provider, region = cloud.get("provider"), cloud.get("region")
    found = grid.of_cloud(provider, region) if provider and region else []
    return found, None if found else "where this machine draws its electricity is not known: pass --grid"


def _pue(said: Stated, cloud: Mapping[str, Any]) -> tuple[float, Source | None]:
    if said.pue is not None:
        return said.pue, Source(name="flag", title="said on the command line: --pue")
    try:
        return catalogue.constant(f"pue_{cloud.get('provider')}")
    except KeyError:
        return 1.0, None


def _embodied(said: Stated, cloud: Mapping[str, Any], vcpus: int | None) -> tuple[EmbodiedFacts | None, str | None]:
    life_h, life_source = catalogue.constant("server_life")
    if said.embodied_kgco2e is not None:
        flag = Source(name="flag", title="said on the command line: --embodied")
        kg = (said.embodied_kgco2e, said.embodied_kgco2e)
        return EmbodiedFacts(kgco2e=kg, life_h=life_h, method=f"as stated, {life_source.title}", source=flag), None
    if vcpus is None:
        return None, "how many processors are reserved is not known: pass --embodied"
    family = str(cloud.get("instance_type") or "").partition(".")[0]
    table = catalogue.rows("carbon/embodied-aws.csv") if cloud.get("provider") == "aws" else ()
    row = next((row for row in table if row["family"] == family), None)
    if row is None:
        whose = f"the {family} family's machine" if family else "this machine"
        return None, (
            f"what making {whose} emitted is not published, and other families differ sixfold: pass --embodied, or see "
            "the operational carbon alone"
        )
    share = vcpus * float(row["kgco2e_per_machine"]) / int(row["machine_vcpus"])
    method = f"{vcpus} vCPUs of the machine of the {family} family"
    return EmbodiedFacts(
        kgco2e=(share, share), life_h=life_h, method=method, source=catalogue.source(row["source"])
    ), None


def _vcpus(host: Mapping[str, Any]) -> int | None:
    """Return the processors that are reserved, busy or not."""
    count = (host.get("cpu") or {}).get("logical_cpus")
    return count if isinstance(count, int) else None
