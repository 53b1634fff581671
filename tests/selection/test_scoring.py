"""A score from run folders: constraints, operating points, products, chances, and what is refused by name."""

from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest
from support.loads import price, sweeps
from support.rented_runs import rented_runs

from profiler.errors import UsageError
from profiler.reports.score.said import Said
from profiler.results.run_set import StoredRun, read_runs
from profiler.results.summary import EnergyAccount
from profiler.selection.caveats import caveats
from profiler.selection.facts_file import StatedFacts
from profiler.selection.profile import Profile
from profiler.selection.scoring import Options, Scoring, score

DRAWS = Options(draws=2_000)
COST = {"metric": "cost_per_1m_output_tokens", "weight": 60, "baseline": 10.0, "why": "money"}
PACE = {"metric": "tpot_ms.p50", "weight": 40, "baseline": 50.0, "why": "pace"}
ENERGY = {"metric": "energy_j_per_output_token", "weight": 40, "baseline": 2.0, "why": "energy"}


def profile(*criteria: dict[str, Any], constraints: list[dict[str, Any]] | None = None, **more: Any) -> Profile:
    return Profile.model_validate(
        {
            "id": "a", "version": 1, "title": "A", "description": "B",
            "criteria": list(criteria or (COST, PACE)), "constraints": constraints or [], **more,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[StoredRun]:
    """Three runs each of c7g.4xlarge (0.58 USD/h) at 20 tokens/s and of c7i.4xlarge (0.714 USD/h) at 26 tokens/s."""
    parent = tmp_path_factory.mktemp("rented")
    rented_runs(parent / "g", "c7g.4xlarge", 20.0, drift_ratio=0.01)
    rented_runs(parent / "i", "c7i.4xlarge", 26.0, drift_ratio=0.01)
    return read_runs([parent])[0]


def account(meter_class: str) -> EnergyAccount:
    return EnergyAccount.model_validate(
        {
            "meter_class": meter_class, "scope": "CPU packages", "gross_j": [100, 100], "idle_j": None, "net_j": None,
            "coverage_ratio": 1, "provenance": "a test", "parts": {},
        }
    )  # fmt: skip


def hosts(scoring: Scoring) -> list[str]:
    return [one.contender.candidate.host for one in scoring.ranked]


def of_host(scoring: Scoring, host: str) -> Any:
    return next(one for one in scoring.ranked if one.contender.candidate.host == host)


def test_the_score_is_the_weighted_product_over_the_baseline(runs: list[StoredRun]) -> None:
    found = score(profile(), runs, DRAWS)
    assert hosts(found) == ["c7i.4xlarge", "c7g.4xlarge"]
    for one in found.ranked:
        cost, pace = (number.value for number in one.numbers)
        assert one.score[1] == pytest.approx((10 / cost) ** 0.6 * (50 / pace) ** 0.4)
    # cost from the price and the rate: 0.714 USD/h / (26 × 3600) × 10⁶ = 7.63
    assert of_host(found, "c7i.4xlarge").numbers[0].value == pytest.approx(0.714 / 26 / 3600 * 1e6, rel=0.01)


def test_chances_add_up_and_who_is_better_in_all_is_first_for_sure(runs: list[StoredRun]) -> None:
    found = score(profile(), runs, DRAWS)
    for way in ("own", "nearby", "order", "any"):
        assert sum(one.odds[way].first[0] for one in found.ranked) == pytest.approx(1.0)  # type: ignore[index]
    # 4 % cheaper and 30 % faster, and 1 % from run to run: first in nearly every draw
    assert found.ranked[0].odds["own"].first[0] > 0.98
    assert [one.front for one in found.ranked] == ["front", "perhaps"] or found.ranked[1].front == "beaten"
    assert found.flip is None


def test_the_same_runs_in_another_order_give_the_same_score(runs: list[StoredRun]) -> None:
    one, other = score(profile(), runs, DRAWS), score(profile(), runs[::-1], DRAWS)
    assert hosts(one) == hosts(other)
    assert [each.odds for each in one.ranked] == [each.odds for each in other.ranked]


def test_another_candidate_changes_neither_scores_nor_chances_between_the_rest(
    runs: list[StoredRun], tmp_path: Path
) -> None:
    rented_runs(tmp_path, "c7g.4xlarge", 8.0)
    third = copied(read_runs([tmp_path])[0], "third", threads=4)
    without, with_it = score(profile(), runs, DRAWS), score(profile(), [*runs, *third], DRAWS)
    assert len(with_it.ranked) == 3
    kept = [one for one in with_it.ranked if one.contender.key in {each.contender.key for each in without.ranked}]
    assert [one.contender.key for one in kept] == [one.contender.key for one in without.ranked]
    assert [one.score for one in kept] == [one.score for one in without.ranked]
    places = [index for index, one in enumerate(with_it.ranked) if one in kept]
    assert with_it.winning[places[0]][places[1]] == without.winning[0][1]


def test_a_baseline_run_scores_1_and_changes_no_rank(runs: list[StoredRun]) -> None:
    base = next(run.name for run in runs if "c7g" in run.name)
    found = score(profile(), runs, replace(DRAWS, baseline=base))
    assert of_host(found, "c7g.4xlarge").score[1] == pytest.approx(1.0)
    assert hosts(found) == hosts(score(profile(), runs, DRAWS))


def test_who_fails_a_constraint_is_out_with_the_reason_and_by_how_much(runs: list[StoredRun]) -> None:
    # tokens take 50 ms on c7g, 38 ms on c7i
    limits = [{"metric": "tpot_ms.p95", "at_most": 45, "why": "pace"}]
    found = score(profile(constraints=limits), runs, DRAWS)
    assert hosts(found) == ["c7i.4xlarge"]
    (out,) = found.left_out
    (answer,) = out.contender.against
    assert answer.standing == "fails"
    assert answer.miss_ratio == pytest.approx((50.1 - 45) / 45, abs=0.02)


def test_a_profile_that_nothing_meets_names_the_nearest_miss(runs: list[StoredRun]) -> None:
    limits = [{"metric": "tpot_ms.p95", "at_most": 30, "why": "pace"}]
    found = score(profile(constraints=limits), runs, DRAWS)
    assert not found.ranked
    assert found.nearest_miss is not None
    assert found.nearest_miss.candidate.host == "c7i.4xlarge"
    assert found.nearest_miss.miss[1] == pytest.approx((38.6 - 30) / 30, abs=0.03)


def test_a_fact_that_nobody_states_cannot_be_told_until_it_is(runs: list[StoredRun]) -> None:
    facts = [{"fact": "licence_class", "wanted": ["permissive"], "why": "it is sold"}]
    unknown = score(profile(constraints=facts), runs, DRAWS)
    assert [one.contender.standing for one in unknown.left_out] == ["cannot be told"] * 2
    stated = replace(DRAWS, facts=[StatedFacts(model="*", licence="apache-2.0")])
    assert len(score(profile(constraints=facts), runs, stated).ranked) == 2
    other = replace(DRAWS, facts=[StatedFacts(model="*", licence="cc-by-nc-4.0")])
    assert [one.contender.standing for one in score(profile(constraints=facts), runs, other).left_out] == ["fails"] * 2


def test_a_class_of_energy_may_be_asked_for(runs: list[StoredRun]) -> None:
    asked = [{"fact": "energy_class", "wanted": ["counter"], "why": "a model is none"}]
    (out, _) = score(profile(constraints=asked), runs, DRAWS).left_out
    assert out.contender.against[0].reason == "it is model"


def test_energy_by_a_model_is_a_range_of_chances_and_says_so(runs: list[StoredRun]) -> None:
    found = score(profile(ENERGY), runs, DRAWS)
    low, high = found.ranked[0].odds["own"].first
    assert low < 0.1
    assert high > 0.9
    assert any(
        "known only as an interval" in sentence and "No end is likelier" in sentence for sentence in caveats(found)
    )
    assert all(quantity.own_sd == 0 for one in found.ranked for quantity in one.alternative.quantities)


def test_cost_and_latency_take_the_same_speed(runs: list[StoredRun]) -> None:
    one = score(profile(), runs, DRAWS).ranked[0].alternative
    cost, pace = one.quantities
    # runs 1 % apart: standard deviation 1 % / √3 of the mean of three, with 2 degrees of freedom
    assert cost.speed_sd == pytest.approx(log(1.01) / 3**0.5, rel=0.05)
    assert pace.speed_sd == pytest.approx(cost.speed_sd, rel=0.05)
    assert (cost.own_sd, pace.own_sd, one.speed_freedom) == (0, 0, 2)


def test_a_single_run_of_each_is_labelled(runs: list[StoredRun]) -> None:
    single = [next(run for run in runs if host in run.name) for host in ("c7g", "c7i")]
    found = score(profile(), single, DRAWS)
    assert sorted(found.of_single_runs) == ["c1", "c2"]
    assert any("How much one run differs from the next" in each for each in caveats(found))
    assert "leads" in Said(found).lead
    assert "by the noise within runs alone" in Said(found).lead
    stated = score(profile(), single, replace(DRAWS, drift_ratio=0.02))
    assert not any("How much one run differs" in each for each in caveats(stated))
    assert stated.ranked[0].alternative.quantities[0].speed_sd == pytest.approx(0.02, rel=0.2)


def test_a_single_criterion_has_no_other_weights(runs: list[StoredRun]) -> None:
    found = score(profile(COST), runs, DRAWS)
    assert list(found.ranked[0].odds) == ["own"]


def copied(runs: list[StoredRun], name: str, threads: int) -> list[StoredRun]:
    """The same runs as if measured with other threads."""
    found = []
    for run in runs:
        manifest = run.manifest.model_copy(update={"run_id": f"{name}-{run.name}"}, deep=True)
        manifest.engine.threads = threads
        found.append(replace(run, manifest=manifest))
    return found


def test_criteria_that_tell_candidates_apart_alike_are_named(runs: list[StoredRun], tmp_path: Path) -> None:
    rented_runs(tmp_path, "c7g.4xlarge", 15.0, drift_ratio=0.01)
    slow = copied(read_runs([tmp_path])[0], "slow", threads=4)
    same_price = [run for run in runs if "c7g" in run.name]
    found = score(profile(), [*same_price, *slow, *copied(same_price, "third", threads=2)], DRAWS)
    assert len(found.ranked) == 3
    assert any("in the same proportions" in sentence for sentence in caveats(found))


def changed(runs: list[StoredRun], **updates: Any) -> list[StoredRun]:
    """The runs, the last of them with another manifest."""
    last = runs[-1]
    return [*runs[:-1], replace(last, manifest=last.manifest.model_copy(update=updates))]


def test_runs_of_different_workloads_are_refused_by_name(runs: list[StoredRun]) -> None:
    other = runs[-1].manifest.workload.model_copy(update={"output_tokens": 7})
    with pytest.raises(UsageError, match=r"do not measure the same thing(.|\n)*output_tokens"):
        score(profile(), changed(runs, workload=other), DRAWS)


def test_models_and_loads_may_differ(runs: list[StoredRun]) -> None:
    other = runs[-1].manifest.model.model_copy(update={"quantisation": "Q4_0", "sha256": "f" * 64})
    found = score(profile(), changed(runs, model=other), DRAWS)
    assert len(found.ranked) == 3
    assert any("nothing in this profile is about how well they answer" in each for each in caveats(found))


def test_mixed_currencies_are_refused_by_name(runs: list[StoredRun]) -> None:
    last = runs[-1]
    metrics = dict(last.summary.metrics)
    metrics["cost_per_1m_output_tokens"] = metrics["cost_per_1m_output_tokens"].model_copy(
        update={"unit": "EUR/1M tokens"}
    )
    mixed = [*runs[:-1], replace(last, summary=last.summary.model_copy(update={"metrics": metrics}))]
    with pytest.raises(UsageError, match=r"several units.*EUR/1M tokens.*USD/1M tokens"):
        score(profile(), mixed, DRAWS)


def test_a_missing_baseline_is_refused_by_name(runs: list[StoredRun]) -> None:
    without = {key: value for key, value in PACE.items() if key != "baseline"}
    with pytest.raises(UsageError, match=r"tpot_ms.p50 has no baseline.*--baseline RUN"):
        score(profile(COST, without), runs, DRAWS)
    assert score(profile(COST, without), runs, replace(DRAWS, baseline="c1")).ranked
    with pytest.raises(UsageError, match=r"--baseline nobody: none of the scored runs"):
        score(profile(), runs, replace(DRAWS, baseline="nobody"))


def test_prices_of_different_kinds_are_refused_unless_allowed(runs: list[StoredRun]) -> None:
    cost = runs[-1].manifest.cost.model_copy(deep=True)
    assert cost.price is not None
    cost.price.kind = "spot"
    with pytest.raises(UsageError, match=r"may not be compared.*--allow-mismatch price-kind"):
        score(profile(), changed(runs, cost=cost), DRAWS)
    assert score(profile(), changed(runs, cost=cost), replace(DRAWS, allowed=("price-kind",))).ranked


def test_a_number_without_an_interval_is_left_out_by_name(runs: list[StoredRun]) -> None:
    bare = []
    for run in runs:
        metrics = dict(run.summary.metrics)
        metrics["peak_rss_bytes"] = metrics["peak_rss_bytes"].model_copy(update={"value": None, "reason": "no samples"})
        bare.append(replace(run, summary=run.summary.model_copy(update={"metrics": metrics})))
    memory = {"metric": "peak_rss_bytes", "weight": 1, "baseline": 1e9, "why": "memory"}
    found = score(profile(memory), bare, DRAWS)
    assert not found.ranked
    assert all("peak_rss_bytes: " in one.reasons[0] for one in found.left_out)


def test_a_candidate_without_a_price_is_left_out_and_is_no_other_currency() -> None:
    runs = [*sweeps("a", {8: (100.0, 400.0)}, cost=price(1)), *sweeps("b", {8: (100.0, 400.0)})]
    found = score(profile(COST), runs, DRAWS)
    assert hosts(found) == ["a"]
    (out,) = found.left_out
    assert out.reasons[0].startswith("cost_per_1m_output_tokens: ")
    runs += sweeps("c", {8: (100.0, 400.0)}, cost=price(1, "EUR"))
    with pytest.raises(UsageError, match="currencies are never converted"):
        score(profile(COST), runs, DRAWS)


def test_a_candidate_whose_every_load_is_invalid_is_left_out(runs: list[StoredRun]) -> None:
    bad = []
    for run in runs:
        verdict = run.summary.verdict
        assert verdict is not None
        level = "INVALID" if "c7g" in run.name else verdict.level
        summary = run.summary.model_copy(update={"verdict": verdict.model_copy(update={"level": level})})
        bad.append(replace(run, summary=summary))
    found = score(profile(), bad, DRAWS)
    assert hosts(found) == ["c7i.4xlarge"]
    assert Said(found).reasons(found.left_out[0]) == ["no load of it is to be believed"]
    forced = score(profile(), bad, replace(DRAWS, allow_invalid=True))
    assert len(forced.ranked) == 2
    assert Said(forced).lead.startswith("With INVALID runs (--force): ")


def test_a_load_that_is_invalid_is_marked_although_its_run_is_not() -> None:
    runs = [
        *sweeps("a", {8: (100.0, 400.0)}, cost=price(1), invalid=[8]),
        *sweeps("b", {8: (90.0, 400.0)}, cost=price(1)),
    ]
    assert all(run.summary.verdict is not None and run.summary.verdict.level == "VALID" for run in runs)
    told = Said(score(profile(COST), runs, replace(DRAWS, allow_invalid=True)))
    assert told.lead.startswith("With INVALID runs (--force): c1 · a")
    assert [told.mark(one.contender) for one in told.scoring.ranked] == ["c1 (INVALID)", "c2"]
    assert not Said(score(profile(COST), runs, DRAWS)).is_forced


def test_the_class_of_energy_is_that_of_the_operating_point() -> None:
    asked = [{"fact": "energy_class", "wanted": ["counter"], "why": "a model is none"}]
    runs = sweeps("a", {1: (50.0, 100.0), 8: (100.0, 400.0)}, cost=price(1))
    for run in runs:
        for load, how in zip(run.summary.points, ("counter", "model"), strict=True):
            load.energy.append(account(how))
    found = score(profile(COST, constraints=asked), runs, DRAWS)
    assert [answer.reason for answer in found.left_out[0].contender.of_facts] == ["it is model"]


def test_of_two_that_are_level_none_probably_wins() -> None:
    runs = [*sweeps("a", {8: (100.0, 400.0)}, cost=price(1)), *sweeps("b", {8: (100.0, 400.0)}, cost=price(1))]
    said = Said(score(profile(COST), runs, DRAWS))
    assert said.lead.startswith("It cannot be told which candidate wins. c1 · a, at 8 in flight, has the highest score")
