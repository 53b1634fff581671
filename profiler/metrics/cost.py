"""What tokens cost, in money and in carbon, over the steady windows."""

from profiler.cost import carbon, price
from profiler.metrics.energy import machine_account, machine_j, note_on, steady_input_tokens, steady_tokens
from profiler.metrics.observations import Observations
from profiler.metrics.registry import Estimate, NotMeasuredError, metric
from profiler.metrics.throughput import input_tokens_per_s, output_tokens_per_s, requests_per_s
from profiler.results.manifest import EmbodiedFacts, PriceFacts, TokenPriceFacts
from profiler.stats.ranges import Range
from profiler.units import ns_to_s

USD = "USD"
NO_PRICE = "pass --price"


def _price(seen: Observations) -> PriceFacts:
    found = seen.manifest.cost.price
    if found is None:
        raise NotMeasuredError(seen.manifest.cost.price_reason or NO_PRICE)
    return found


def _usd_per_hour(seen: Observations) -> float:
    """Return what an hour costs: of the machine, or of tokens at the rates that were measured."""
    charged = seen.manifest.cost.token_price
    found = charged or _price(seen)
    if found.currency != USD:
        raise NotMeasuredError(f"the price is in {found.currency}, and currencies are never converted; see the report")
    return found.per_hour if isinstance(found, PriceFacts) else _bill_per_hour(seen, found)


def _bill_per_hour(seen: Observations, charged: TokenPriceFacts) -> float:
    input_per_s = input_tokens_per_s(seen) if charged.input_per_1m else 0.0
    output_per_s = 0.0 if seen.is_embedding else output_tokens_per_s(seen)
    bill = price.bill_per_hour(input_per_s, output_per_s, charged.input_per_1m, charged.output_per_1m)
    return _moving(bill, "token that is charged for")


def _moving(rate_per_s: float, what: str) -> float:
    if rate_per_s <= 0:
        raise NotMeasuredError(f"no {what} in the steady windows")
    return rate_per_s


@metric("per-run", unit="USD/1M tokens", group="cost", better="lower", rests_on={"price"})
def usd_per_1m_output_tokens(seen: Observations) -> float:
    """Price per hour / output tokens per hour × 10⁶: the whole price against output tokens alone.

    Of an endpoint that charges by the token, here and below, an hour costs what its tokens do at the measured rates.
    """
    return price.per_million(_usd_per_hour(seen), _moving(output_tokens_per_s(seen), "output token"))


@metric("per-run", unit="USD/1M tokens", group="cost", better="lower", rests_on={"price"})
def usd_per_1m_input_tokens(seen: Observations) -> float:
    """Price per hour / prompt tokens per hour × 10⁶: the whole price against prompt tokens alone.

    Not to be added to the price of output tokens: each carries all of the machine.
    """
    return price.per_million(_usd_per_hour(seen), _moving(input_tokens_per_s(seen), "prompt token"))


@metric("per-run", unit="USD", group="cost", better="lower", rests_on={"price"})
def usd_per_request(seen: Observations) -> float:
    """Price per hour / requests per hour."""
    return price.per_unit(_usd_per_hour(seen), _moving(requests_per_s(seen), "request"))


@metric("per-run", unit="tokens/USD", group="cost", better="higher", rests_on={"price"})
def tokens_per_usd(seen: Observations) -> float:
    """Output tokens per hour / price per hour."""
    return price.units_per_money(_usd_per_hour(seen), output_tokens_per_s(seen))


def grid_range(seen: Observations) -> Range:
    """Return the least and the most that any source says of the grid, gCO2e/kWh. Raises `NotMeasuredError`."""
    grid = seen.manifest.cost.grid
    if not grid:
        raise NotMeasuredError(seen.manifest.cost.grid_reason or "pass --grid")
    return Range.hull(*(Range.exact(opinion.gco2e_per_kwh) for opinion in grid))


def _operational_g(seen: Observations) -> Range:
    return carbon.operational_g(machine_j(seen), grid_range(seen), seen.manifest.cost.pue)


def _embodied(seen: Observations) -> EmbodiedFacts:
    embodied = seen.manifest.cost.embodied
    if embodied is None:
        raise NotMeasuredError(seen.manifest.cost.embodied_reason or "pass --embodied")
    return embodied


def _embodied_g(seen: Observations) -> Range:
    facts = _embodied(seen)
    return carbon.embodied_g(Range(*facts.kgco2e), facts.life_h, ns_to_s(seen.window_ns))


def _total_g(seen: Observations) -> Range:
    return _operational_g(seen) + _embodied_g(seen)


def _boundary(seen: Observations) -> str:
    return f"boundary of energy: {note_on(machine_account(seen))}"


def _per_million(seen: Observations, carbon_g: Range, note: str) -> Estimate:
    return Estimate(carbon.per_million(carbon_g, steady_tokens(seen)), note)


@metric(
    "per-run",
    unit="gCO2e/1M tokens",
    group="cost",
    better="lower",
    aliases={"Green Software Foundation": "SCI"},
    rests_on={"energy", "grid", "embodied"},
)
def gco2e_per_1m_output_tokens(seen: Observations) -> Estimate:
    """SCI, ISO/IEC 21031: (gross energy × PUE × grid intensity + embodied share) / output tokens × 10⁶.

    The least and the most over what energy, grid and embodied carbon may be, where they are intervals.
    """
    return _per_million(seen, _total_g(seen), _boundary(seen))


@metric("per-run", unit="gCO2e/1M tokens", group="cost", better="lower", rests_on={"energy", "grid", "embodied"})
def gco2e_per_1m_input_tokens(seen: Observations) -> Estimate:
    """SCI with another functional unit: (gross energy × PUE × grid intensity + embodied share) / prompt tokens × 10⁶.

    The whole carbon against prompt tokens alone: not to be added to that of output tokens.
    """
    return Estimate(carbon.per_million(_total_g(seen), steady_input_tokens(seen)), _boundary(seen))


@metric("per-run", unit="gCO2e/1M tokens", group="cost", better="lower", rests_on={"energy", "grid"})
def gco2e_operational_per_1m_output_tokens(seen: Observations) -> Estimate:
    """Gross energy × PUE × grid intensity / output tokens × 10⁶."""
    return _per_million(seen, _operational_g(seen), note_on(machine_account(seen)))


@metric("per-run", unit="gCO2e/1M tokens", group="cost", better="lower", rests_on={"embodied"})
def gco2e_embodied_per_1m_output_tokens(seen: Observations) -> Estimate:
    """Carbon of making the reserved part of the machine × length of the steady windows / life / output tokens × 10⁶."""
    return _per_million(seen, _embodied_g(seen), _embodied(seen).method)
