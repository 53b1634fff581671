"""What is compared at all, and what a comparison says of it."""

import pytest

from profiler.errors import UsageError
from profiler.reports.compare import page
from profiler.reports.compare.comparison import compare, compare_sets
from profiler.reports.compare.operating import priced
from profiler.results.host_facts import HostFacts


def test_one_run_is_no_comparison(a_run):
    with pytest.raises(UsageError, match="needs at least two runs, and one run is left"):
        compare([a_run(1)])


def test_a_mismatch_is_refused_unless_allowed_and_then_named(a_run):
    def other(manifest, _):
        manifest.model.quantisation = "Q4_0"

    runs = [a_run(1), a_run(2, change=other)]
    with pytest.raises(UsageError, match="--allow-mismatch quantisation"):
        compare(runs)
    comparison = compare(runs, allowed=["quantisation"])
    assert "quantisation: not known (r1); Q4_0 (r2)" in comparison.unfair[0]
    assert "repeats of one setting" not in page.render(comparison)


def test_repeats_of_one_setting_are_called_that(a_run):
    def same_host(manifest, _):
        manifest.host = HostFacts(name="here")

    assert "these are repeats of one setting" in page.render(compare([a_run(n, change=same_host) for n in (1, 2)]))


def test_what_no_run_has_is_named_with_the_reason(a_run):
    absent = {column.id: reason for column, reason in compare([a_run(1), a_run(2)]).absent}
    assert absent["price_per_1m_output_tokens"] == "pass --price"


def test_prices_of_different_regions_are_pointed_out(a_run, parts):
    here, there = parts.price(1.0), parts.price(1.2)
    here.price.region, there.price.region = "eu-central-1", "us-east-1"
    runs = [a_run(1, cost=here), a_run(2, cost=there)]
    assert any("different regions: eu-central-1, us-east-1" in said for said in compare(runs).unfair)


def test_every_load_of_a_sweep_is_a_point_and_invalid_loads_are_left_out(a_run, parts, swept):
    comparison = compare([a_run(1, cost=parts.price(0.36), change=swept), a_run(2, cost=parts.price(0.36))])
    assert [point.load for point in comparison.points] == ["1 in flight", "2 in flight", "1 in flight"]
    assert comparison.invalid_points == 1
    shown = priced(comparison.points, "USD", "ttft_ms", "p50")
    # 0.36 USD/h at 200 tokens/s: 0.5 USD per million, at the same latency as the two at 1.0
    assert [(round(one.cost.value, 3), one.standing) for one in shown] == [
        (1.0, "perhaps"),
        (0.5, "front"),
        (1.0, "perhaps"),
    ]


def test_the_first_sentence_says_what_is_best_and_how_surely(some_runs, a_run):
    slow, fast = some_runs(1, 99.0, 100.0, 101.0), some_runs(2, 199.0, 200.0, 201.0)
    lead = compare([*slow, *fast]).lead
    assert lead.startswith("Best output rate: r4\N{EN DASH}r6 · host-2, +100")
    assert "against r1\N{EN DASH}r3 (95 % confidence interval" in lead
    assert compare([*fast, *slow]).lead.startswith(
        "Best output rate: the baseline r1\N{EN DASH}r3; all others are worse"
    )
    alike = compare([*slow, *some_runs(3, 98.0, 100.5, 102.0)]).lead
    assert alike == "No output rate is better than that of the baseline r1\N{EN DASH}r3 at 95 % confidence."
    alone = compare([a_run(1), a_run(2)])
    assert alone.lead == alone.conclusion


def test_runs_are_grouped_by_what_they_measure_and_the_set_of_the_baseline_comes_first(a_run):
    def with_quantisation(run, _):
        run.model.quantisation = "Q4_0"

    other = [a_run(number, change=with_quantisation) for number in (3, 4)]
    runs = [a_run(1), *other, a_run(2), a_run(5)]
    first, second = compare_sets(runs)
    assert [entry.run.name for entry in first.runs] == ["run-1", "run-2", "run-5"]
    assert [entry.run.name for entry in second.runs] == ["run-3", "run-4"]
    assert (second.title, first.set_note != "") == ("2 runs side by side, set 2 of 2", True)
    own, _ = compare_sets(runs, baseline="run-4")
    assert own.differences.baseline.first.run.name == "run-4"
    (only,) = compare_sets([*runs[:2], runs[3]])
    assert [one.sentence for one in only.refused] == [
        "/runs/run-3 measures what no other run here does: it differs in quantisation."
    ]
