from pathlib import Path

import pytest

from profiler.errors import ClaimError
from profiler.verdict.claim_file import available, load

GOOD = """id: mine
version: 1
statement: Arm is faster.
metric: output_tokens_per_s
direction: more
size_percent: 20
form: at-least
subject: {name: Arm, architecture: arm64}
baseline: {name: x86, architecture: x86_64}
source: {title: a leaflet}
"""


def complaint(folder: Path, text: str) -> str:
    path = folder / "claim.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ClaimError) as caught:
        load(str(path))
    return str(caught.value).replace(f"{folder}/", "")


def test_the_two_shipped_claims_name_metric_size_and_source() -> None:
    shipped = {claim.id: claim for claim in available()}
    assert set(shipped) == {"graviton3-cost", "graviton3-energy"}
    cost, energy = shipped["graviton3-cost"], shipped["graviton3-energy"]
    assert (cost.metric, cost.size_ratio, cost.form) == ("usd_per_1m_output_tokens", 0.5, "up-to")
    assert (energy.metric, energy.size_ratio, energy.form) == ("energy_j_per_output_token", 0.6, "up-to")
    assert all(claim.source.title and claim.reading for claim in shipped.values())
    assert load("graviton3-cost") == cost


def test_a_claim_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "claim.yaml"
    path.write_text(GOOD, "utf-8")
    assert load(str(path)).subject.criteria == {"architecture": "arm64"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("direction: more", "direction: mor", "claim.yaml:5: 'direction' is 'mor': expected 'less' or 'more'."),
        ("form: at-least", "form: atleast", "Did you mean 'at-least'?"),
        ("statement:", "statment:", "claim.yaml:3: unknown key 'statment'. Did you mean 'statement'?"),
        ("size_percent: 20", "size_percent: twenty", "claim.yaml:6: 'size_percent' is 'twenty': expected a number"),
        ("source: {title: a leaflet}", "source: {}", "the key 'source.title' is missing"),
        ("metric: output_tokens_per_s", "metric: output_tokens_pers", "claim.yaml:4: There is no metric"),
        ("metric: output_tokens_per_s", "metric: ttft_ms.p42", "claim.yaml:4: 'ttft_ms.p42': expected one of"),
        ("metric: output_tokens_per_s", "metric: tokens_per_read", "neither less nor more is better"),
        ("{name: x86, architecture: x86_64}", "{name: x86}", "claim.yaml:9: 'baseline' does not say which runs"),
        ("more\nsize_percent: 20", "less\nsize_percent: 100", "claim.yaml:6: 'size_percent' is 100: nothing can be"),
        ("{name: Arm, architecture: arm64}", "{name: Arm, architecture: arm}", "Did you mean 'arm64'?"),
        ("id: mine", "id: &mine mine", "claim.yaml:1: the anchor '&mine' is not allowed"),
    ],
)
def test_a_wrong_claim_is_refused_with_file_line_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in complaint(tmp_path, GOOD.replace(old, new))


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("direction: more", "direction: up").replace("version: 1", "version: 0")
    assert len(complaint(tmp_path, wrong).splitlines()) == 2


def test_unknown_claims() -> None:
    with pytest.raises(ClaimError, match=r"Did you mean 'graviton3-cost'\? Shipped ones: graviton3-cost, graviton3-en"):
        load("graviton-cost")
    with pytest.raises(ClaimError, match=r"/no/such\.yaml does not exist"):
        load("/no/such.yaml")


LIMIT = """id: mine
version: 1
statement: A p5.48xlarge makes a million tokens for 0.85 USD.
metric: usd_per_1m_output_tokens
at_most: 0.85
unit: USD/1M tokens
subject: {name: p5, instance_type: p5.48xlarge}
source: {title: a leaflet}
"""


def test_a_claim_of_a_limit_has_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "claim.yaml"
    path.write_text(LIMIT, "utf-8")
    claim = load(str(path))
    assert (claim.is_limit, claim.at_most, claim.form) == (True, 0.85, "at-least")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LIMIT.replace("at_most: 0.85\n", ""), "'direction', 'size_percent', 'baseline' are missing. Expected either"),
        (GOOD.replace("baseline: {name: x86, architecture: x86_64}\n", ""), "'baseline' is missing. Expected either"),
        (GOOD.replace("direction: more\n", ""), "'direction' is missing. Expected either direction, size_percent"),
        (LIMIT + "at_least: 3\n", "claim.yaml:5: 'at_most' stands beside 'at_least'. Expected either"),
        (LIMIT + "size_percent: 3\n", "claim.yaml:5: 'at_most' stands beside 'size_percent'. Expected either"),
        (LIMIT.replace("0.85", "-1"), "'at_most' is -1: expected"),
        (LIMIT.replace("0.85", "cheap"), "'at_most' is 'cheap': expected a number"),
        (GOOD + "unit: tokens/s\n", "claim.yaml:11: 'unit' is that of a limit"),
    ],
)
def test_half_of_a_claim_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in complaint(tmp_path, text)
