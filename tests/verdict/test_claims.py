"""c7g.4xlarge (0.58 USD/h) against c7i.4xlarge (0.714 USD/h), on runs whose speeds are chosen."""

from pathlib import Path

import pytest
from support.rented_runs import rented_run, rented_runs, wall_meter

from profiler.errors import UsageError
from profiler.reports import claims as shown
from profiler.results.run_set import StoredRun, read_runs
from profiler.run.wall import import_meter
from profiler.verdict.claim_file import Claim, load
from profiler.verdict.claims import Checked, check

COST, ENERGY = load("graviton3-cost"), load("graviton3-energy")


def runs(folder: Path) -> list[StoredRun]:
    found, refused = read_runs([folder])
    assert refused == []
    return found


def both(folder: Path, c7g: float = 20.0, c7i: float = 20.0, drift_ratio: float = 0.004) -> list[StoredRun]:
    rented_runs(folder, "c7g.4xlarge", c7g, drift_ratio=drift_ratio)
    rented_runs(folder, "c7i.4xlarge", c7i, drift_ratio=drift_ratio)
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


def test_an_interval_that_holds_the_size_says_how_many_more_runs(tmp_path: Path) -> None:
    checked = check(COST, both(tmp_path, c7g=33.0, drift_ratio=0.03))  # 1 − 0.8123 / 1.65: 50.8 % less, ± 3 %
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
    rented_runs(tmp_path, "c7g.4xlarge", price_kind="spot")
    rented_runs(tmp_path, "c7i.4xlarge")
    checked = check(COST, runs(tmp_path))
    assert checked.answer == "undecidable"
    # the sentence of the trap's owner, the same as in a comparison and in a gate
    assert checked.reason == "Prices are not of one kind: on-demand in USD against spot in USD."
    assert checked.decides == (
        "Prices of one kind, term and utilisation on both sides: --price-kind, --price-term, --utilisation.",
    )
    assert check(COST, runs(tmp_path), ["price-kind"]).answer == "supported"  # 1 − 0.3 / 0.714 = 58 % less


def test_models_of_energy_decide_nothing_and_the_way_out_is_named(tmp_path: Path) -> None:
    checked = check(ENERGY, both(tmp_path))
    assert checked.answer == "undecidable"
    assert "known only as an interval on a side, and the intervals overlap" in checked.reason
    assert checked.decides[1:] == tuple(
        f"aforo energy import {tmp_path}/fixture-{name}.4xlarge{number} METER.csv"
        for name in ("c7g", "c7i")
        for number in ("", "-2", "-3")
    )
    assert checked.pairs[0].subject.meter == "model, whole machine"


def metered(folder: Path, c7g_w: float, c7i_w: float | None) -> Checked:
    for run in both(folder):
        watts = c7g_w if "c7g" in run.name else c7i_w
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
    assert checked.reason.startswith("Energy was not metered alike: model, whole machine against wall, whole machine.")
    assert checked.decides[1] == f"aforo energy import {tmp_path}/fixture-c7i.4xlarge METER.csv"


def test_a_run_each_is_no_answer_however_sure_each_is_of_itself(tmp_path: Path) -> None:
    for instance_type in ("c7g.4xlarge", "c7i.4xlarge"):
        rented_run(tmp_path, instance_type, wobble_ratio=1e-6)
    checked = check(COST, runs(tmp_path))
    assert checked.answer == "undecidable"
    assert checked.reason.startswith("it cannot be told of one run each")
    assert checked.pairs[0].middle == pytest.approx(0.1877, abs=0.0005)  # to be shown all the same
    assert checked.decides == (
        "Three runs or more on each host, in turn: they show how much runs of one setting differ.",
    )
    # with a stated drift there is one: 18.8 % ± 2.5 % of 50 %
    assert check(COST, runs(tmp_path), drift_ratio=0.01).answer == "refuted"


def test_a_side_without_a_run(tmp_path: Path) -> None:
    rented_run(tmp_path, "c7g.4xlarge")
    checked = check(COST, runs(tmp_path))
    assert checked.answer == "undecidable"
    assert checked.reason == "no run of a comparable x86 instance (architecture x86_64)"
    assert "Runs on a comparable x86 instance: aforo run" in checked.decides[0]


def test_a_run_of_neither_side_is_left_out_with_what_it_is(tmp_path: Path) -> None:
    claim = changed(COST, subject={"name": "Graviton4", "processor": "*Graviton4*"})
    checked = check(claim, both(tmp_path))
    assert "fixture-c7g.4xlarge is neither Graviton4 nor a comparable x86 instance" in checked.left_out[0]
    assert "AWS Graviton3" in checked.left_out[0]


def test_a_run_of_a_server_elsewhere_is_of_no_side_that_asks_for_hardware(tmp_path: Path) -> None:
    folder = rented_run(tmp_path, "c7g.4xlarge")
    manifest = folder.read_manifest()
    manifest.engine.is_remote, manifest.engine.url = True, "https://api.example.com:443/v1"
    folder.write_manifest(manifest)
    rented_run(tmp_path, "c7i.4xlarge")
    checked = check(COST, runs(tmp_path))
    assert checked.answer == "undecidable"
    assert "architecture not known" in checked.left_out[0]
    assert "host api.example.com" in checked.left_out[0]


def test_runs_of_different_workloads_are_refused_with_the_field(tmp_path: Path) -> None:
    rented_runs(tmp_path, "c7g.4xlarge")
    rented_runs(tmp_path, "c7i.4xlarge", workload={"output_tokens": 33})
    with pytest.raises(UsageError, match=r"output_tokens: 32 \(r1, r2, r3\); 33 \(r4, r5, r6\)\n  r1 is fixture-c7g"):
        check(COST, runs(tmp_path))
    assert check(COST, runs(tmp_path), ["workload.output_tokens"]).answer == "refuted"


def test_forms(tmp_path: Path) -> None:
    found = both(tmp_path)
    assert check(changed(COST, form="at-least", size_percent=15.0), found).answer == "supported"
    assert check(changed(COST, form="at-least", size_percent=25.0), found).answer == "refuted"
    assert check(changed(COST, form="up-to", size_percent=15.0), found).answer == "supported"


def test_of_several_settings_one_is_enough_for_up_to_and_all_are_needed_for_at_least(tmp_path: Path) -> None:
    rented_runs(tmp_path / "fast", "c7g.4xlarge", 40.0)
    rented_runs(tmp_path / "slow", "c7g.4xlarge", 20.0)
    rented_runs(tmp_path / "other", "c7i.4xlarge", 20.0)
    fast, slow, other = (runs(tmp_path / name) for name in ("fast", "slow", "other"))
    for run in slow:
        run.manifest.run_id, run.manifest.engine.threads = f"slower-{run.name}", 1  # another setting
    assert check(COST, [*fast, *slow, *other]).answer == "supported"
    assert check(changed(COST, form="at-least"), [*fast, *slow, *other]).answer == "refuted"
    # two pairs: each end of an interval takes 5 % / 2
    assert check(COST, [*fast, *slow, *other]).confidence == pytest.approx(0.95)
    # a setting of which there is a single run tells nothing, and is named
    alone = check(changed(COST, form="at-least"), [*fast, slow[0], *other])
    assert alone.answer == "supported"
    assert "it cannot be told of a single run on one side" in alone.left_out[0]


@pytest.mark.parametrize("runs_a_side", [2, 3, 5])
def test_more_runs_never_make_a_claim_of_what_was_seen_fail(tmp_path: Path, runs_a_side: int) -> None:
    """The same change of 18.8 % at more and more runs, each 0.4 % beside the next."""
    claim = changed(COST, form="at-least", size_percent=15.0)
    for instance_type in ("c7g.4xlarge", "c7i.4xlarge"):
        for number in range(1, runs_a_side + 1):
            speed = 20.0 * (1 + 0.002 * (-1) ** number)
            rented_run(tmp_path, instance_type, speed, number=number)
    assert check(claim, runs(tmp_path)).answer == "supported"


@pytest.mark.parametrize(
    ("limit", "answer"),
    [
        ({"metric": "output_tokens_per_s", "at_least": 19.5}, "supported"),
        ({"metric": "output_tokens_per_s", "at_least": 21.0}, "refuted"),
        ({"metric": "output_tokens_per_s", "at_least": 20.0}, "undecidable"),
        ({"metric": "ttft_ms.p95", "at_most": 52.0}, "supported"),
        ({"metric": "ttft_ms.p95", "at_most": 40.0}, "refuted"),
        ({"metric": "error_ratio", "at_most": 0.01}, "supported"),  # no request failed in any run
        # 0.58 USD an hour at 20 tokens/s: 0.58 / 72,000 × 10⁶ = 8.06 USD
        ({"metric": "usd_per_1m_output_tokens", "at_most": 8.5, "unit": "USD/1M tokens"}, "supported"),
        ({"metric": "usd_per_1m_output_tokens", "at_most": 8.5, "unit": "EUR/1M tokens"}, "undecidable"),
    ],
)
def test_a_limit_is_asked_of_a_host_by_itself(tmp_path: Path, limit: dict[str, object], answer: str) -> None:
    rented_runs(tmp_path, "c7g.4xlarge")
    none = {"baseline": None, "direction": None, "size_percent": None, "form": "at-least"}
    claim = changed(COST, **none, **limit)
    checked = check(claim, runs(tmp_path))
    assert checked.answer == answer, checked.reason
    assert checked.pairs[0].baseline is None
    alone = check(claim, runs(tmp_path)[:1])
    assert alone.answer == "undecidable"


def test_responses_shorter_than_asked_keep_no_limit(tmp_path: Path) -> None:
    rented_runs(tmp_path, "c7g.4xlarge", workload={"output_tokens": 64})  # they are of 32
    none = {"baseline": None, "direction": None, "size_percent": None, "form": "at-least"}
    checked = check(changed(COST, **none, metric="e2e_ms", at_most=1e6), runs(tmp_path))
    assert checked.answer == "undecidable"
    assert "shorter than was asked for" in checked.reason
    # how long a token takes has nothing to do with it
    assert check(changed(COST, **none, metric="tpot_ms", at_most=1e6), runs(tmp_path)).answer == "supported"


def test_invalid_runs_that_were_forced_in_are_named_in_every_form(tmp_path: Path) -> None:
    found = both(tmp_path)
    assert found[0].summary.verdict is not None
    found[0].summary.verdict.level = "INVALID"
    checked = check(COST, found)
    assert checked.answer == "refuted"
    assert "INVALID" in checked.reason
    assert shown.text(checked).startswith("REFUTED BY INVALID RUNS: ")
    assert "refuted by INVALID runs" in shown.markdown(checked)
    assert shown.document(checked)["has_invalid_runs"] is True
    assert "INVALID by the rules of trust" in str(shown.document(checked)["traps"])
