"""`aforo cheapest` from the command line."""

import json
from pathlib import Path

import pytest
from support.loads import price, sweeps, swept
from support.results_of_others import GUIDELLM
from support.stored_runs import GOLDEN
from typer.testing import CliRunner

from profiler.cli import app
from profiler.errors import UsageError
from profiler.options import declared
from profiler.selection.options import TargetOptions

FAST = {1: (100.0, 100.0), 8: (500.0, 400.0)}
SLOW = {1: (60.0, 150.0), 8: (380.0, 430.0)}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for host, loads in (("fast", FAST), ("slow", SLOW)):
        for number, factor in enumerate((0.99, 1.0, 1.01), start=1):
            at = {c: (rate * factor, ttft / factor) for c, (rate, ttft) in loads.items()}
            swept(host, at, cost=price(1), number=number, folder=folder / f"{host}-{number}")
    assert sweeps("fast", FAST)  # the same by hand
    return folder


def test_json_markdown_and_csv_are_printed(runs: Path) -> None:
    words = ["cheapest", str(runs), "--ttft-p95", "500", "--per-user-tokens-per-s", "20", "-q"]
    document = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert document["is_certain"] is True
    assert document["candidates"][0]["host"] == "fast"
    assert CliRunner().invoke(app, [*words, "--format", "markdown"]).stdout.startswith("## Cheapest at the target")
    assert CliRunner().invoke(app, [*words, "--format", "csv"]).stdout.startswith("candidate,label,host")


def test_the_page_is_written_and_the_table_printed(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    words = ["cheapest", str(runs), "--at-most", "ttft_ms.p90=500", "--demand", "40 users", "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert out.read_text("utf-8").startswith("<!doctype html>")
    assert "is cheapest with a probability of" in done.output
    assert f"Page  {out}" in done.output


def test_slos_of_requests_are_judged_from_the_records(tmp_path: Path) -> None:
    words = ["cheapest", str(GOLDEN), "--slo-ttft-ms", "60000", "--attainment", "0.5", "--json", "-q"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (load,) = json.loads(done.stdout)["candidates"][0]["loads"]
    (answer,) = load["targets"]
    assert answer["constraint"] == "Met SLOs at least 50.0 %"
    assert answer["seen"]["value"] == 1.0  # each within a minute


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "No target is given"),
        (["--ttft-p95", "-3"], "--ttft-p95 -3: expected 0 or more"),
        (["--attainment", "0.9"], "--attainment is for --slo-ttft-ms, --slo-tpot-ms or --slo-e2e-ms"),
        (["--at-most", "ttft=3"], "There is no metric 'ttft'"),
        (["--ttft-p95", "500", "--licence-class", "free"], "expected one of permissive"),
        (["--ttft-p95", "500", "--demand", "lots"], "--demand 'lots': expected a number"),
        (["--ttft-p95", "500", "--facts", "nowhere.yaml"], "nowhere.yaml does not exist"),
        (["--ttft-p95", "500", "--json", "--png"], "Expected one format"),
    ],
)
def test_what_cannot_be_asked(runs: Path, words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["cheapest", str(runs), "-q", *words])
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)


def test_a_folder_without_runs_says_why(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["cheapest", str(tmp_path), "--ttft-p95", "500", "-q"])
    assert isinstance(done.exception, UsageError)
    assert "No run is left to choose from." in str(done.exception)
    assert "holds no run folder" in str(done.exception)


def test_what_another_tool_measured_is_not_considered_and_says_so(runs: Path, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["import", str(GUIDELLM), "--out", str(tmp_path / "imports")])
    words = ["cheapest", str(runs), str(tmp_path / "imports"), "--ttft-p95", "500", "-q", "--json"]
    (refused,) = json.loads(CliRunner().invoke(app, words).stdout)["refused"]
    assert "imports" in refused["path"]
    assert "another tool" in refused["sentence"]


def test_metrics_of_limits_are_completed() -> None:
    (at_most,) = (each for each in declared(TargetOptions) if each.name == "at_most")
    assert at_most.complete is not None
    assert at_most.complete("ttft_m") == ["ttft_ms="]
