"""Numbers of a run that can be checked by hand: 100 tokens in one steady second."""

import pytest
from support.builders import S, manifest, request
from support.energy import meter, reading

from profiler.cost.price import per_million
from profiler.results.host_facts import GpuFacts, HostFacts
from profiler.results.manifest import (
    CostFacts,
    EmbodiedFacts,
    EnergyFacts,
    GridEstimate,
    MeterFacts,
    Phase,
    PowerEstimate,
    PriceFacts,
    Source,
    TokenPriceFacts,
)
from profiler.results.records import Sample
from profiler.results.summary import Metric, Scalar
from profiler.summaries.summarize import summarize

SOURCE = Source(name="s", title="t")
PRICE = PriceFacts(per_hour=0.36, currency="USD", kind="on-demand", source=SOURCE)
GRIDS = [GridEstimate(gco2e_per_kwh=g, place="p", source=SOURCE) for g in (250, 400)]
EMBODIED = EmbodiedFacts(kgco2e=(126.144, 126.144), life_h=35_040, method="m", source=SOURCE)  # 1 mg/s


def metrics_of(
    power_w: float | None = None,
    estimates: list[PowerEstimate] | None = None,
    cost: CostFacts | None = None,
    idle: bool = False,
    gpus: list[GpuFacts] | None = None,
    cached_tokens: int | None = None,
) -> dict[str, Metric]:
    """One request of 100 tokens over the second from 10 s on, metered from 0 s to 20 s, half busy."""
    meters: list[MeterFacts] = []
    samples = [Sample(t_ns=round(t * S), host_cpu_ratio=0.5) for t in (10.2, 10.7)]
    if power_w is not None:
        meters = [meter("rapl:package-0", scope="GPU boards" if gpus else "CPU packages")]
        # 10 W until 8 s, then the power of the load
        readings = [reading("rapl:package-0", t, 10 * min(t, 8) + power_w * max(0, t - 8)) for t in range(21)]
        samples += [Sample(t_ns=r.t_ns, energy=[r]) for r in readings]
    phases = [Phase(name="repeat-1", start_ns=10 * S, end_ns=11 * S, client_cpu_ns=1)]
    if idle:
        phases.insert(0, Phase(name="idle-baseline", start_ns=2 * S, end_ns=6 * S))
    run = manifest(phases=phases).model_copy(
        update={
            "energy": EnergyFacts(meters=meters, estimates=estimates or []),
            "cost": cost or CostFacts(),
            "host": HostFacts(gpus=gpus or []),
        }
    )
    record = request(0, sent_ms=10_000, arrivals_ms=[10.0 * (i + 1) for i in range(100)], prompt_tokens=50)
    record.prompt_tokens_cached = cached_tokens
    return summarize(run, [record], samples, []).metrics


def scalar(found: dict[str, Metric], name: str) -> Scalar:
    metric = found[name]
    assert isinstance(metric, Scalar)
    return metric


def value(found: dict[str, Metric], name: str) -> float:
    metric = scalar(found, name)
    assert metric.value is not None, metric.reason
    return metric.value


def test_metered_energy() -> None:
    found = metrics_of(power_w=50, idle=True)
    # 50 J in the second: 0.5 J for each of 100 tokens, 10 W of it idle
    assert value(found, "mean_power_w") == pytest.approx(50)
    assert value(found, "energy_j_per_output_token") == pytest.approx(0.5)
    assert value(found, "energy_j_per_request") == pytest.approx(50)
    assert value(found, "energy_idle_j_per_output_token") == pytest.approx(0.1)
    assert value(found, "energy_net_j_per_output_token") == pytest.approx(0.4)
    assert value(found, "energy_coverage_ratio") == pytest.approx(1)
    assert scalar(found, "energy_j_per_output_token").note == "counter, CPU packages"


def test_without_a_baseline_net_energy_is_not_measured() -> None:
    assert "--idle-baseline" in (scalar(metrics_of(power_w=50), "energy_net_j_per_output_token").reason or "")


def test_a_model_is_an_interval_without_a_value() -> None:
    estimates = [
        PowerEstimate(name="a", idle_w=(10, 10), full_w=(30, 30), method=""),
        PowerEstimate(name="b", idle_w=(20, 20), full_w=(100, 100), method=""),
    ]
    metric = scalar(metrics_of(estimates=estimates), "energy_j_per_output_token")
    # half busy: 20 W and 60 W
    assert (metric.value, metric.low, metric.high) == (None, pytest.approx(0.2), pytest.approx(0.6))
    assert metric.per_repeat == []
    assert metric.note == "model (a, b), whole machine"


def test_nothing_to_meter_with_says_so() -> None:
    metric = scalar(metrics_of(), "energy_j_per_output_token")
    assert (metric.value, metric.low, metric.reason) == (None, None, "no meter and no model of this machine")


def test_cost() -> None:
    found = metrics_of(cost=CostFacts(price=PRICE))
    # 0.0001 USD a second: 1 USD for a million output tokens, 2 for a million of the 50 prompt tokens
    assert value(found, "usd_per_1m_output_tokens") == pytest.approx(1.0)
    assert value(found, "usd_per_1m_input_tokens") == pytest.approx(2.0)
    assert value(found, "usd_per_request") == pytest.approx(0.0001)
    assert value(found, "tokens_per_usd") == pytest.approx(1_000_000)


def test_another_currency_is_not_called_dollars() -> None:
    cost = CostFacts(price=PRICE.model_copy(update={"currency": "EUR"}))
    metric = scalar(metrics_of(cost=cost), "usd_per_1m_output_tokens")
    assert (metric.value, metric.reason) == (
        None,
        "the price is in EUR, and currencies are never converted; see the report",
    )


def test_any_currency_is_measured_in_its_own() -> None:
    found = metrics_of(cost=CostFacts(price=PRICE.model_copy(update={"currency": "EUR"})))
    # 0.0001 EUR a second for 100 tokens out, 50 in, one request
    expected = {
        "cost_per_1m_output_tokens": (1.0, "EUR/1M tokens"),
        "cost_per_1m_input_tokens": (2.0, "EUR/1M tokens"),
        "cost_per_1m_total_tokens": (0.0001 / 150 * 1e6, "EUR/1M tokens"),
        "cost_per_request": (0.0001, "EUR"),
        "output_tokens_per_currency": (1_000_000, "tokens/EUR"),
    }
    assert {name: (value(found, name), found[name].unit) for name in expected} == {
        name: (pytest.approx(number), unit) for name, (number, unit) in expected.items()
    }


def test_names_with_usd_say_the_same_of_a_price_in_usd() -> None:
    found = metrics_of(cost=CostFacts(price=PRICE))
    for old, new in (
        ("usd_per_1m_output_tokens", "cost_per_1m_output_tokens"),
        ("usd_per_1m_input_tokens", "cost_per_1m_input_tokens"),
        ("usd_per_request", "cost_per_request"),
        ("tokens_per_usd", "output_tokens_per_currency"),
    ):
        assert found[old] == found[new]


def test_a_price_per_million_of_all_tokens() -> None:
    # twelve machines of 2.31 USD an hour, 83,332.448 tokens/s each: 27.72 / 3600 / 999,989.376 × 10⁶ = 0.00770008
    assert per_million(12 * 2.31, 12 * 83_332.448) == pytest.approx(0.00770008, abs=5e-9)


def test_carbon() -> None:
    cost = CostFacts(grid=GRIDS, pue=1.2, embodied=EMBODIED)
    found = metrics_of(power_w=360, cost=cost)
    # 360 J are 0.1 Wh, × 1.2: 0.12 Wh, at 250 to 400 g/kWh 0.03 to 0.048 g; per million tokens 300 to 480 g
    operational = scalar(found, "gco2e_operational_per_1m_output_tokens")
    assert (operational.low, operational.high) == (pytest.approx(300), pytest.approx(480))
    # 1 mg for 100 tokens: 10 g per million
    assert value(found, "gco2e_embodied_per_1m_output_tokens") == pytest.approx(10)
    whole = scalar(found, "gco2e_per_1m_output_tokens")
    assert (whole.low, whole.high) == (pytest.approx(310), pytest.approx(490))
    assert whole.note == "boundary of energy: counter, CPU packages"


CARD = GpuFacts(index=0, source="nvml", name="A10G", power_limit_w=100.0)
ESTIMATE = PowerEstimate(name="a", idle_w=(20, 20), full_w=(40, 40), method="")


def test_carbon_of_a_host_with_a_card_is_that_of_the_whole_machine() -> None:
    cost = CostFacts(grid=GRIDS[:1], pue=1.0, embodied=EMBODIED)
    found = metrics_of(power_w=360, cost=cost, estimates=[ESTIMATE], gpus=[CARD])
    # tokens are of the board: 360 J for 100 of them
    assert value(found, "energy_j_per_output_token") == pytest.approx(3.6)
    # 360 J and 30 J of half busy processors, up to 0.890625 × 100 J of all else; 1 J at 250 g/kWh is 250/3.6e6 g
    operational = scalar(found, "gco2e_operational_per_1m_output_tokens")
    assert (operational.low, operational.high) == (
        pytest.approx(390 / 100 * 250 / 3.6),
        pytest.approx((390 + 89.0625) / 100 * 250 / 3.6),
    )
    assert scalar(found, "gco2e_per_1m_output_tokens").note == (
        "boundary of energy: model (GPU boards (counter), CPUs and memory, "
        "fans, switches, network and power supplies), whole machine"
    )
    # the same joules for each token, beside those of the board
    whole = scalar(found, "whole_machine_j_per_output_token")
    assert (whole.value, whole.low, whole.high) == (None, pytest.approx(3.9), pytest.approx(4.790625))
    assert (whole.note or "").endswith("whole machine")


def test_a_machine_that_is_metered_as_a_whole_has_no_second_number_for_it() -> None:
    modelled = scalar(metrics_of(estimates=[ESTIMATE]), "whole_machine_j_per_output_token")
    assert (modelled.low, modelled.value) == (None, None)
    assert "no other energy of the whole machine" in (modelled.reason or "")
    # beside counted processors it is a model: half busy, 30 W, but no less than what was counted
    assert value(metrics_of(power_w=20, estimates=[ESTIMATE]), "whole_machine_j_per_output_token") == pytest.approx(0.3)


def test_a_host_with_a_card_that_nobody_read_has_neither_energy_nor_carbon() -> None:
    found = metrics_of(cost=CostFacts(grid=GRIDS, embodied=EMBODIED), estimates=[ESTIMATE], gpus=[CARD])
    for name in ("energy_j_per_output_token", "mean_power_w", "gco2e_per_1m_output_tokens"):
        metric = scalar(found, name)
        assert (metric.value, metric.low) == (None, None)
        assert "this host has 1 GPU (A10G) whose energy was not read" in (metric.reason or "")


def test_an_incomplete_sci_is_none() -> None:
    found = metrics_of(power_w=360, cost=CostFacts(grid=GRIDS, embodied_reason="pass --embodied"))
    assert scalar(found, "gco2e_per_1m_output_tokens").reason == "pass --embodied"
    assert scalar(found, "gco2e_operational_per_1m_output_tokens").low is not None


def charged(input_per_1m: float, output_per_1m: float, cached_input_per_1m: float | None = None) -> CostFacts:
    prices = TokenPriceFacts(
        input_per_1m=input_per_1m,
        output_per_1m=output_per_1m,
        cached_input_per_1m=cached_input_per_1m,
        currency="USD",
        source=SOURCE,
    )
    return CostFacts(token_price=prices)


def test_an_endpoint_that_charges_by_the_token() -> None:
    # 50 tokens in at 2 and 100 out at 4 for a million: 100 + 400 millionths of a dollar for the only request.
    found = metrics_of(cost=charged(2.0, 4.0))
    assert value(found, "usd_per_request") == pytest.approx(500e-6)
    assert value(found, "usd_per_1m_output_tokens") == pytest.approx(5.0)
    assert value(found, "tokens_per_usd") == pytest.approx(200_000)


def test_cached_prompt_tokens_have_a_price_of_their_own() -> None:
    # 40 of 50 prompt tokens were cached: 10 at 2, 40 at 0.5, 100 out at 4: 20 + 20 + 400 millionths
    found = metrics_of(cost=charged(2.0, 4.0, 0.5), cached_tokens=40)
    assert value(found, "cost_per_request") == pytest.approx(440e-6)
    assert scalar(found, "cost_per_request").note is None


def test_without_a_price_of_their_own_the_full_one_is_said_to_be_assumed() -> None:
    found = metrics_of(cost=charged(2.0, 4.0), cached_tokens=40)
    assert value(found, "cost_per_request") == pytest.approx(500e-6)
    for name in ("cost_per_request", "usd_per_request", "cost_per_1m_output_tokens"):
        assert scalar(found, name).note == (
            "80% of the prompt tokens came from the server's cache, counted at full price: --price-cached-input"
        )


def test_where_a_server_does_not_tell_what_it_had_cached_the_full_price_is_said_to_be_assumed() -> None:
    found = metrics_of(cost=charged(2.0, 4.0, 0.5))
    assert value(found, "cost_per_request") == pytest.approx(500e-6)
    assert "does not tell what came from its cache" in (scalar(found, "cost_per_request").note or "")


def test_a_price_that_was_not_stated_is_said_to_count_for_nothing() -> None:
    # 100 tokens out at 4 for a million
    without_input = metrics_of(cost=charged(0.0, 4.0), cached_tokens=40)
    assert value(without_input, "cost_per_request") == pytest.approx(400e-6)
    assert scalar(without_input, "cost_per_request").note == "prompt tokens are counted as free: --price-input"
    without_output = scalar(metrics_of(cost=charged(2.0, 0.0)), "cost_per_request")
    assert without_output.note == "output tokens are counted as free: --price-output"


def test_what_is_free_of_charge_has_no_cost() -> None:
    found = metrics_of(cost=charged(0.0, 0.0))
    for name in ("usd_per_1m_output_tokens", "usd_per_1m_input_tokens", "usd_per_request", "tokens_per_usd"):
        assert "stated to cost nothing" in (scalar(found, name).reason or "")
