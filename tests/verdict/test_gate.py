"""The gate: each side from hand-made numbers, then whether it is right as often as it says."""

from pathlib import Path
from random import Random

import pytest
from support.stored_runs import rate, stored

from profiler.errors import UsageError
from profiler.results.manifest import MeterClass
from profiler.results.run_set import StoredRun
from profiler.results.summary import Distribution, EnergyAccount, Metric, Scalar
from profiler.verdict.gate import Limit, gate

RATE = ("output_tokens_per_s", None)
FIVE = Limit(0.05)


@pytest.fixture
def runs(tmp_path: Path):
    """Make runs of one setting, one for each value of a metric."""

    def make(side: str, *values: Metric, name: str = "output_tokens_per_s", **changes: object) -> list[StoredRun]:
        made = enumerate(values)
        return [stored(tmp_path / side / str(i), run_id=f"{side}{i}", metrics={name: v}, **changes) for i, v in made]

    return make


def of(value: float, half_width: float) -> Scalar:
    return Scalar(unit="tokens/s", value=value, interval=(value - half_width, value + half_width))


def ttft(value: float, half_width: float) -> Distribution:
    ends = (value - half_width, value + half_width)
    quantiles = dict.fromkeys(("p50", "p90", "p95", "p99"), value)
    return Distribution(
        unit="ms", n=200, mean=value, min=1, max=99, quantiles=quantiles, quantile_intervals={"p95": ends}
    )


@pytest.mark.parametrize("new", [of(90, 1), of(99, 1), of(120, 1), of(50, 0)])
def test_one_run_against_one_is_never_an_answer(runs, new: Scalar) -> None:
    """How much a run differs from the next is seen in neither of them."""
    found = gate(runs("base", of(100, 1)), runs("new", new), [RATE], FIVE)
    assert found.answer == found.metrics[0].answer == "undecidable"
    assert found.metrics[0].change is None
    assert found.metrics[0].middle == pytest.approx(new.value / 100 - 1)  # shown all the same
    assert "Measure each side three times or more, in turn" in found.metrics[0].sentence
    assert any("single run" in note for note in found.notes)


@pytest.mark.parametrize(
    ("new", "drift_ratio", "answer"),
    [
        # two runs that drift by 1 %: t(20) = 1.72 times 1.41 % is 2.4 %
        (of(90, 0.1), 0.01, "regression"),
        (of(99, 0.1), 0.01, "pass"),
        (of(96, 0.1), 0.01, "undecidable"),
        # a run is no surer than it is within: ±9 at t(9) = 2.26 is a standard error of 4 %
        (of(90, 9), 0.01, "undecidable"),
        (of(90, 0.1), 0.05, "undecidable"),
    ],
)
def test_one_run_against_one_with_a_stated_drift(runs, new: Scalar, drift_ratio: float, answer: str) -> None:
    limit = Limit(0.05, drift_ratio=drift_ratio)
    found = gate(runs("base", of(100, 0.1)), runs("new", new), [RATE], limit)
    assert found.answer == answer, found.metrics[0].sentence
    assert found.notes == []


@pytest.mark.parametrize(("new", "answer"), [(60, "regression"), (50, "pass"), (40, "pass"), (52.5, "undecidable")])
def test_lower_is_better_of_latencies(runs, new: float, answer: str) -> None:
    sides = [
        runs(name, *(ttft(v * k, 0.5) for k in (0.99, 1, 1.01)), name="ttft_ms") for name, v in (("b", 50), ("n", new))
    ]
    found = gate(*sides, [("ttft_ms", "p95")], FIVE).metrics[0]
    assert found.answer == answer
    assert found.metric == "ttft_ms.p95"
    assert "allowed is +5 %" in found.sentence
    assert "90 % interval" in found.sentence  # either question has one side


def test_several_runs_are_compared_by_what_they_differ_by(runs) -> None:
    # each run says of itself that it is known to 0.1 %, but runs of one setting differ by 10 %
    base = runs("base", *(of(value, 0.1) for value in (90, 100, 110)))
    new = runs("new", *(of(value, 0.1) for value in (85, 94, 103)))
    found = gate(base, new, [RATE], FIVE)
    assert found.answer == "undecidable"
    assert "runs on each side would decide" in found.metrics[0].sentence


def test_several_runs_that_agree(runs) -> None:
    base = runs("base", *(of(value, 30) for value in (100, 100.5, 99.5)))
    new = runs("new", *(of(value, 30) for value in (90, 90.4, 89.6)))
    found = gate(base, new, [RATE], FIVE)
    assert found.answer == "regression"
    assert found.notes == []
    assert found.metrics[0].change is not None
    assert found.metrics[0].change.value == pytest.approx(-0.1, abs=1e-4)
    assert found.metrics[0].change.low > -1


def test_runs_made_in_turn_on_a_machine_that_drifts(runs) -> None:
    # the machine is half as fast later on; each new run is 10 % slower than the base run before it, give or take 1 %
    base = runs("base", *(of(value, 0.1) for value in (100, 75, 50)))
    new = runs("new", *(of(value, 0.1) for value in (90, 68.2, 44.6)))
    for side in (base, new):
        for i, run in enumerate(side):
            run.manifest.started_utc = f"2026-01-01T00:0{i}:00Z"
    assert gate(base, new, [RATE], FIVE).answer == "undecidable"
    paired = Limit(0.05, is_paired=True)
    assert gate(base, new, [RATE], paired).answer == "regression"
    assert gate(base[::-1], new[1:] + new[:1], [RATE], paired).answer == "regression"  # whatever the order given
    with pytest.raises(UsageError, match="as many base runs as new ones"):
        gate(base, new[:2], [RATE], paired)


def test_how_many_pairs_would_decide(runs) -> None:
    base, new = runs("base", *(of(100, 0.1),) * 3), runs("new", *(of(value, 0.1) for value in (96, 100, 104)))
    found = gate(base, new, [RATE], Limit(0.05, is_paired=True)).metrics[0]
    # ratios .96, 1, 1.04 deviate by 4 % around −0.05 %, 5.1 % from the limit, in one direction:
    # t(3) = 2.353·4/√4 = 4.7 % is nearer than that, t(2) = 2.920·4/√3 = 6.7 % is not
    assert found.answer == "undecidable"
    assert "4 pairs would decide" in found.sentence


def test_a_single_run_is_taken_to_vary_as_those_of_the_other_side(runs) -> None:
    base = runs("base", *(of(value, 0.1) for value in (90, 100, 110)))
    found = gate(base, runs("new", of(90, 0.1)), [RATE], FIVE)
    assert found.answer == "undecidable"
    assert "as those of the other side do" in found.notes[0]
    calm = runs("calm", *(of(value, 0.1) for value in (99.9, 100, 100.1)))
    assert gate(calm, runs("slow", of(90, 0.1)), [RATE], FIVE).answer == "regression"


def test_a_single_run_without_an_interval_of_its_own(runs) -> None:
    short = Scalar(unit="tokens/s", value=90, per_repeat=[90])
    calm = runs("calm", *(of(value, 0.1) for value in (99.9, 100, 100.1)))
    assert gate(calm, runs("c", short), [RATE], FIVE).answer == "regression"


def test_how_many_runs_would_decide(runs) -> None:
    # both sides deviate by 2 %: a change of 0 is 5 % from the limit, and t·2.83 %/√k is below that from k = 4 on:
    # in one direction, two runs of each: t(2) = 2.92; 2.92·2.83/√2 = 5.8; three: t(4) = 2.13·2.83/√3 = 3.5
    deviation = 2 / 2**0.5
    base = runs("base", rate(100 - deviation), rate(100 + deviation))
    new = runs("new", rate(100 - deviation), rate(100 + deviation))
    found = gate(base, new, [RATE], FIVE).metrics[0]
    assert found.answer == "undecidable"
    assert "3 runs on each side would decide" in found.sentence


def test_several_metrics_are_sure_together(runs) -> None:
    base = [stored_with(runs, "base", i, 100 + i / 10, 50.0) for i in range(3)]
    new = [stored_with(runs, "new", i, 90 + i / 10, 50.0) for i in range(3)]
    found = gate(base, new, [RATE, ("ttft_ms", "p50")], FIVE)
    assert found.each_confidence == pytest.approx(0.975)
    assert [one.answer for one in found.metrics] == ["regression", "pass"]
    assert found.answer == "regression"


def stored_with(runs, side: str, i: int, tokens_per_s: float, ttft_ms: float) -> StoredRun:
    (run,) = runs(f"{side}-{i}", rate(tokens_per_s))
    run.summary.metrics["ttft_ms"] = ttft(ttft_ms, 0.1)
    return run


COST = ("cost_per_1m_output_tokens", None)


def cost(value: float, currency: str) -> Scalar:
    return Scalar(unit=f"{currency}/1M tokens", value=value, interval=(value, value))


def test_money_is_gated_in_its_own_currency_and_never_across(runs) -> None:
    euros, dearer, dollars = (
        runs(side, *(cost(value * wobble, currency) for wobble in (0.999, 1, 1.001)), name=COST[0])
        for side, value, currency in (("a", 1.0, "EUR"), ("b", 1.2, "EUR"), ("c", 1.2, "USD"))
    )
    (found,) = gate(euros, dearer, [COST], FIVE).metrics
    assert (found.answer, found.unit) == ("regression", "EUR/1M tokens")
    (found,) = gate(euros, dollars, [COST], FIVE).metrics
    assert found.answer == "undecidable"
    assert "EUR/1M tokens against USD/1M tokens: currencies are never converted" in found.sentence


def test_a_meter_that_leaves_much_open_is_compared_as_an_interval(runs) -> None:
    # 8 J/token by a meter that is sure to 5.5–9.8: three runs that agree are no surer
    open_j = Scalar(unit="J/token", value=8.0, low=5.5, high=9.8, interval=(5.5, 9.8))
    fine = Scalar(unit="J/token", value=7.0, low=6.9, high=7.1, interval=(6.9, 7.1))
    name = "energy_j_per_output_token"
    sides = [runs(side, *(one,) * 3, name=name) for side, one in (("a", open_j), ("b", fine))]
    (found,) = gate(*sides, [(name, None)], FIVE).metrics
    assert found.answer == "undecidable"
    assert "either could be the lower one" in found.sentence
    (found,) = gate(sides[1], runs("c", *(fine,) * 3, name=name), [(name, None)], FIVE).metrics
    assert found.answer == "pass"


def test_energy_that_was_not_metered_alike_or_is_a_model(runs) -> None:
    band = Scalar(unit="J/token", value=None, reason="an interval, not a number", low=1, high=2)
    name, metric = "energy_j_per_output_token", ("energy_j_per_output_token", None)
    base = runs("base", band, name=name)
    assert "known only as an interval" in gate(base, runs("new", band, name=name), [metric], FIVE).metrics[0].sentence
    counter = runs("counter", of(1, 0), name=name)
    counter[0].summary.energy = [account("counter")]
    assert "counter, GPU against no meter" in gate(base, counter, [metric], FIVE).metrics[0].sentence
    twice = Scalar(unit="J/token", value=None, reason="an interval, not a number", low=4, high=5)
    three = [runs(side, *(one,) * 3, name=name) for side, one in (("b3", band), ("n3", twice))]
    assert gate(*three, [metric], FIVE).answer == "regression"


def account(meter_class: MeterClass) -> EnergyAccount:
    rest = {"idle_j": None, "net_j": None, "coverage_ratio": 1, "provenance": "", "parts": {}}
    return EnergyAccount(meter_class=meter_class, scope="GPU", gross_j=(1, 1), **rest)


def test_what_was_not_measured_is_undecidable(runs) -> None:
    found = gate(runs("a", of(1, 0)), runs("b", of(1, 0)), [("usd_per_1m_output_tokens", None)], FIVE)
    assert found.answer == "undecidable"
    assert "pass --price" in found.metrics[0].sentence


def test_an_interval_that_reaches_zero(runs) -> None:
    """Of two runs a side Student's interval is wide, and in logarithms it ends above −100 % all the same."""
    found = gate(runs("a", of(1, 1), of(9, 1)), runs("b", of(5, 0), of(4, 0)), [RATE], FIVE).metrics[0]
    assert found.answer == "undecidable"
    assert found.change is not None
    assert found.change.low > -1
    nothing = gate(runs("c", of(1, 1)), runs("d", of(0, 0)), [RATE], FIVE).metrics[0]
    assert "not above 0" in nothing.sentence


def test_no_failed_request_on_either_side_is_no_change(runs) -> None:
    name, metric = "error_ratio", ("error_ratio", None)
    none, one = (Scalar(unit="ratio", value=value, interval=(value, value)) for value in (0.0, 0.01))
    found = gate(runs("a", none, none, name=name), runs("b", none, none, name=name), [metric], FIVE).metrics[0]
    assert found.answer == "pass"
    assert "0.0" in found.sentence
    failing = gate(runs("c", none, none, name=name), runs("d", none, one, name=name), [metric], FIVE).metrics[0]
    assert failing.answer == "undecidable"
    assert "not above 0" in failing.sentence
    single = gate(runs("e", none, name=name), runs("f", none, name=name), [metric], FIVE).metrics[0]
    assert single.answer == "undecidable"
    assert "single run" not in single.sentence
    assert "one run each" in single.sentence


def test_what_can_not_be_asked(runs) -> None:
    base, new = runs("a", of(1, 0)), runs("b", of(1, 0))
    with pytest.raises(UsageError, match="neither higher nor lower"):
        gate(base, new, [("server_cpu_cores", None)], FIVE)
    with pytest.raises(UsageError, match="single load"):
        gate(base, new, [RATE], FIVE, point="c8")
    other = [StoredRun(new[0].folder, new[0].manifest, new[0].summary.model_copy(update={"headline": "c8"}))]
    with pytest.raises(UsageError, match="Pass --point"):
        gate(base, other, [RATE], FIVE)


@pytest.mark.parametrize(("true_change", "wrong"), [(0.0, "regression"), (-0.10, "pass"), (-0.0499, "regression")])
def test_wrong_answers_are_as_rare_as_it_says(runs, true_change: float, wrong: str) -> None:
    """Four runs of each side that differ by 2 % from run to run: at most 5 % of the answers are wrong (one-sided)."""
    random = Random(6)  # noqa: S311 - a simulation must be repeatable, not secret
    (template,) = runs("template", rate(1))

    def simulated(side: str, centre: float) -> list[StoredRun]:
        named = template.manifest.model_copy(update={"run_id": side})
        summaries = [
            template.summary.model_copy(update={"metrics": {RATE[0]: rate(random.gauss(centre, 2))}}) for _ in range(4)
        ]
        return [StoredRun(template.folder, named, summary) for summary in summaries]

    changed = 100 * (1 + true_change)
    answers = [gate(simulated("a", 100), simulated("b", changed), [RATE], FIVE).answer for _ in range(2000)]
    # at the limit itself 5 % of 2000 is 100, and 130 or more have a probability of 0.1 %
    assert answers.count(wrong) <= (0.065 if true_change == -0.0499 else 0.035) * 2000
    if true_change != -0.0499:
        assert answers.count("regression" if true_change else "pass") > 0.7 * 2000


# benchmarks/results/gate.md: three groups of one setting, made in turn; "slow" was halted for a tenth of the time
RECORDED = {
    "base": (51.84, 48.39, 53.02, 50.90, 61.44, 50.37, 54.04, 52.59, 52.38, 55.31, 53.91),
    "same": (50.24, 50.27, 50.19, 52.04, 60.88, 54.50, 54.69, 50.34, 51.89, 56.78, 55.08),
    "slow": (45.57, 45.89, 44.23, 45.42, 53.27, 47.06, 50.19, 47.49, 49.27, 45.16, 45.32),
}


@pytest.mark.parametrize(
    ("group", "right", "in_pairs", "without"), [("same", "pass", 7, 2), ("slow", "regression", 6, 2)]
)
def test_five_recorded_rounds_of_a_machine_that_drifts(
    runs, group: str, right: str, in_pairs: int, without: int
) -> None:
    sides = {}
    for name in ("base", group):
        sides[name] = runs(name, *map(rate, RECORDED[name]))
        for i, run in enumerate(sides[name]):
            run.manifest.started_utc = f"2026-01-01T00:{i:02}:00Z"
    for is_paired, expected in ((True, in_pairs), (False, without)):
        limit = Limit(0.05, is_paired=is_paired)
        windows = [slice(first, first + 5) for first in range(7)]
        answers = [gate(sides["base"][five], sides[group][five], [RATE], limit).answer for five in windows]
        assert (answers.count(right), answers.count("undecidable")) == (expected, 7 - expected)


def test_even_odds_are_no_confidence_to_divide_by(runs) -> None:
    base, new = runs("base", rate(100), rate(100)), runs("new", rate(95), rate(95))
    found = gate(base, new, [RATE], Limit(0.05, confidence=0.5)).metrics[0]
    assert found.answer in {"undecidable", "pass", "regression"}
    wide = gate(runs("b", rate(99), rate(101)), runs("n", rate(94), rate(96)), [RATE], Limit(0.05, confidence=0.5))
    assert wide.metrics[0].sentence
