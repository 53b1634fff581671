from profiler.cost.facts import resolve, stated
from profiler.cost.options import CostOptions
from profiler.reports import energy
from profiler.reports.tables import more_cards, scalar_rows, value_text
from profiler.results.host_facts import CloudFacts, CpuFacts, HostFacts
from profiler.results.manifest import CostFacts, EnergyFacts, OwnedFacts, PowerEstimate, PriceFacts, Source
from profiler.results.summary import EnergyAccount, Metric, Scalar, Summary

NB = "\u00a0"
SOURCE = Source(name="s", title="A table", date="2026-01-01", licence="MIT")
MODEL = Scalar(
    unit="J/token", value=None, reason="an interval, not a number", low=0.8, high=2.1, note="model, whole machine"
)
C7G = HostFacts(
    cloud=CloudFacts(provider="aws", region="us-east-1", instance_type="c7g.4xlarge"), cpu=CpuFacts(logical_cpus=16)
)


def text_of(rows: list[energy.Fact]) -> str:
    return "\n".join(f"{row.label} | {row.text} | {row.folded or ''}" for row in rows).replace(NB, " ")


def test_an_interval_is_shown_as_one_and_says_what_it_is() -> None:
    assert value_text(MODEL) == f"0.80–2.10{NB}J/token"
    metrics: dict[str, Metric] = {"energy_j_per_output_token": MODEL}
    assert scalar_rows(metrics)[0].value == f"0.80–2.10{NB}J/token"
    summary = Summary(
        format_version=1,
        run_id="r",
        status="complete",
        status_reason=None,
        workload="w",
        requests_ok=1,
        requests_failed=0,
        outcomes={},
        metrics=metrics,
        warnings=[],
    )
    card = next(card for card in more_cards(summary) if card.label == "Energy per output token")
    assert (card.number, card.unit, card.notes, card.missing) == (
        "0.80–2.10",
        "J/token",
        ("model, whole machine",),
        None,
    )


def test_every_account_and_every_estimate_has_its_row() -> None:
    estimate = PowerEstimate(name="TDP share", idle_w=(2, 10), full_w=(12, 24), method="a way", sources=[SOURCE])
    counted = EnergyAccount(
        meter_class="counter",
        scope="GPU boards",
        gross_j=(500, 500),
        idle_j=(100, 100),
        net_j=(400, 400),
        coverage_ratio=1,
        provenance="p",
        parts={"nvml:0:counter": (500, 500)},
        notes=["20 s are too short"],
    )
    uncovered = EnergyAccount(
        meter_class="polled",
        scope="GPU boards",
        gross_j=None,
        idle_j=None,
        net_j=None,
        coverage_ratio=0.5,
        provenance="p",
        parts={},
        notes=["readings cover 50%"],
    )
    facts = EnergyFacts(estimates=[estimate], absent={"rapl": "no counter here"})
    said = text_of(energy.energy_rows(facts, [counted, uncovered]))
    assert "counter, GPU boards | gross 500 J; idle 100 J; net 400 J; coverage 100.0%; 20 s are too short" in said
    assert "polled, GPU boards | not measured: readings cover 50%" in said
    assert (
        "Estimate: TDP share | 2.0–10.0 W idle, 12.0–24.0 W fully loaded | a way. Sources: A table, 2026-01-01, MIT"
        in said
    )
    assert "Not available: rapl | no counter here" in said


def test_carbon_names_every_grid_estimate_pue_and_embodied_part() -> None:
    said = text_of(energy.carbon_rows(resolve(stated(CostOptions(embodied_kgco2e=300)), C7G), {}))
    assert "415.755" not in said  # shown with the digits that it carries
    assert "Grid, aws us-east-1, by EPA | 416 gCO2e/kWh" in said
    assert "Grid, Virginia, 2023 | 245 gCO2e/kWh" in said
    assert "PUE | 1.135" in said
    assert "Embodied carbon of the reserved part" in said
    unknown = text_of(energy.carbon_rows(resolve(stated(), C7G), {}))
    assert "Embodied carbon | not known: what making the c7g family's machine emitted is not published" in unknown


def test_a_price_in_another_currency_is_not_converted() -> None:
    facts = resolve(stated(CostOptions(price=0.2, currency="EUR")), HostFacts())
    cost = Scalar(unit="EUR/1M tokens", value=0.2 / 3600 / 80 * 1e6)  # 80 tokens/s
    said = text_of(energy.cost_rows(facts, {"cost_per_1m_output_tokens": cost}))
    assert "Price | 0.2 EUR per hour, on-demand" in said
    assert "Cost per 1M output tokens | 0.694 EUR" in said
    assert "USD" not in said


def test_what_is_missing_says_what_to_pass() -> None:
    facts = resolve(stated(), HostFacts())
    assert "--price" in text_of(energy.cost_rows(facts, {}))
    assert "--grid" in text_of(energy.carbon_rows(facts, {}))


def test_what_an_hour_of_owned_hardware_is_made_of() -> None:
    owned = OwnedFacts(
        purchase=35_040, life_h=35_040, power_w=500, idle_w=100, price_per_kwh=0.3, upkeep_per_year=876, pue=1.2
    )
    price = PriceFacts(per_hour=1.1936, currency="EUR", kind="owned", owned=owned, source=SOURCE)
    rows = {row.label: row.text for row in energy.cost_rows(CostFacts(price=price, utilisation_ratio=0.4), {})}
    assert rows["Price"] == "1.1936\N{NO-BREAK SPACE}EUR per hour, owned"
    assert rows["Made of"].replace("\N{NO-BREAK SPACE}", " ") == (
        "35,040 EUR / 35,040 h + 876 EUR / 8,760 h + (500 W × 40% + 100 W × 60%) × 0.3 EUR/kWh × PUE 1.2"
    )
