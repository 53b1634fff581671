"""Runs against a baseline: what is better, what is undecided, and what cannot be decided."""

import json
from math import exp, sqrt

import pytest

from profiler.reports.compare.comparison import compare
from profiler.reports.compare.data import as_json
from profiler.reports.compare.differences import Difference
from profiler.stats.estimates import Estimate


def difference(comparison, column, index=1):
    return comparison.differences.rows[index][column]


def test_a_clear_change_is_better_or_worse_by_the_direction_of_the_metric(some_runs, parts):
    slow = some_runs(1, 99.0, 100.0, 101.0, cost=parts.price(1.0))
    fast = some_runs(2, 199.0, 200.0, 201.0, cost=parts.price(1.0))
    comparison = compare([*slow, *fast])
    rate, cost = (
        difference(comparison, "output_tokens_per_s", 3),
        difference(comparison, "price_per_1m_output_tokens", 3),
    )
    assert (rate.outcome, rate.ratio.value) == ("better", pytest.approx(2.0, rel=1e-4))
    assert (cost.outcome, cost.ratio.value) == ("better", pytest.approx(0.5, rel=1e-4))
    assert difference(compare([*fast, *slow]), "output_tokens_per_s", 3).outcome == "worse"
    assert "r4–r6 · host-2 is better in Output rate (+100" in comparison.conclusion


def test_of_one_run_each_there_is_a_ratio_and_no_verdict(a_run):
    """However sure each run is of itself: 100 ± 0.02 against 200 ± 0.02."""
    comparison = compare([a_run(1, (99.99, 100.0, 100.01)), a_run(2, (199.99, 200.0, 200.01))])
    found = difference(comparison, "output_tokens_per_s")
    assert (found.outcome, found.ratio, found.value) == ("one run each", None, pytest.approx(2))
    assert (found.text(), found.bounds()) == ("+100.0\N{NO-BREAK SPACE}%", "")
    assert "cannot be told from one run each" in comparison.conclusion
    assert "run of one setting differ" in comparison.differences.note.replace("runs", "run")
    assert difference(
        compare([entry.run for entry in comparison.runs], drift_ratio=0.02), "output_tokens_per_s"
    ).outcome


def test_a_stated_drift_gives_one_run_each_an_interval(a_run):
    runs = [a_run(1, (99.99, 100.0, 100.01)), a_run(2, (109.99, 110.0, 110.01))]
    small, great = (difference(compare(runs, drift_ratio=d), "output_tokens_per_s") for d in (0.02, 0.05))
    # t(20) = 2.086 times √2 · 2 % is 5.9 %, of 5 % it is 14.8 %
    assert (small.outcome, great.outcome) == ("better", "undecided")


def test_of_a_side_that_is_a_single_run_it_is_not_said_that_it_does_not_differ(some_runs):
    comparison = compare([*some_runs(1, 100.0, 101.0), *some_runs(2, 150.0, 151.0), *some_runs(3, 50.0)])
    assert "r5 · host-3: whether it differs from r1, r2 cannot be told." in comparison.conclusion
    assert "no difference from" not in comparison.conclusion


def test_runs_of_one_setting_are_one_side(some_runs):
    comparison = compare([*some_runs(1, 100.0, 102.0), *some_runs(2, 90.0, 92.0), *some_runs(3, 80.0)])
    assert [side.name for side in comparison.differences.sides.others] == ["r3, r4", "r5"]
    assert difference(comparison, "output_tokens_per_s", 4).outcome == "one run each"


def test_a_side_of_many_runs_has_a_short_name(some_runs):
    mixed = [run for pair in zip(some_runs(1, *[100.0] * 20), some_runs(2, *[90.0] * 20), strict=True) for run in pair]
    (other,) = compare(mixed).differences.sides.others
    assert other.name == "r2, r4, r6, r8, r10, r12 and others, 20 runs in all"


def test_runs_without_a_number_are_said_to_have_none(a_run):
    def nothing(_, summary):
        summary.metrics.clear()

    assert "Nothing was measured" in compare([a_run(n, change=nothing) for n in (1, 2)]).conclusion


def test_repeats_of_one_setting_show_how_much_they_differ_and_nothing_else(some_runs):
    comparison = compare(some_runs(1, 100.0, 110.0, 120.0))
    assert [row["output_tokens_per_s"].outcome for row in comparison.differences.rows.values()] == ["one run each"] * 2
    assert "of one host and setting" in comparison.conclusion
    # logarithms of 100, 110 and 120 deviate by 9.1 %
    assert "Their output rate differs by 9.1 % from run to run (standard deviation of 3 runs)" in comparison.conclusion
    (variation,) = json.loads(as_json([comparison]))["variation_between_runs"]
    assert variation["deviation_ratio"]["output_tokens_per_s"] == pytest.approx(0.0912, abs=1e-4)
    assert "aforo gate BASE NEW" in comparison.conclusion


def test_an_interval_that_holds_no_change_is_undecided(some_runs):
    comparison = compare([*some_runs(1, 90.0, 100.0, 110.0), *some_runs(2, 95.0, 105.0, 115.0)])
    found = difference(comparison, "output_tokens_per_s", 3)
    assert (found.outcome, found.text()) == ("undecided", "+5\N{NO-BREAK SPACE}%")


def test_more_settings_widen_every_interval(some_runs):
    sides = [some_runs(number, 90.0 + number, 100.0, 110.0) for number in range(6)]
    two, six = compare([*sides[0], *sides[1]]), compare([run for side in sides for run in side])
    assert two.differences.confidences["output_tokens_per_s"] == pytest.approx(0.95)
    # 5 differences: each at 1 − 0.05/5
    assert six.differences.confidences["output_tokens_per_s"] == pytest.approx(0.99)
    narrow, wide = (difference(found, "output_tokens_per_s", 3).ratio for found in (two, six))
    assert wide.low < narrow.low
    assert wide.high > narrow.high
    assert "The 5 intervals of a column hold together at 95\N{NO-BREAK SPACE}%" in six.differences.note


def test_energy_is_decided_only_within_a_class_and_scope(six):
    rows = compare([entry.run for entry in six().runs], baseline="r4", drift_ratio=0.01).differences.rows
    outcomes = {index: row["energy_j_per_output_token"].outcome for index, row in rows.items()}
    # r5 is a counter of GPU boards as r4 is, and uses 0.7 against 0.5 J; the others are of another class
    assert outcomes == {0: "undecidable", 1: "undecidable", 2: "undecidable", 4: "worse", 5: "undecidable"}


def test_intervals_of_a_model_that_overlap_are_undecidable_and_apart_they_are_not(a_run, parts):
    base = a_run(1, used=parts.energy("model", 1.0, 3.0))
    over, apart = a_run(2, used=parts.energy("model", 2.0, 4.0)), a_run(3, used=parts.energy("model", 4.0, 5.0))
    comparison = compare([base, over, apart], drift_ratio=0.01)
    assert difference(comparison, "energy_j_per_output_token", 1).outcome == "undecidable"
    worse = difference(comparison, "energy_j_per_output_token", 2)
    assert worse.outcome == "worse"
    # between 4/3 (the least of one over the most of the other) and 5/1, and what two runs drift apart by: 2.086·√2·1 %
    drifted = exp(2.085963 * sqrt(2) * 0.01)
    assert worse.ratio.value is None
    assert (worse.ratio.low, worse.ratio.high) == (pytest.approx(4 / 3 / drifted), pytest.approx(5.0 * drifted))
    assert any(said.startswith("Inconclusive for r2 (Carbon") for said in comparison.differences.reasons)


def test_currencies_are_not_set_against_each_other(a_run, parts):
    comparison = compare([a_run(1, cost=parts.price(1.0)), a_run(2, cost=parts.price(1.0, "EUR"))])
    found = difference(comparison, "price_per_1m_output_tokens")
    # the sentence of the trap's owner, the same as in a claim and in a gate
    assert (found.outcome, found.ratio) == ("undecidable", None)
    assert found.reason.startswith("Prices are not of one kind: on-demand in EUR against on-demand in USD")
    assert found.reason in comparison.unfair


def test_an_end_beside_no_change_does_not_read_as_no_change():
    # −0.3 % would be "0 %" without a digit after the point, and the answer would look like a mistake
    found = Difference("better", Estimate(0.9, 0.82, 0.997))
    assert found.bounds() == "\N{MINUS SIGN}18.0 to \N{MINUS SIGN}0.3\N{NO-BREAK SPACE}%"
    assert Difference("undecided", Estimate(0.95, 0.9, 1.0)).bounds().endswith("to 0\N{NO-BREAK SPACE}%")


@pytest.mark.parametrize(
    ("ratio", "text", "bounds"),
    [
        # a value and its ends never read as no change, as all of it, or as outside of the interval
        (Estimate(0.001, 0.0001, 0.4), "−99.9", "−99.99 to −60.00"),
        (Estimate(0.99, 0.9, 1.0004), "−1.00", "−10.00 to +0.04"),
        (Estimate(1.0, 1.0, 1.0), "0.0", "0.0 to 0.0"),
    ],
)
def test_no_end_reads_as_what_it_is_not(ratio, text, bounds):
    found = Difference("undecided", ratio)
    assert found.bounds() == bounds.replace("−", "\N{MINUS SIGN}") + "\N{NO-BREAK SPACE}%"
    assert found.text().startswith(text.replace("−", "\N{MINUS SIGN}"))
