"""Profiles: the shipped ones, and every mistake in one's own with line and remedy."""

from pathlib import Path

import pytest

from profiler.errors import ProfileError
from profiler.selection.profile import available, load

GOOD = """id: mine
version: 1
title: Mine
description: For a test.
constraints:
  - metric: ttft_ms.p95
    at_most: 500
    why: it is promised
  - fact: licence_class
    wanted: [permissive]
    why: it is sold
criteria:
  - metric: cost_per_1m_output_tokens
    weight: 3
    baseline: 1
    why: money
  - metric: ttft_ms.p50
    weight: 1
    baseline: 300
    why: pace
"""


def complaint(folder: Path, text: str) -> str:
    path = folder / "profile.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ProfileError) as caught:
        load(str(path))
    return str(caught.value).replace(f"{folder}/", "")


def test_the_six_shipped_profiles_say_why_everything_in_them_counts() -> None:
    shipped = {profile.id: profile for profile in available()}
    assert set(shipped) == {
        "startup-chatbot", "batch-summarisation", "on-device", "greenest", "cheapest-under-slo", "multilingual-support",
    }  # fmt: skip
    for profile in shipped.values():
        assert sum(profile.own_weights) == pytest.approx(1.0)
        assert all(one.baseline and one.why for one in profile.criteria)
        assert all(one.why for one in profile.constraints)
    # only the order is stated: (1 + 1/2 + 1/3)/3, (1/2 + 1/3)/3, (1/3)/3
    assert shipped["multilingual-support"].own_weights == pytest.approx((11 / 18, 5 / 18, 2 / 18))


def test_weights_may_be_in_any_unit(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, "utf-8")
    assert load(str(path)).own_weights == (0.75, 0.25)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("weight: 3", "weight: -3", "profile.yaml:14: 'criteria.0.weight' is -3: expected a number from 0"),
        ("weight: 3", "wieght: 3", "profile.yaml:14: unknown key 'criteria.0.wieght'. Did you mean"),
        ("    weight: 3\n", "", "profile.yaml:13: the key 'weight' is missing. Give one, or 'weights: order'"),
        ("metric: ttft_ms.p50", "metric: tftt_ms.p50", "yaml:17: There is no metric 'tftt_ms'. Did you mean 'ttft_ms"),
        ("metric: ttft_ms.p50", "metric: tokens_per_read", "neither less nor more is better"),
        ("metric: ttft_ms.p50", "metric: slo_attainment_ratio", "profile.yaml:17: slo_attainment_ratio is a share"),
        ("metric: ttft_ms.p50", "metric: quality_exact_match", "profile.yaml:17: quality_exact_match is a share"),
        ("baseline: 300", "baseline: 300\n    floor: 0.1", "'floor' is for shares, and ttft_ms is in ms"),
        ("baseline: 300", "baseline: 0", "profile.yaml:19: 'criteria.1.baseline' is 0: expected a number above 0"),
        ("at_most: 500", "at_moist: 500", "Did you mean 'constraints.0.at_most'?"),
        ("    at_most: 500\n", "", "profile.yaml:6: the constraint on ttft_ms.p95 needs 'at_most' or 'at_least'"),
        ("metric: ttft_ms.p95", "metric: ttft_ms.p42", "profile.yaml:6: 'ttft_ms.p42': expected one of"),
        ("fact: licence_class", "fact: licence_clas", "There is no fact 'licence_clas'. Did you mean 'licence_class'?"),
        ("[permissive]", "[permisive]", "profile.yaml:9: licence_class 'permisive': expected one of"),
        ("licence_class\n    wanted: [permissive]", "context_tokens\n    at_most: 5", "is given by 'at_least'"),
        ("fact: licence_class", "fact: energy_class", "energy class 'permissive': expected one of"),
        ("- fact: licence_class", "- metric: ttft_ms\n    fact: licence_class", "expected one of 'metric' and 'fact'"),
        ("title: Mine", "title: Mine\nweights: order", "a weight stands beside 'weights: order'"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_line_and_a_remedy(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in complaint(tmp_path, GOOD.replace(old, new, 1))


def test_weights_that_are_all_0_are_refused(tmp_path: Path) -> None:
    text = GOOD.replace("weight: 3", "weight: 0").replace("weight: 1", "weight: 0")
    assert "all weights are 0" in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("one", "other", "thing"),
    [
        ("cost_per_1m_output_tokens", "output_tokens_per_s", "the work that an hour brings"),
        ("cost_per_request", "cost_per_1m_total_tokens", "the work that an hour brings"),
        ("goodput_rps", "output_tokens_per_currency", "the work that an hour brings"),
        ("energy_j_per_output_token", "gco2e_per_1m_output_tokens", "the energy of the work"),
        ("cost_per_1m_output_tokens", "gco2e_embodied_per_1m_output_tokens", "the work that an hour brings"),
        ("ttft_ms.p50", "ttft_ms.p95", "the same metric"),
        ("tpot_ms.p50", "decode_tokens_per_s", "the time of a token"),
        ("e2e_ms.p50", "tpot_ms.p50", "the time of a token"),
        ("e2e_ms.p50", "ttft_ms.p50", "the time until the first token"),
        ("gco2e_per_1k_correct_answers", "cost_per_correct_answer", "correct_ratio"),
    ],
)
def test_one_thing_under_two_names_is_refused(tmp_path: Path, one: str, other: str, thing: str) -> None:
    text = GOOD.replace("metric: ttft_ms.p50", f"metric: {other}")
    text = text.replace("metric: cost_per_1m_output_tokens", f"metric: {one}")
    assert f"{other} and {one} measure one thing, {thing}, which would count twice" in complaint(tmp_path, text)


def test_what_weighs_nothing_does_not_count_twice(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = GOOD.replace("metric: ttft_ms.p50", "metric: output_tokens_per_s").replace("weight: 1", "weight: 0")
    path.write_text(text, "utf-8")
    assert load(str(path)).own_weights == (1.0, 0.0)


def test_cost_and_energy_and_latencies_of_different_work_may_stand_together(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("ttft_ms.p50", "energy_j_per_output_token"), "utf-8")
    assert len(load(str(path)).criteria) == 2


def test_more_of_a_share_than_there_is_is_refused(tmp_path: Path) -> None:
    share = GOOD.replace("metric: cost_per_1m_output_tokens", "metric: correct_ratio\n    floor: 0.01")
    share = share.replace("baseline: 1\n", "baseline: 85\n", 1)
    assert "correct_ratio is a share of at most 1, and its baseline is 85" in complaint(tmp_path, share)
