"""`aforo export-scores` from the command line."""

import json
from pathlib import Path

import pytest
from support.stored_runs import GOLDEN
from typer.testing import CliRunner

from profiler.cli import app
from profiler.content import content
from profiler.errors import UsageError
from profiler.selection.measured import read_measured


def test_a_file_is_written(tmp_path: Path) -> None:
    out = tmp_path / "measured.json"
    done = CliRunner().invoke(app, ["export-scores", str(GOLDEN), "--force", "--out", str(out)])
    assert (done.exit_code, done.stdout) == (0, f"Scores  {out}\n")
    assert read_measured(out).measured[0].workload.startswith("smoke@")


def test_without_a_file_it_is_printed() -> None:
    done = CliRunner().invoke(app, ["export-scores", str(GOLDEN), "--force"])
    assert json.loads(done.stdout)["format"] == "aforo-measured-scores"


def test_the_schema_is_printed() -> None:
    done = CliRunner().invoke(app, ["export-scores", "--schema"])
    assert done.stdout == (content("reports") / "measured.schema.json").read_text("utf-8")


@pytest.mark.parametrize(("words", "message"), [([], "No run is given"), (["nowhere/at-all"], "No run")])
def test_without_runs(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["export-scores", *words])
    assert done.exit_code != 0
    assert message in (str(done.exception) if isinstance(done.exception, UsageError) else done.output)
