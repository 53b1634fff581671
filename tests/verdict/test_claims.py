"""c7g.4xlarge (0.58 USD/h) against c7i.4xlarge (0.714 USD/h), on runs whose speeds are chosen."""

from pathlib import Path

import pytest
from support.rented_runs import rented_run, wall_meter

from profiler.errors import UsageError
from profiler.results.several import StoredRun, read_runs
from profiler.run.wall import import_meter
from profiler.verdict.claim_file import Claim, load
from profiler.verdict.claims import Checked, check

COST, ENERGY = load("graviton3-cost"), load("graviton3-energy")


def runs(folder: Path) -> list[StoredRun]:
    found, refused = read_runs([folder])
    assert refused == []
    return found


def both(folder: Path, c7g: float = 20.0, c7i: float = 20.0, wobble_ratio: float = 0.004) -> list[StoredRun]:
    rented_run(folder, "c7g.4xlarge", c7g, wobble_ratio=wobble_ratio)
    rented_run(folder, "c7i.4xlarge", c7i, wobble_ratio=wobble_ratio)
    return runs(folder)


def changed(claim: Claim, **values: object) -> Claim:
    return Claim.model_validate({**claim.model_dump(), **values})


def test_at_equal_speed_the_prices_alone_refute_50_percent(tmp_path: Path) -> None:
    checked = check(COST, both(tmp_path))
    (pair,) = checked.pairs
    assert checked.answer == "refuted"
    assert pair.change is not None
    # 1 − 0.58 / 0.714
    assert pair.change.value == pytest.approx(0.1877, abs=0.0005)
    assert pair.change.low < 0.1877 < pair.change.high < 0.2
    assert checked.decides == ()


def test_prices_say_which_speed_the_claim_takes(tmp_path: Path) -> None:
    prices = check(COST, both(tmp_path)).pairs[0].prices
    assert prices is not None
    assert prices.equal_speed_change == pytest.approx(0.188, abs=0.001)
    # 0.58 / 0.714 / (1 − 0.5); both have 16 vCPUs
    assert prices.needed_ratio == pytest.approx(1.6246, abs=0.0001)
    assert prices.needed_per_vcpu_ratio == pytest.approx(1.6246, abs=0.0001)
    assert prices.seen_ratio is not None
    assert prices.seen_ratio.value == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(("ratio", "answer"), [(1.7, "supported"), (1.6246, "undecidable"), (1.5, "refuted")])
def test_the_claim_turns_at_that_speed(tmp_path: Path, ratio: float, answer: str) -> None:
    assert check(COST, both(tmp_path, c7g=20 * ratio)).answer == answer


def test_an_interval_that_holds_the_size_says_how_many_more_repeats(tmp_path: Path) -> None:
    checked = check(COST, both(tmp_path, c7g=33.0, wobble_ratio=0.03))  # 1 − 0.8123 / 1.65: 50.8 % less, ± 3 %
    assert checked.answer == "undecidable"
    assert "About " in checked.decides[0]
    assert "times as many are needed" in checked.decides[0]


def test_tokens_per_dollar_take_the_same_speed(tmp_path: Path) -> None:
    claim = changed(
        COST, metric="tokens_per_usd", direction="more", size_percent=100.0
    )  # twice the tokens: half the cost
    pair = check(claim, both(tmp_path)).pairs[0]
    assert pair.prices is not None
    assert pair.prices.needed_ratio == pytest.approx(1.6246, abs=0.0001)
    # 0.714 / 0.58 − 1
    assert pair.prices.equal_speed_change == pytest.approx(0.231, abs=0.001)
    assert pair.answer == "refuted"


def test_prices_of_two_kinds_decide_nothing(tmp_path: Path) -> None:
    rented_run(tmp_path, "c7g.4xlarge", price_kind="spot")
    rented_run(tmp_path, "c7i.4xlarge")
    checked = check(COST, runs(tmp_path))
    assert checked.answer == "undecidable"
    assert "a price of one kind (spot, USD) against another (on-demand, USD)" in checked.reason


def test_models_of_energy_decide_nothing_and_the_way_out_is_named(tmp_path: Path) -> None:
    checked = check(ENERGY, both(tmp_path))
    assert checked.answer == "undecidable"
    assert "energy is known by models only, and the intervals overlap" in checked.reason
    assert checked.decides[1:] == (
        f"aforo energy import {tmp_path}/fixture-c7g.4xlarge METER.csv",
        f"aforo energy import {tmp_path}/fixture-c7i.4xlarge METER.csv",
    )
    assert checked.pairs[0].subject.meter == "model, whole machine"


def metered(folder: Path, c7g_w: float, c7i_w: float | None) -> Checked:
    for run, watts in zip(both(folder), (c7g_w, c7i_w), strict=True):
        if watts is not None:
            import_meter(run.folder, wall_meter(folder / "meter.csv", watts), None)
    return check(ENERGY, runs(folder))


@pytest.mark.parametrize(("c7g_w", "answer", "change"), [(40, "supported", 0.6364), (80, "refuted", 0.2727)])
def test_wall_meters_decide(tmp_path: Path, c7g_w: float, answer: str, change: float) -> None:
    checked = metered(tmp_path, c7g_w, 110)
    assert checked.answer == answer
    assert checked.pairs[0].change is not None
    # equal speed: 1 − watts / 110
    assert checked.pairs[0].change.value == pytest.approx(change, abs=0.001)
    assert checked.pairs[0].subject.meter == "wall, whole machine"


def test_a_meter_on_one_side_only_is_not_compared_with_a_model(tmp_path: Path) -> None:
    checked = metered(tmp_path, 40, None)
    assert checked.answer == "undecidable"
    assert checked.reason == "energy of one class (wall) against another (model)"
    assert checked.decides[1:] == (f"aforo energy import {tmp_path}/fixture-c7i.4xlarge METER.csv",)


def test_a_single_repeat_is_no_answer(tmp_path: Path) -> None:
    for instance_type in ("c7g.4xlarge", "c7i.4xlarge"):
        rented_run(tmp_path, instance_type, repeats=1)
    checked = check(ENERGY, runs(tmp_path))
    assert checked.answer == "undecidable"


def test_a_side_without_a_run(tmp_path: Path) -> None:
    rented_run(tmp_path, "c7g.4xlarge")
    checked = check(COST, runs(tmp_path))
    assert checked.answer == "undecidable"
    assert checked.reason == "no run of a comparable x86 instance (architecture x86_64)"
    assert "A run on a comparable x86 instance: aforo run" in checked.decides[0]


def test_a_run_of_neither_side_is_left_out_with_what_it_is(tmp_path: Path) -> None:
    claim = changed(COST, subject={"name": "Graviton4", "processor": "*Graviton4*"})
    checked = check(claim, both(tmp_path))
    assert "fixture-c7g.4xlarge is neither Graviton4 nor a comparable x86 instance" in checked.left_out[0]
    assert "AWS Graviton3" in checked.left_out[0]


def test_a_run_of_a_server_elsewhere_is_of_no_side_that_asks_for_hardware(tmp_path: Path) -> None:
    folder = rented_run(tmp_path, "c7g.4xlarge")
    manifest = folder.read_manifest()
    manifest.engine.is_elsewhere, manifest.engine.url = True, "https://api.example.com:443/v1"
    folder.write_manifest(manifest)
    rented_run(tmp_path, "c7i.4xlarge")
    checked = check(COST, runs(tmp_path))
    assert checked.answer == "undecidable"
    assert "architecture not known" in checked.left_out[0]
    assert "host api.example.com" in checked.left_out[0]


def test_runs_of_different_workloads_are_refused_with_the_field(tmp_path: Path) -> None:
    rented_run(tmp_path, "c7g.4xlarge")
    rented_run(tmp_path, "c7i.4xlarge", workload={"output_tokens": 33})
    with pytest.raises(UsageError, match=r"output_tokens: 32 \(r1\); 33 \(r2\)\n  r1 is fixture-c7g"):
        check(COST, runs(tmp_path))
    assert check(COST, runs(tmp_path), ["workload.output_tokens"]).answer == "refuted"


def test_forms(tmp_path: Path) -> None:
    found = both(tmp_path)
    assert check(changed(COST, form="at-least", size_percent=15.0), found).answer == "supported"
    assert check(changed(COST, form="at-least", size_percent=25.0), found).answer == "refuted"
    assert check(changed(COST, form="up-to", size_percent=15.0), found).answer == "supported"


def test_of_several_pairs_one_is_enough_for_up_to_and_all_are_needed_for_at_least(tmp_path: Path) -> None:
    rented_run(tmp_path / "fast", "c7g.4xlarge", 40.0)
    rented_run(tmp_path / "slow", "c7g.4xlarge", 20.0)
    rented_run(tmp_path / "other", "c7i.4xlarge", 20.0)
    (fast,), (slow,), (other,) = (runs(tmp_path / name) for name in ("fast", "slow", "other"))
    slow.manifest.run_id = "slower"
    assert check(COST, [fast, slow, other]).answer == "supported"
    assert check(changed(COST, form="at-least"), [fast, slow, other]).answer == "refuted"
    assert check(COST, [fast, slow, other]).confidence == pytest.approx(0.975)
