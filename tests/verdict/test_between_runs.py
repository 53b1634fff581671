"""Two runs of one setting, again and again: how often is one called better than the other, a claim true, a build worse?

Every run draws an error of its own (the drift of its machine) and knows its own number to 1 %. Fixed seeds.
"""

from pathlib import Path
from random import Random

import pytest
from support.stored_runs import stored

from profiler.results.host_facts import HostFacts
from profiler.results.run_set import StoredRun
from profiler.results.summary import Scalar
from profiler.verdict.claim_file import Claim
from profiler.verdict.claims import check
from profiler.verdict.contrast import Rules, contrast
from profiler.verdict.gate import Limit, gate

RATE = ("output_tokens_per_s", None)
DRIFTS = (0.0, 0.02, 0.05, 0.10)
WITHIN = 0.01
TRIALS = 1000


class Machine:
    """Makes runs of a host whose runs differ by a drift."""

    def __init__(self, template: StoredRun, seed: int) -> None:
        self.template, self.random, self.made = template, Random(seed), 0  # noqa: S311 - repeatable, not secret

    def runs(self, host: str, count: int, centre: float, drift_ratio: float) -> list[StoredRun]:
        return [self.run(host, centre * (1 + self.random.gauss(0, drift_ratio))) for _ in range(count)]

    def run(self, host: str, centre: float) -> StoredRun:
        seen = centre * (1 + self.random.gauss(0, WITHIN))
        self.made += 1
        interval = (seen * (1 - 2 * WITHIN), seen * (1 + 2 * WITHIN))
        rate = Scalar(unit="tokens/s", value=seen, interval=interval)
        changes = {"run_id": f"{host}-{self.made}", "host": HostFacts(name=host), "started_utc": f"{self.made:09}"}
        manifest = self.template.manifest.model_copy(update=changes)
        summary = self.template.summary.model_copy(update={"metrics": {RATE[0]: rate}})
        return StoredRun(self.template.folder, manifest, summary)


@pytest.fixture
def machine(tmp_path: Path):
    template = stored(tmp_path / "template")
    return lambda seed: Machine(template, seed)


@pytest.mark.parametrize("runs_a_side", [1, 2, 3, 5])
@pytest.mark.parametrize("drift_ratio", DRIFTS)
def test_two_runs_of_one_setting_are_seldom_called_different(machine, runs_a_side: int, drift_ratio: float) -> None:
    made, different = machine(1), 0
    for _ in range(TRIALS):
        one, other = (made.runs(host, runs_a_side, 100, drift_ratio) for host in ("a", "b"))
        found = contrast(one, other, RATE, Rules())
        assert (found.ratio is None) == (runs_a_side == 1)
        different += found.ratio is not None and not found.ratio.low <= 1 <= found.ratio.high
    assert different <= 0.06 * TRIALS


@pytest.mark.parametrize("drift_ratio", DRIFTS)
def test_with_the_drift_stated_single_runs_are_seldom_called_different_too(machine, drift_ratio: float) -> None:
    made, different = machine(2), 0
    for _ in range(TRIALS):
        one, other = (made.runs(host, 1, 100, drift_ratio) for host in ("a", "b"))
        found = contrast(one, other, RATE, Rules(drift_ratio=max(drift_ratio, 0.001)))
        assert found.ratio is not None
        different += not found.ratio.low <= 1 <= found.ratio.high
    assert different <= 0.06 * TRIALS


def claim(form: str, size_percent: float) -> Claim:
    sides = {"subject": {"name": "a", "host": "a"}, "baseline": {"name": "b", "host": "b"}}
    rest = {"id": "c", "version": 1, "statement": "s", "metric": RATE[0], "source": {"title": "t"}}
    return Claim.model_validate({**rest, **sides, "form": form, "direction": "less", "size_percent": size_percent})


@pytest.mark.parametrize("drift_ratio", [0.05, 0.10])
@pytest.mark.parametrize(("form", "wrong"), [("up-to", "supported"), ("at-least", "refuted")])
def test_a_claim_at_its_very_size_is_answered_wrongly_in_five_percent(
    machine, drift_ratio: float, form: str, wrong: str
) -> None:
    """10 % less is true to the digit: "supported" and "refuted" are each a matter of luck."""
    made, count = machine(3), 400
    answers = [
        check(claim(form, 10.0), [*made.runs("a", 5, 90, drift_ratio), *made.runs("b", 5, 100, drift_ratio)]).answer
        for _ in range(count)
    ]
    assert answers.count(wrong) <= 0.08 * count  # 5 % of 400 is 20; over 32 has a probability of 0.4 %


@pytest.mark.parametrize("drift_ratio", [0.05, 0.10])
def test_up_to_ten_percent_less_is_not_supported_where_nothing_differs(machine, drift_ratio: float) -> None:
    """Every subject against every baseline run called it supported in 16 % (5 % drift) and 75 % (10 %)."""
    made, count = machine(4), 400
    answers = [
        check(claim("up-to", 10.0), [*made.runs("a", 5, 100, drift_ratio), *made.runs("b", 5, 100, drift_ratio)]).answer
        for _ in range(count)
    ]
    assert answers.count("supported") <= 0.01 * count


def test_more_runs_support_a_true_claim_more_often(machine) -> None:
    """At least 10 % less, truly 15 % less, at 3 % drift: 1, 2, 3, 5 and 8 runs a side."""
    count, shares = 300, []
    for runs_a_side in (1, 2, 3, 5, 8):
        made = machine(5)
        answers = [
            check(
                claim("at-least", 10.0),
                [*made.runs("a", runs_a_side, 85, 0.03), *made.runs("b", runs_a_side, 100, 0.03)],
            ).answer
            for _ in range(count)
        ]
        shares.append(answers.count("supported") / count)
        assert answers.count("refuted") <= 0.05 * count
    assert shares == sorted(shares)
    assert shares[0] == 0  # a run each can tell nothing
    assert shares[2] > 0.4
    assert shares[-1] > 0.9


@pytest.mark.parametrize("drift_ratio", DRIFTS)
@pytest.mark.parametrize("true_change", [0.0, -0.5])
def test_a_gate_with_one_run_a_side_never_answers(machine, drift_ratio: float, true_change: float) -> None:
    made = machine(6)
    for _ in range(100):
        base, new = made.runs("a", 1, 100, drift_ratio), made.runs("a", 1, 100 * (1 + true_change), drift_ratio)
        assert gate(base, new, [RATE], Limit(0.05)).answer == "undecidable"


@pytest.mark.parametrize("true_change", [0.0, -0.10, -0.0499])
def test_pairs_made_in_turn_tell_a_tenth_on_a_machine_that_drifts(machine, true_change: float) -> None:
    """Five pairs, 5 % drift of which two thirds are shared by a pair: power as Welch's has with twenty runs a side."""
    made, count = machine(7), 400
    answers = []
    for _ in range(count):
        base, new = [], []
        for _ in range(5):
            shared = 1 + made.random.gauss(0, 0.05 * 2 / 3)
            base += made.runs("a", 1, 100 * shared, 0.05 / 3)
            new += made.runs("a", 1, 100 * (1 + true_change) * shared, 0.05 / 3)
        answers.append(gate(base, new, [RATE], Limit(0.05, is_paired=True)).answer)
    if true_change == -0.0499:
        assert answers.count("regression") <= 0.08 * count  # 5 % one-sided
    else:
        assert answers.count("regression" if true_change else "pass") > 0.85 * count
        assert answers.count("pass" if true_change else "regression") <= 0.01 * count


def test_what_a_meter_leaves_open_is_not_averaged_away(machine) -> None:
    """1.0 J and 1.03 J a token, each to ±2 % by its meter: no number of runs tells which is lower."""
    made, metric = machine(8), ("energy_j_per_output_token", None)
    sides = []
    for value in (1.0, 1.03):
        runs = made.runs("a", 5, 100, 0.0)
        for run in runs:
            ends = (0.98 * value, 1.02 * value)
            run.summary.metrics[metric[0]] = Scalar(
                unit="J/token", value=value, low=ends[0], high=ends[1], interval=ends
            )
        sides.append(runs)
    found = contrast(sides[1], sides[0], metric, Rules())
    assert found.ratio is not None
    # 1.03 · 0.98 / 1.02 to 1.03 · 1.02 / 0.98
    assert (found.ratio.low, found.value, found.ratio.high) == pytest.approx((0.990, 1.03, 1.072), abs=0.001)
