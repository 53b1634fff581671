"""Ids of earlier versions: what was written with them still reads."""

import json
from pathlib import Path

import pytest

from profiler.metrics.catalogue import METRICS
from profiler.results.folder import RunFolder
from profiler.results.metric_names import IN_ANY_CURRENCY, RENAMED, in_new_names
from profiler.results.summary import Summary
from profiler.summaries.estimates import parse_metric

GOLDEN = Path(__file__).parents[1] / "golden" / "v1-smoke"


def test_every_earlier_id_leads_to_a_metric_and_is_none_itself() -> None:
    assert set(RENAMED.values()) <= METRICS.keys()
    assert not RENAMED.keys() & METRICS.keys()


def test_metrics_in_usd_are_those_that_another_has_taken_the_place_of() -> None:
    assert {name: spec.instead for name, spec in METRICS.items() if spec.instead} == IN_ANY_CURRENCY


def test_a_summary_of_an_earlier_version_reads_by_the_ids_of_this_one() -> None:
    old = '"kernel_user_gap_us"'
    assert old in (GOLDEN / "summary.json").read_text("utf-8")
    metrics = RunFolder(GOLDEN).read_summary().metrics
    assert "read_lag_us" in metrics
    assert not metrics.keys() & RENAMED.keys()


def test_a_summary_is_written_with_both_ids_for_programs_that_know_the_earlier_ones() -> None:
    summary = RunFolder(GOLDEN).read_summary()
    written = json.loads(summary.model_dump_json())["metrics"]
    renamed = {old: new for old, new in RENAMED.items() if new in summary.metrics}
    assert "kernel_user_gap_us" in renamed
    assert {old: written[old] for old in renamed} == {old: written[new] for old, new in renamed.items()}
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_a_number_in_usd_is_also_one_in_its_currency() -> None:
    assert in_new_names({"usd_per_request": 1, "ttft_ms": 2}) == {
        "usd_per_request": 1,
        "cost_per_request": 1,
        "ttft_ms": 2,
    }


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_claims_and_gates_take_the_earlier_id(old: str, new: str) -> None:
    assert parse_metric(old) == (new, None)
