"""The whole answer: who wins, how surely, why others are out, and everything that may be wrong with the runs."""

from collections.abc import Sequence
from typing import Any

import pytest
from support.loads import price, sweeps, swept

from profiler.errors import UsageError
from profiler.results.run_set import StoredRun
from profiler.selection.cheapest import Cheapest, Question, find_cheapest
from profiler.selection.fact_constraints import fact_constraint
from profiler.selection.targets import target
from profiler.verdict.contrast import Rules

FAST = {1: (100.0, 100.0), 8: (500.0, 400.0), 16: (520.0, 900.0)}
SLOW = {1: (60.0, 150.0), 8: (380.0, 430.0)}
LATE = {1: (900.0, 700.0)}
TTFT = target("ttft_ms.p95=500", "at most")


def asked(runs: Sequence[StoredRun], **more: Any) -> Cheapest:
    return find_cheapest(runs, Question((TTFT,), **more))


def three(fast: Any = None, slow: Any = None) -> list[StoredRun]:
    return [*sweeps("slow", SLOW, cost=slow or price(1)), *sweeps("fast", FAST, cost=fast or price(1))]


def test_the_cheapest_comes_first_and_is_certain() -> None:
    found = asked([*three(), *sweeps("late", LATE, cost=price(1))])
    assert [one.candidate.host for one in found.considered] == ["fast", "slow", "late"]
    assert found.leader is found.considered[0]
    assert found.is_certain
    assert found.leader.at is not None
    assert found.leader.at.load.name == "c8"
    (why,) = found.considered[2].obstacles
    assert (why.standing, why.constraint) == ("fails", "TTFT p95 at most 500 ms")
    assert why.miss_ratio == pytest.approx(0.4, abs=0.01)


def test_one_more_candidate_that_meets_nothing_changes_nothing() -> None:
    alone, beside = asked(three()), asked([*three(), *sweeps("late", LATE, cost=price(1))])
    assert alone.certainty == pytest.approx(beside.certainty, abs=1e-3)


def test_a_dearer_hour_may_be_the_cheaper_token() -> None:
    found = asked(three(fast=price(1.3)))  # 1.3 / 500 < 1 / 380
    assert found.leader is not None
    assert found.leader.candidate.host == "fast"
    found = asked(three(fast=price(1.4)))  # 1.4 / 500 > 1 / 380
    assert found.leader is not None
    assert found.leader.candidate.host == "slow"


def test_currencies_that_are_mixed_have_no_cheapest() -> None:
    found = asked(three(fast=price(1, "EUR")))
    assert (found.leader, found.certainty) == (None, None)
    assert len(found.eligible) == 2
    assert any(note.startswith("Prices are in EUR and USD") for note in found.notes)


def test_spot_and_on_demand_are_set_apart_unless_that_is_allowed() -> None:
    runs = three(fast=price(1, kind="spot"))
    assert asked(runs).certainty is None
    assert "price" in asked(runs).rivals[0].reason.lower()
    assert asked(runs, rules=Rules(allowed=["price-kind"])).is_certain


def test_without_prices_nothing_is_cheapest_and_the_load_of_the_highest_rate_is_taken() -> None:
    found = asked([*sweeps("fast", FAST), *sweeps("slow", SLOW)])
    assert found.leader is None
    assert [one.at.load.name for one in found.considered if one.at] == ["c8", "c8"]
    assert any(note.startswith("Without a price: fast, slow") for note in found.notes)


def test_other_workloads_are_refused_by_name() -> None:
    other = swept("other", SLOW, cost=price(1), workload={"output_tokens": 99})
    with pytest.raises(UsageError, match=r"workload.output_tokens: 3 .*; 99"):
        asked([*three(), other])


def test_another_load_another_slo_and_another_model_are_no_other_workload() -> None:
    other = {"name": "other", "sha256": "1", "parameters": 7, "is_synthetic": False}
    runs = [
        *sweeps("a", FAST, cost=price(1)),
        *sweeps("b", {4: (50.0, 90.0)}, cost=price(1), workload={"slo": {"ttft_ms": 3.0}}),
        *sweeps("c", SLOW, cost=price(1), model=other),
    ]
    found = asked(runs)
    assert len(found.considered) == 3
    assert any("different models" in note for note in found.notes)


def test_loads_that_are_invalid_are_named_and_not_taken() -> None:
    found = asked([*sweeps("slow", SLOW, cost=price(1)), *sweeps("fast", FAST, cost=price(1), invalid=[8])])
    fast = next(one for one in found.considered if one.candidate.host == "fast")
    assert fast.at is not None
    assert fast.at.load.name == "c1"
    assert any(note.startswith("fast: 8 in flight is left out") for note in found.notes)


def test_runs_that_are_invalid_at_a_load_are_counted_where_others_are_not() -> None:
    bad = swept("fast", FAST, cost=price(1), number=1, invalid=[8])
    found = asked([bad, *sweeps("fast", FAST, cost=price(1))[1:], *sweeps("slow", SLOW, cost=price(1))])
    assert any(note.startswith("fast: 1 of 3 runs at 8 in flight are left out") for note in found.notes)


def test_the_nearest_miss_is_the_least_miss_whatever_another_costs() -> None:
    # one fails by its licence and costs little; one misses the target twofold; one by a twentieth
    runs = [
        *sweeps("closed", SLOW, cost=price(0.001), model={"name": "a", "licence": "cc-by-nc-4.0"}),
        *sweeps("far", {8: (100.0, 1000.0)}, cost=price(9), model={"name": "b", "licence": "mit"}),
        *sweeps("near", {8: (100.0, 525.0)}, cost=price(90), model={"name": "b", "licence": "mit"}),
    ]
    found = asked(runs, constraints=(fact_constraint("licence_class", ["permissive"]),))
    assert [one.candidate.host for one in found.considered] == ["near", "far", "closed"]
    assert [one.operating.miss_ratio for one in found.considered] == pytest.approx([0.05, 1.0, 0.0], abs=1e-3)


def test_a_fact_that_fails_rules_out_and_one_that_is_unknown_cannot_be_told() -> None:
    permissive = fact_constraint("licence_class", ["permissive"])
    runs = [
        *sweeps("open", SLOW, cost=price(1), model={"name": "a", "licence": "mit"}),
        *sweeps("closed", FAST, cost=price(1), model={"name": "b", "licence": "cc-by-nc-4.0"}),
        *sweeps("silent", FAST, cost=price(1), model={"name": "c"}),
    ]
    found = asked(runs, constraints=(permissive,))
    answers = {one.candidate.label.split(",")[0]: one.standing for one in found.considered}
    assert answers == {"open": "meets", "silent": "cannot be told", "closed": "fails"}
    assert found.leader is not None
    assert found.leader.candidate.host == "open"
    assert found.rivals == ()  # neither is one: of a fact that is not known there is no probability


def test_where_nothing_meets_the_nearest_miss_comes_first() -> None:
    runs = [*sweeps("near", {1: (1.0, 600.0)}, cost=price(1)), *sweeps("far", {1: (1.0, 900.0)}, cost=price(1))]
    found = asked(runs[::-1])
    assert found.leader is None
    assert [one.candidate.host for one in found.considered] == ["near", "far"]


def test_candidates_on_one_host_are_told_apart_by_what_differs() -> None:
    spot = sweeps("a", FAST, cost=price(0.3, kind="spot"))
    for number, run in enumerate(spot):
        run.manifest.run_id = f"spot-{number}"
        run.summary.run_id = f"spot-{number}"
    found = asked([*sweeps("a", FAST, cost=price(1)), *spot, *sweeps("b", SLOW, cost=price(1))])
    assert {one.candidate.label for one in found.considered} == {
        "a, price 1 USD/h, on-demand",
        "a, price 0.3 USD/h, spot",
        "b",
    }
