"""`measured.json`: what is written is what is read, the schema holds, and another tool can rank from it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.loads import price, sweeps, swept
from support.stored_runs import GOLDEN

from profiler.content import content
from profiler.errors import RunFolderError, UsageError
from profiler.results.manifest import CostFacts, Source, TokenPriceFacts
from profiler.results.run_set import StoredRun, read_runs
from profiler.selection.exporting import measured_file
from profiler.selection.measured import MeasuredFile, as_text, json_schema, json_schema_text, read_measured

FAST = {1: (100.0, 100.0), 8: (500.0, 400.0)}
SLOW = {1: (60.0, 150.0), 8: (380.0, 430.0)}
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "rank_measured.py"


def some_runs() -> list[StoredRun]:
    return [*sweeps("fast", FAST, cost=price(1)), *sweeps("slow", SLOW, cost=price(1)), swept("alone", SLOW)]


@pytest.fixture
def file() -> MeasuredFile:
    return measured_file(some_runs())


def test_the_schema_that_is_published_is_the_one_of_the_classes() -> None:
    published = content("reports") / "measured.schema.json"
    assert published.read_text("utf-8") == json_schema_text(), (
        "aforo export-scores --schema > reports/measured.schema.json"
    )
    Draft202012Validator.check_schema(json_schema())


def test_what_is_written_keeps_the_schema_and_reads_back_as_it_was(file: MeasuredFile, tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text(as_text(file), "utf-8")
    Draft202012Validator(json_schema()).validate(json.loads(path.read_text("utf-8")))
    assert read_measured(path) == file


def test_what_an_endpoint_charges_by_the_token_is_written() -> None:
    source = Source(name="flag", title="list price", date="2026-11")
    charged = TokenPriceFacts(input_per_1m=3.0, output_per_1m=15.0, currency="USD", source=source)
    found = measured_file([swept("alone", SLOW, cost=CostFacts(token_price=charged))])
    Draft202012Validator(json_schema()).validate(json.loads(as_text(found)))
    for one in found.measured:
        assert one.price is None
        assert json.loads(one.model_dump_json())["token_price"] == {
            "input_per_1m": 3.0,
            "output_per_1m": 15.0,
            "cached_input_per_1m": None,
            "currency": "USD",
            "source": "list price",
            "date": "2026-11",
        }


def test_a_recorded_run_is_exported(tmp_path: Path) -> None:
    runs, _ = read_runs([GOLDEN], allow_invalid=True)
    found = measured_file(runs, allow_invalid=True)
    Draft202012Validator(json_schema()).validate(json.loads(as_text(found)))
    (one,) = found.measured
    summary = runs[0].summary
    rate = summary.metrics["output_tokens_per_s"]
    assert one.metrics["output_tokens_per_s"].value == rate.value  # type: ignore[union-attr]
    assert one.metrics["ttft_ms.p50"].value == summary.metrics["ttft_ms"].quantiles["p50"]  # type: ignore[union-attr]
    assert one.runs == [runs[0].name]
    assert one.verdict.level == (summary.verdict.level if summary.verdict else None)


def test_a_number_has_interval_class_and_provenance(file: MeasuredFile) -> None:
    assert [(one.label, one.load.name, len(one.runs)) for one in file.measured] == [
        *(("fast", "c1", 3), ("fast", "c8", 3), ("slow", "c1", 3), ("slow", "c8", 3)),
        *(("alone", "c1", 1), ("alone", "c8", 1)),
    ]
    cost = file.measured[1].metrics["cost_per_1m_output_tokens"]
    assert (cost.unit, cost.interval, cost.freedom, cost.rests_on) == ("USD/1M tokens", "between runs", 2.0, ["price"])
    assert cost.provenance == "price: made up, 2026-11"
    assert cost.low is not None
    assert cost.value is not None
    assert cost.high is not None
    assert cost.low < cost.value < cost.high
    alone = file.measured[-1]
    assert alone.metrics["output_tokens_per_s"].interval == "within the run"
    assert alone.metrics["ttft_ms.p95"].provenance == "client, kernel timestamps"
    assert "cost_per_1m_output_tokens" not in alone.metrics
    assert "cost_per_1m_output_tokens" in alone.not_measured


def test_invalid_loads_are_left_out_unless_they_are_allowed() -> None:
    runs = [swept("a", FAST, invalid=[8])]
    assert [one.load.name for one in measured_file(runs).measured] == ["c1"]
    forced = measured_file(runs, allow_invalid=True)
    assert [(one.load.name, one.verdict.level) for one in forced.measured] == [("c1", "VALID"), ("c8", "INVALID")]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", UsageError, "is not JSON"),
        ("[]", UsageError, "holds no measured scores"),
        ('{"format": "aforo-measured-scores", "format_version": 2}', RunFolderError, "format_version is 2"),
        ('{"format": "aforo-measured-scores", "format_version": 1}', UsageError, "made_by: Field required"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    path = tmp_path / "measured.json"
    path.write_text(text, "utf-8")
    with pytest.raises(error, match=message):
        read_measured(path)


def test_a_file_of_a_newer_minor_form_is_read(file: MeasuredFile, tmp_path: Path) -> None:
    document = json.loads(as_text(file)) | {"added_later": 1}
    path = tmp_path / "measured.json"
    path.write_text(json.dumps(document), "utf-8")
    assert read_measured(path) == file


def test_the_example_of_the_docs_ranks_with_another_tool(file: MeasuredFile, tmp_path: Path) -> None:
    pytest.importorskip("pymcdm")
    path = tmp_path / "measured.json"
    path.write_text(as_text(file), "utf-8")
    done = subprocess.run([sys.executable, str(EXAMPLE), str(path), "500"], capture_output=True, text=True, check=True)
    # better in everything: the ideal, and the one furthest from it
    assert done.stdout.splitlines() == ["1.000  fast at 8 in flight", "0.000  slow at 8 in flight"]


def test_the_interval_of_runs_that_are_all_alike_is_said_to_be_within_one() -> None:
    runs = [swept("a", {8: (500.0, 400.0)}, number=number) for number in (1, 2, 3)]
    (one,) = measured_file(runs).measured
    rate = one.metrics["output_tokens_per_s"]
    assert (rate.value, rate.low, rate.interval) == (500.0, 495.0, "within the run")
    (drifting,) = measured_file(runs, drift_ratio=0.03).measured
    assert drifting.metrics["output_tokens_per_s"].interval == "between runs"
