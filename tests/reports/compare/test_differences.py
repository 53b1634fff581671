"""Runs against a baseline: what is better, what is undecided, and what cannot be decided."""

import random

import pytest

from profiler.reports.compare.comparison import compare
from profiler.reports.compare.differences import Difference
from profiler.stats.estimates import Estimate


def difference(comparison, column, index=1):
    return comparison.differences.rows[index][column]


def test_a_clear_change_is_better_or_worse_by_the_direction_of_the_metric(a_run, parts):
    slow = a_run(1, (99.0, 100.0, 101.0), cost=parts.price(1.0))
    fast = a_run(2, (199.0, 200.0, 201.0), cost=parts.price(1.0))
    comparison = compare([slow, fast])
    rate, cost = difference(comparison, "output_tokens_per_s"), difference(comparison, "price_per_1m_output_tokens")
    assert (rate.outcome, rate.ratio.value) == ("better", pytest.approx(2.0))
    assert (cost.outcome, cost.ratio.value) == ("better", pytest.approx(0.5))
    assert difference(compare([fast, slow]), "output_tokens_per_s").outcome == "worse"


def test_an_interval_that_holds_no_change_is_undecided(a_run):
    comparison = compare([a_run(1, (90.0, 100.0, 110.0)), a_run(2, (95.0, 105.0, 115.0))])
    found = difference(comparison, "output_tokens_per_s")
    assert (found.outcome, found.text()) == ("undecided", "+5\N{NO-BREAK SPACE}%")


def test_more_runs_widen_every_interval(a_run):
    runs = [a_run(number, (90.0 + number, 100.0, 110.0)) for number in range(6)]
    two, six = compare(runs[:2]), compare(runs)
    assert two.differences.confidences["output_tokens_per_s"] == pytest.approx(0.95)
    # 5 differences: each at 1 − 0.05/5
    assert six.differences.confidences["output_tokens_per_s"] == pytest.approx(0.99)
    narrow, wide = (difference(found, "output_tokens_per_s").ratio for found in (two, six))
    assert wide.low < narrow.low
    assert wide.high > narrow.high
    assert "The 5 intervals of a column hold together at 95\N{NO-BREAK SPACE}%" in six.differences.note


def test_chance_alone_shows_a_change_in_few_families(a_run):
    """Eight equal runs against a baseline, 200 times: any 'better' or 'worse' in at most about 5 % of them."""
    chance = random.Random(3)  # noqa: S311 - made-up numbers
    wrong = 0
    for _ in range(200):
        runs = [a_run(number, tuple(chance.gauss(100, 3) for _ in range(5))) for number in range(9)]
        found = compare(runs).differences.rows.values()
        wrong += any(row["output_tokens_per_s"].outcome != "undecided" for row in found)
    assert wrong <= 20  # 5 % of 200 is 10; 20 or more has a probability of 0.3 %


def test_energy_is_decided_only_within_a_class_and_scope(six):
    rows = compare([entry.run for entry in six().runs], baseline="r4").differences.rows
    outcomes = {index: row["energy_j_per_output_token"].outcome for index, row in rows.items()}
    # r5 is a counter of GPU boards as r4 is, and uses 0.7 against 0.5 J; the others are of another class
    assert outcomes == {0: "undecidable", 1: "undecidable", 2: "undecidable", 4: "worse", 5: "undecidable"}


def test_intervals_of_a_model_that_overlap_are_undecidable_and_apart_they_are_not(a_run, parts):
    base = a_run(1, used=parts.energy("model", 1.0, 3.0))
    over, apart = a_run(2, used=parts.energy("model", 2.0, 4.0)), a_run(3, used=parts.energy("model", 4.0, 5.0))
    comparison = compare([base, over, apart])
    assert difference(comparison, "energy_j_per_output_token", 1).outcome == "undecidable"
    worse = difference(comparison, "energy_j_per_output_token", 2)
    assert worse.outcome == "worse"
    # between 4/3 (the least of one over the most of the other) and 5/1
    assert (worse.ratio.value, worse.ratio.low, worse.ratio.high) == (None, pytest.approx(4 / 3), pytest.approx(5.0))
    assert any(said.startswith("Undecidable for r2 (Carbon") for said in comparison.differences.reasons)


def test_currencies_are_not_set_against_each_other(a_run, parts):
    comparison = compare([a_run(1, cost=parts.price(1.0)), a_run(2, cost=parts.price(1.0, "EUR"))])
    found = difference(comparison, "price_per_1m_output_tokens")
    assert (found.outcome, found.ratio) == ("not compared", None)
    assert "never converted" in found.reason
    assert any("on-demand in EUR" in said and "on-demand in USD" in said for said in comparison.warnings)


def test_a_number_without_an_interval_decides_nothing(a_run):
    comparison = compare([a_run(1, (100.0,)), a_run(2, (300.0,))])
    found = difference(comparison, "output_tokens_per_s")
    assert (found.outcome, found.ratio) == ("undecided", None)
    assert "once" in found.reason


def test_an_end_beside_no_change_does_not_read_as_no_change():
    # −0.3 % would be "0 %" without a digit after the point, and the answer would look like a mistake
    found = Difference("better", Estimate(0.9, 0.82, 0.997))
    assert found.bounds() == "\N{MINUS SIGN}18.0 to \N{MINUS SIGN}0.3\N{NO-BREAK SPACE}%"
    assert Difference("undecided", Estimate(0.95, 0.9, 1.0)).bounds().endswith("to 0\N{NO-BREAK SPACE}%")
