"""What tokens cost, in money and in carbon, over the steady windows."""

from collections.abc import Callable
from dataclasses import replace

from profiler.aggregation.observations import Observations
from profiler.cost import carbon, price
from profiler.metrics.energy import machine_account, machine_j, note_on, steady_input_tokens, steady_tokens
from profiler.metrics.population import RATES
from profiler.metrics.registry import CURRENCY, Measurement, NotMeasuredError, per_run
from profiler.metrics.shown import VALUE, Shown
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


def _charged(seen: Observations) -> PriceFacts | TokenPriceFacts:
    return seen.manifest.cost.token_price or _price(seen)


def _per_hour(seen: Observations) -> float:
    """Return what an hour under load costs: of the machine and its idle time, or of tokens at the measured rates."""
    found = _charged(seen)
    if isinstance(found, TokenPriceFacts):
        return _bill_per_hour(seen, found)
    return price.per_busy_hour(found.per_hour, seen.manifest.cost.utilisation_ratio)


def _bill_per_hour(seen: Observations, charged: TokenPriceFacts) -> float:
    input_per_s = input_tokens_per_s(seen) if charged.input_per_1m or charged.cached_input_per_1m else 0.0
    cached_per_s = 0.0 if charged.cached_input_per_1m is None else input_per_s * _cached_share(seen)
    output_per_s = 0.0 if seen.is_embedding else output_tokens_per_s(seen)
    bill = price.bill_per_hour(input_per_s - cached_per_s, output_per_s, charged.input_per_1m, charged.output_per_1m)
    bill += price.bill_per_hour(cached_per_s, 0.0, charged.cached_input_per_1m or 0.0, 0.0)
    if not (charged.input_per_1m or charged.output_per_1m or charged.cached_input_per_1m):
        raise NotMeasuredError("tokens are stated to cost nothing")
    return _moving(bill, "token that is charged for")


def _cached_share(seen: Observations) -> float:
    """Return the share of the prompt tokens that the server had in its cache, as far as it tells."""
    told = seen.totals.prompt_tokens_told
    return min(1.0, seen.totals.prompt_tokens_cached / told) if told else 0.0


def _moving(rate_per_s: float, what: str) -> float:
    if rate_per_s <= 0:
        raise NotMeasuredError(f"no {what} in the steady windows")
    return rate_per_s


def _money(seen: Observations, amount: float, unit: str) -> Measurement:
    """A number in the currency of the price; a note on idle time, or on tokens whose price was not stated."""
    charged = _charged(seen)
    note = _not_as_billed(seen, charged) if isinstance(charged, TokenPriceFacts) else _idle_time(seen)
    return Measurement(Range.exact(amount), note, unit.replace(CURRENCY, charged.currency))


def _idle_time(seen: Observations) -> str | None:
    used = seen.manifest.cost.utilisation_ratio
    return None if used == 1 else f"used for {used:.0%} of the time and paid for all of it: --utilisation"


def _not_as_billed(seen: Observations, charged: TokenPriceFacts) -> str | None:
    """Say where a bill would differ because a price was not stated."""
    return _for_nothing(seen, charged) or _full_price(seen, charged)


def _for_nothing(seen: Observations, charged: TokenPriceFacts) -> str | None:
    if not charged.input_per_1m and not charged.cached_input_per_1m and seen.totals.prompt_tokens.total:
        return "prompt tokens are counted as free: --price-input"
    if not charged.output_per_1m and not seen.is_embedding:
        return "output tokens are counted as free: --price-output"
    return None


def _full_price(seen: Observations, charged: TokenPriceFacts) -> str | None:
    cached = _cached_share(seen)
    if charged.cached_input_per_1m is not None:
        is_told = seen.totals.prompt_tokens_told or not seen.totals.prompt_tokens.total
        return None if is_told else "the server does not tell what came from its cache: all counted at full price"
    if not cached or not charged.input_per_1m:
        return None
    return (
        f"{cached:.0%} of the prompt tokens came from the server's cache, counted at full price: --price-cached-input"
    )


_PER_1M, _PER_REQUEST, _FOR_MONEY = f"{CURRENCY}/1M tokens", CURRENCY, f"tokens/{CURRENCY}"


@per_run(
    "Cost per 1M output tokens",
    unit=_PER_1M,
    group="cost",
    better="lower",
    rests_on={"price"},
    over=RATES,
    short="Cost",
    shown=Shown(order=80, of="output", headline="page", brief=VALUE, compared="ranked"),
)
def cost_per_1m_output_tokens(seen: Observations) -> Measurement:
    """Price per hour / utilisation / output tokens per hour × 10⁶: the whole price against output tokens alone.

    The price per hour is that on demand, of spot or of a reservation (with its share of what was paid upfront), or of
    owned hardware: purchase / life + upkeep + W × price per kWh × PUE. The utilisation is the share of the time under
    load, 1 unless stated, here and below. Of an endpoint that charges by the token, here and below, an hour costs what
    its tokens do at the measured rates. In the currency of the price, which is never converted.
    """
    cost = price.per_million(_per_hour(seen), _moving(output_tokens_per_s(seen), "output token"))
    return _money(seen, cost, _PER_1M)


@per_run(
    "Cost per 1M input tokens",
    unit=_PER_1M,
    group="cost",
    better="lower",
    rests_on={"price"},
    over=RATES,
    short="Cost",
    work="requests",
    shown=Shown(order=80, of="input", headline="page", brief=VALUE, compared="ranked"),
)
def cost_per_1m_input_tokens(seen: Observations) -> Measurement:
    """Price per hour / utilisation / prompt tokens per hour × 10⁶: the whole price against prompt tokens alone.

    Not to be added to the price of output tokens: each carries all of the machine.
    """
    cost = price.per_million(_per_hour(seen), _moving(input_tokens_per_s(seen), "prompt token"))
    return _money(seen, cost, _PER_1M)


@per_run(
    "Cost per 1M tokens, input and output",
    unit=_PER_1M,
    group="cost",
    better="lower",
    rests_on={"price"},
    over=RATES,
    work="requests",
)
def cost_per_1m_total_tokens(seen: Observations) -> Measurement:
    """Price per hour / utilisation / prompt and output tokens per hour × 10⁶, as many price lists and vendors count."""
    output_per_s = 0.0 if seen.is_embedding else output_tokens_per_s(seen)
    cost = price.per_million(_per_hour(seen), _moving(input_tokens_per_s(seen) + output_per_s, "token"))
    return _money(seen, cost, _PER_1M)


@per_run(
    "Cost per request", unit=_PER_REQUEST, group="cost", better="lower", rests_on={"price"}, over=RATES, work="requests"
)
def cost_per_request(seen: Observations) -> Measurement:
    """Price per hour / utilisation / requests per hour."""
    cost = price.per_unit(_per_hour(seen), _moving(requests_per_s(seen), "request"))
    return _money(seen, cost, _PER_REQUEST)


@per_run(
    "Output tokens per unit of money",
    unit=_FOR_MONEY,
    group="cost",
    better="higher",
    rests_on={"price"},
    over=RATES,
    short="Tokens for money",
)
def output_tokens_per_currency(seen: Observations) -> Measurement:
    """Output tokens per hour × utilisation / price per hour: what one unit of the price's currency buys."""
    return _money(seen, price.units_per_money(_per_hour(seen), output_tokens_per_s(seen)), _FOR_MONEY)


@per_run(
    "Input tokens per unit of money",
    unit=_FOR_MONEY,
    group="cost",
    better="higher",
    rests_on={"price"},
    over=RATES,
    short="Tokens for money",
    work="requests",
)
def input_tokens_per_currency(seen: Observations) -> Measurement:
    """Prompt tokens per hour × utilisation / price per hour: what one unit of the price's currency buys."""
    return _money(seen, price.units_per_money(_per_hour(seen), input_tokens_per_s(seen)), _FOR_MONEY)


def _split(seen: Observations) -> price.TokenSplit:
    ratio = seen.manifest.cost.input_output_ratio
    if ratio is None:
        raise NotMeasuredError("what an output token is worth in input tokens is not stated: pass --input-output-ratio")
    output_per_s = _moving(0.0 if seen.is_embedding else output_tokens_per_s(seen), "output token")
    return price.split(_per_hour(seen), input_tokens_per_s(seen), output_per_s, ratio)


@per_run(
    "Cost per 1M output tokens, split with input",
    unit=_PER_1M,
    group="cost",
    better="lower",
    rests_on={"price", "worth"},
    over=RATES,
    work="requests",
)
def cost_per_1m_output_tokens_split(seen: Observations) -> Measurement:
    """Price per second / utilisation / (input tokens/s / r + output tokens/s) × 10⁶.

    r is what an output token is worth in input tokens (`--input-output-ratio`). With the price of input tokens, it
    makes up the whole bill; an endpoint's own two prices come out where r is their quotient.
    """
    return _money(seen, _split(seen).output_per_1m, _PER_1M)


@per_run(
    "Cost per 1M input tokens, split with output",
    unit=_PER_1M,
    group="cost",
    better="lower",
    rests_on={"price", "worth"},
    over=RATES,
    work="requests",
)
def cost_per_1m_input_tokens_split(seen: Observations) -> Measurement:
    """`cost_per_1m_output_tokens_split` / r."""
    return _money(seen, _split(seen).input_per_1m, _PER_1M)


def in_usd(seen: Observations, compute: Callable[[Observations], Measurement]) -> Measurement:
    """Return an amount of money whose currency is USD. Raises `NotMeasuredError` where it is another one."""
    currency = _charged(seen).currency
    if currency != USD:
        raise NotMeasuredError(f"the price is in {currency}, and currencies are never converted; see the report")
    return replace(compute(seen), unit=None)


_PER_1M_USD, _OUTPUT, _INPUT = "USD/1M tokens", "cost_per_1m_output_tokens", "cost_per_1m_input_tokens"


@per_run(
    "Cost per 1M output tokens, USD",
    unit=_PER_1M_USD,
    group="cost",
    better="lower",
    rests_on={"price"},
    instead=_OUTPUT,
    over=RATES,
    shown=Shown(order=81, brief=VALUE),
)
def usd_per_1m_output_tokens(seen: Observations) -> Measurement:
    """`cost_per_1m_output_tokens`, where the price is in USD."""
    return in_usd(seen, cost_per_1m_output_tokens)


@per_run(
    "Cost per 1M input tokens, USD",
    unit=_PER_1M_USD,
    group="cost",
    better="lower",
    rests_on={"price"},
    instead=_INPUT,
    over=RATES,
    work="requests",
)
def usd_per_1m_input_tokens(seen: Observations) -> Measurement:
    """`cost_per_1m_input_tokens`, where the price is in USD."""
    return in_usd(seen, cost_per_1m_input_tokens)


@per_run(
    "Cost per request, USD",
    unit="USD",
    group="cost",
    better="lower",
    rests_on={"price"},
    instead="cost_per_request",
    over=RATES,
    work="requests",
)
def usd_per_request(seen: Observations) -> Measurement:
    """`cost_per_request`, where the price is in USD."""
    return in_usd(seen, cost_per_request)


@per_run(
    "Output tokens per US dollar",
    unit="tokens/USD",
    group="cost",
    better="higher",
    rests_on={"price"},
    instead="output_tokens_per_currency",
    over=RATES,
)
def tokens_per_usd(seen: Observations) -> Measurement:
    """`output_tokens_per_currency`, where the price is in USD."""
    return in_usd(seen, output_tokens_per_currency)


def grid_range(seen: Observations) -> Range:
    """Return the least and the most that any source says of the grid, gCO2e/kWh. Raises `NotMeasuredError`."""
    grid = seen.manifest.cost.grid
    if not grid:
        raise NotMeasuredError(seen.manifest.cost.grid_reason or "pass --grid")
    return Range.hull(*(Range.exact(estimate.gco2e_per_kwh) for estimate in grid))


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


def total_g(seen: Observations) -> Range:
    """Return the carbon of the steady windows, operational and embodied, g. Raises `NotMeasuredError`."""
    return _operational_g(seen) + _embodied_g(seen)


def _boundary(seen: Observations) -> str:
    return f"boundary of energy: {note_on(machine_account(seen))}"


def _per_million(seen: Observations, carbon_g: Range, note: str) -> Measurement:
    return Measurement(carbon.per_million(carbon_g, steady_tokens(seen)), note)


@per_run(
    "Carbon per 1M output tokens (SCI)",
    unit="gCO2e/1M tokens",
    group="cost",
    better="lower",
    aliases={"Green Software Foundation": "SCI"},
    rests_on={"energy", "grid", "embodied"},
    over=RATES,
    short="Carbon (SCI)",
    shown=Shown(order=100, of="output", headline="page", compared="ranked"),
)
def gco2e_per_1m_output_tokens(seen: Observations) -> Measurement:
    """SCI, ISO/IEC 21031: (gross energy × PUE × grid intensity + embodied share) / output tokens × 10⁶.

    The least and the most over what energy, grid and embodied carbon may be, where they are intervals.
    """
    return _per_million(seen, total_g(seen), _boundary(seen))


@per_run(
    "Carbon per 1M input tokens (SCI)",
    unit="gCO2e/1M tokens",
    group="cost",
    better="lower",
    rests_on={"energy", "grid", "embodied"},
    over=RATES,
    short="Carbon (SCI)",
    work="requests",
    shown=Shown(order=100, of="input", headline="page", compared="ranked"),
)
def gco2e_per_1m_input_tokens(seen: Observations) -> Measurement:
    """SCI with another functional unit: (gross energy × PUE × grid intensity + embodied share) / prompt tokens × 10⁶.

    The whole carbon against prompt tokens alone: not to be added to that of output tokens.
    """
    return Measurement(carbon.per_million(total_g(seen), steady_input_tokens(seen)), _boundary(seen))


@per_run(
    "Carbon per 1M output tokens, operational",
    unit="gCO2e/1M tokens",
    group="cost",
    better="lower",
    rests_on={"energy", "grid"},
    over=RATES,
)
def gco2e_operational_per_1m_output_tokens(seen: Observations) -> Measurement:
    """Gross energy × PUE × grid intensity / output tokens × 10⁶."""
    return _per_million(seen, _operational_g(seen), note_on(machine_account(seen)))


@per_run(
    "Carbon per 1M output tokens, embodied",
    unit="gCO2e/1M tokens",
    group="cost",
    better="lower",
    rests_on={"embodied"},
    over=RATES,
)
def gco2e_embodied_per_1m_output_tokens(seen: Observations) -> Measurement:
    """Carbon of making the reserved part of the machine × length of the steady windows / life / output tokens × 10⁶."""
    return _per_million(seen, _embodied_g(seen), _embodied(seen).method)
