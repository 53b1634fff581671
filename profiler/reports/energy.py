"""Energy, cost and carbon as rows of tables: every number with where it comes from."""

from collections.abc import Mapping, Sequence

from profiler.cost import price
from profiler.metrics.catalogue import METRICS
from profiler.reports import format as fmt
from profiler.reports.facts import Fact
from profiler.reports.tables import value_text
from profiler.results.manifest import CostFacts, EnergyFacts, Manifest, PriceFacts, Source, TokenPriceFacts
from profiler.results.summary import EnergyAccount, Interval, Metric, Scalar, Summary

_COST = [spec.id for spec in METRICS.values() if "price" in spec.rests_on and spec.instead is None]
_CARBON = [spec.id for spec in METRICS.values() if spec.rests_on & {"grid", "embodied"}]


def tables(manifest: Manifest, summary: Summary) -> dict[str, list[Fact]]:
    """Return the rows of the three tables, by the name that the page has for them."""
    return {
        "energy_rows": energy_rows(manifest.energy, summary.energy),
        "cost_rows": cost_rows(manifest.cost, summary.metrics),
        "carbon_rows": carbon_rows(manifest.cost, summary.metrics),
    }


def energy_rows(facts: EnergyFacts, accounts: Sequence[EnergyAccount]) -> list[Fact]:
    """Every account with its class and scope, every estimate with its method, and the meters that were not there."""
    rows = [row for account in accounts for row in _account_rows(account)]
    rows += [
        Fact(
            f"Estimate: {estimate.name}",
            _watts(estimate.idle_w, estimate.full_w),
            f"{estimate.method}. {_list(estimate.sources)}",
        )
        for estimate in facts.estimates
    ]
    rows += [Fact(f"Meter {meter.channel}", _device(meter.device, meter.provenance)) for meter in facts.meters]
    rows += [Fact(f"Not available: {name}", reason) for name, reason in facts.absent.items()]
    rows += [Fact(f"Not counted: {name}", reason) for name, reason in facts.others.items()]
    return rows or [Fact("Energy", f"not measured: {facts.reason or 'no meter was used'}")]


def cost_rows(facts: CostFacts, metrics: Mapping[str, Metric]) -> list[Fact]:
    """The price with its source, and what follows from it, in the currency of the price."""
    if facts.token_price is not None:
        rows = _token_price_rows(facts.token_price)
    elif facts.price is None:
        return [Fact("Price", f"not measured: {facts.price_reason or 'pass --price'}")]
    else:
        rows = [Fact("Price", price_text(facts.price)), *_parts_of_price(facts.price, facts.utilisation_ratio)]
        rows.append(Fact("Source of the price", source_text(facts.price.source)))
    return rows + [Fact(fmt.label(name), _with_note(metrics[name])) for name in _COST if name in metrics]


def _parts_of_price(found: PriceFacts, used: float) -> list[Fact]:
    """What an hour is made of, where it is not simply charged: the formula with its numbers."""
    if found.upfront:
        text = f"{_stated(found.upfront, found.currency)} upfront / ({found.term_months} months × 730 h), and "
        return [Fact("Made of", f"{text}{_stated(found.per_hour - _share(found), found.currency)} per hour")]
    if (owned := found.owned) is None:
        return []
    watts = f"{owned.power_w:g} W"
    if used < 1:
        watts = f"({watts} × {used:.0%} + {owned.idle_w:g} W × {1 - used:.0%})"
    text = (
        f"{_stated(owned.purchase, found.currency)} / {owned.life_h:,.0f} h + "
        f"{_stated(owned.upkeep_per_year, found.currency)} / 8,760 h + {watts} × {owned.price_per_kwh:g} "
        f"{found.currency}/kWh × PUE {owned.pue:g}"
    )
    return [Fact("Made of", text)]


def _share(found: PriceFacts) -> float:
    return price.reserved_per_hour(0.0, found.upfront, found.term_months or 1)


def _stated(amount: float, currency: str) -> str:
    """An amount as it was stated, with every digit."""
    return f"{amount:,.9g}{fmt.NBSP}{currency}"


def _token_price_rows(charged: TokenPriceFacts) -> list[Fact]:
    """The prices of an endpoint."""
    prices = {
        "input": charged.input_per_1m,
        "cached input": charged.cached_input_per_1m,
        "output": charged.output_per_1m,
    }
    text = ", ".join(
        f"{fmt.quantity(price, charged.currency)} per 1M {kind} tokens"
        for kind, price in prices.items()
        if price is not None
    )
    return [Fact("Price", text), Fact("Source of the price", source_text(charged.source))]


def carbon_rows(facts: CostFacts, metrics: Mapping[str, Metric]) -> list[Fact]:
    """The SCI and every part of it."""
    rows = [Fact(fmt.label(name), _with_note(metrics[name])) for name in _CARBON if name in metrics]
    pue = source_text(facts.pue_source) if facts.pue_source else "no overhead of a data centre is assumed; pass --pue"
    rows += [
        Fact(
            f"Grid, {estimate.place}",
            f"{fmt.quantity(estimate.gco2e_per_kwh, 'gCO2e/kWh')}; {source_text(estimate.source)}",
        )
        for estimate in facts.grid
    ] or [Fact("Grid", f"not known: {facts.grid_reason or 'pass --grid'}")]
    rows.append(Fact("PUE", f"{facts.pue:g}; {pue}"))
    if facts.embodied is None:
        return [*rows, Fact("Embodied carbon", f"not known: {facts.embodied_reason or 'pass --embodied'}")]
    embodied = facts.embodied
    text = f"{_span(embodied.kgco2e, 'kgCO2e')} over {embodied.life_h:,.0f} h; {embodied.method}"
    return [*rows, Fact("Embodied carbon of the reserved part", text, source_text(embodied.source))]


def price_text(found: PriceFacts) -> str:
    """A price in words: per hour, kind, what and where."""
    where = " in ".join(part for part in (found.instance_type, found.region) if part)
    return ", ".join(filter(None, [f"{found.per_hour:.6g}{fmt.NBSP}{found.currency} per hour", found.kind_text, where]))


def source_text(source: Source) -> str:
    """A source in words: title, date, licence."""
    return ", ".join(part for part in (source.title, source.date, source.licence) if part)


def _account_rows(account: EnergyAccount) -> list[Fact]:
    title = f"{account.meter_class}, {account.scope}"
    if account.gross_j is None:
        return [Fact(title, "not measured: " + ("; ".join(account.notes) or account.provenance))]
    text = [f"gross {_span(account.gross_j, 'J')}"]
    text += [f"idle {_span(account.idle_j, 'J')}"] if account.idle_j else []
    text += [f"net {_span(account.net_j, 'J')}"] if account.net_j else []
    text.append(f"coverage {account.coverage_ratio:.1%}")
    rows = [Fact(title, "; ".join([*text, *account.notes]))]
    rows += [Fact(f"{title}: {name}", _span(part, "J")) for name, part in account.parts.items()]
    return rows


def _with_note(metric: Metric) -> str:
    note = metric.note if isinstance(metric, Scalar) else None
    return f"{value_text(metric)}; {note}" if note else value_text(metric)


def _span(ends: Interval, unit: str) -> str:
    return fmt.interval(ends[0], ends[1], unit)


def _watts(idle_w: Interval, full_w: Interval) -> str:
    return f"{_span(idle_w, 'W')} idle, {_span(full_w, 'W')} fully loaded"


def _device(device: str | None, provenance: str) -> str:
    return f"{device}: {provenance}" if device else provenance


def _list(sources: Sequence[Source]) -> str:
    return "Sources: " + "; ".join(source_text(source) for source in sources)
