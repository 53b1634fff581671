"""Money and energy of runs, with their kinds and intervals."""

import pytest

from profiler.reports.compare import readings
from profiler.summaries.estimates import estimate


def test_cost_is_that_of_the_summary_with_its_interval(a_run, parts):
    """The run page, a gate and a claim show 1.00 ± Student's over the repeats' costs; so does a comparison."""
    run = a_run(1, (90.0, 100.0, 110.0), cost=parts.price(0.36))
    cost = readings.cost(run.summary)
    own = estimate(run.summary, "cost_per_1m_output_tokens")
    # 0.36 USD/h / 3600 s/h / 100 tokens/s × 1e6 = 1.0
    assert cost.found.value == pytest.approx(1.0)
    assert (cost.found.low, cost.found.high) == (own.low, own.high)
    assert (cost.unit, cost.kind) == ("USD/1M tokens", "USD")


def test_tokens_for_money(a_run, parts):
    run = a_run(1, (100.0, 100.0), cost=parts.price(0.36, "EUR"))
    bought = readings.tokens_per_money(run.summary)
    assert (bought.found.value, bought.unit, bought.kind) == (pytest.approx(1e6), "tokens/EUR", "EUR")


def test_without_a_price_there_is_a_reason(a_run):
    run = a_run(1)
    assert readings.cost(run.summary).reason == "pass --price"


def test_tokens_per_joule_of_a_model_is_an_interval_too(a_run, parts):
    found = readings.tokens_per_joule(a_run(1, used=parts.energy("model", 1.0, 4.0)).summary)
    assert (found.found.value, found.found.low, found.found.high) == (None, 0.25, 1.0)
    assert (found.kind, found.text()) == ("model, whole machine", "0.25–1.00\N{NO-BREAK SPACE}tokens/J")


def test_carbon_of_a_host_with_cards_is_that_of_the_whole_machine(a_run, parts):
    def whole_machine_too(_, summary):
        summary.energy.append(parts.account("model"))

    run = a_run(1, used=parts.energy("counter", 1.0, scope="GPU boards"), change=whole_machine_too)
    kinds = [found(run.summary).kind for found in (readings.energy, readings.carbon)]
    assert kinds == ["counter, GPU boards", "model, whole machine"]


def test_no_more_digits_than_the_interval_carries(a_run):
    # Student's interval over 3 repeats of 100 ± 10: half-width 4.303 × 10 / √3 = 24.8
    found = readings.of_metric(a_run(1, (90.0, 100.0, 110.0)).summary, "output_tokens_per_s")
    assert found.found.high - found.found.low == pytest.approx(2 * 24.84, abs=0.01)
    # to the leading digit of the half-width, or one more where that is a 1 or a 2: 80–120 would be narrower than it is
    assert (found.number(), found.bounds()) == ("100", "75–125")


def test_a_number_measured_once_has_no_interval_and_says_so(a_run):
    found = readings.of_metric(a_run(1, (100.0,)).summary, "output_tokens_per_s")
    assert (found.found, found.value) == (None, 100.0)
    assert "once" in found.reason
