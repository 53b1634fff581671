from pathlib import Path

import pytest

from profiler.metrics.catalogue import METRICS, listed, markdown, placed
from profiler.metrics.registry import PerRequest, Pooled
from profiler.metrics.shown import NOWHERE, VALUE
from profiler.results.tokens import INPUT, OUTPUT
from profiler.summaries.summarize import QUANTILES

UNIT_OF_SUFFIX = {
    "_ms": "ms",
    "_us": "us",
    "_tokens_per_s": "tokens/s",
    "_bytes": "bytes",
    "_ratio": "ratio",
    "_cores": "cores",
    "_rps": "requests/s",
    "requests_per_s": "requests/s",
    "_load_s": "s",
    "tokens_per_read": "tokens",
    "tokens_per_request": "tokens",
    "_mhz": "MHz",
    "temperature_c": "°C",
    "_processes": "processes",
    "_events": "events",
    "is_emulated_host": "yes/no",
    "is_performance_governor": "yes/no",
    "power_w": "W",
    "j_per_output_token": "J/token",
    "j_per_input_token": "J/token",
    "j_per_request": "J/request",
    "j_per_correct_answer": "J/correct answer",
    "answer_tokens": "tokens",
    "tokens_per_usd": "tokens/USD",
    "rounds_per_slot": "rounds",
    "tokens_per_currency": "tokens/currency",
    "tokens_per_j": "tokens/J",
}
UNIT_OF_PREFIX = {
    "usd_per_1m": "USD/1M tokens",
    "usd_per_request": "USD",
    "cost_per_1m": "currency/1M tokens",  # of a value with that of its price: EUR/1M tokens
    "cost_per_request": "currency",
    "gco2e_": "gCO2e/1M tokens",
    "cost_per_correct_answer": "currency",
    "usd_per_correct_answer": "USD",
    "gco2e_per_1k_correct_answers": "gCO2e/1k correct answers",
    "quality_": "points",
}


def test_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert page.read_text("utf-8") == markdown(), "run: aforo metrics --markdown > docs/metrics.md"


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_says_its_unit_in_its_name_and_its_formula(name: str) -> None:
    spec = METRICS[name]
    units = [unit for suffix, unit in UNIT_OF_SUFFIX.items() if name.endswith(suffix)]
    units += [unit for prefix, unit in UNIT_OF_PREFIX.items() if name.startswith(prefix)]
    # The id is older than the unit: it counts segments, several of which may belong to one request.
    units += ["segments/request"] if name == "tcp_retransmission_ratio" else []
    assert spec.unit in units
    assert spec.formula


@pytest.mark.parametrize("name", list(METRICS))
def test_every_energy_and_every_cost_says_what_it_rests_on(name: str) -> None:
    spec = METRICS[name]
    assert bool(spec.rests_on) == (spec.group in {"energy", "cost"})
    assert ("energy" in spec.rests_on) == (
        spec.group == "energy" or (name.startswith("gco2e") and "embodied" not in name)
    )


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_has_a_label_of_its_own(name: str) -> None:
    spec = METRICS[name]
    assert [other.id for other in METRICS.values() if other.label == spec.label] == [name]
    assert len(spec.label.split()) > 1
    assert spec.label[0].isupper()
    assert len(spec.short_label) <= len(spec.label)


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_says_what_it_is_computed_over(name: str) -> None:
    over = METRICS[name].population
    assert all((over.window, over.repeats, over.failed))


def test_every_metric_that_replaces_another_is_there() -> None:
    replaced = [spec for spec in METRICS.values() if spec.instead is not None]
    assert {METRICS[spec.instead or ""].rests_on == spec.rests_on for spec in replaced} == {True}


@pytest.mark.parametrize("name", [name for name, spec in METRICS.items() if spec.shown is not NOWHERE])
def test_what_a_table_shows_of_a_metric_is_one_of_its_numbers(name: str) -> None:
    spec = METRICS[name]
    wanted = {*spec.shown.statistics, *filter(None, [spec.shown.brief])}
    assert wanted <= ({VALUE, *QUANTILES} if isinstance(spec, PerRequest | Pooled) else {VALUE})
    assert not spec.shown.compared or spec.better != "neither"


def test_no_two_metrics_claim_one_place() -> None:
    for tokens in (OUTPUT, INPUT):
        places = [spec.shown.order for spec in placed(lambda shown: shown is not NOWHERE, tokens)]
        assert len(places) == len(set(places))


def test_a_list_names_quantiles() -> None:
    assert listed()["ttft_ms.p50"] == ("ttft_ms", "p50")
    assert listed()["output_tokens_per_s"] == ("output_tokens_per_s", None)
