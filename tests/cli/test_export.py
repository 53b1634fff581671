import json
import os
import subprocess
from pathlib import Path

import pytest
from support.command import AFORO, Aforo
from support.extras import needed
from support.stored_runs import stored


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return stored(tmp_path / "run").folder.path


def test_to_standard_output_or_to_a_file(aforo: Aforo, run: Path, tmp_path: Path) -> None:
    printed = aforo("export", "run", "--to", "vllm")
    assert json.loads(printed.stdout)["completed"] == 2
    assert aforo("export", "run", "--to", "vllm", "--out", "v.json").stdout == ""
    assert (tmp_path / "v.json").read_text() == printed.stdout


def test_tables_as_text(aforo: Aforo, run: Path) -> None:
    assert aforo("export", "run", "--to", "csv").stdout.startswith("run_id,point,index,")
    assert aforo("export", "run", "--to", "csv", "--table", "metrics").stdout.startswith("run_id,point,concurrency,")
    lines = aforo("export", "run", "--to", "jsonl").stdout.splitlines()
    assert [json.loads(line)["ttft_ms"] for line in lines] == [10.0, 10.0]


def test_parquet(aforo: Aforo, run: Path, tmp_path: Path) -> None:
    duckdb = needed("duckdb")
    done = aforo("export", "run", "--to", "parquet", "--out", "r.parquet")
    assert done.returncode == 0, done.stderr
    assert duckdb.read_parquet(str(tmp_path / "r.parquet")).fetchall()[0][0] == "run"


def test_an_invalid_run_says_so(aforo: Aforo, tmp_path: Path) -> None:
    stored(tmp_path / "run", level="INVALID")
    done = aforo("export", "run", "--to", "vllm")
    assert done.returncode == 0
    assert json.loads(done.stdout)["aforo_verdict"] == "INVALID"
    assert "not reliable" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--to", "csv"], "No run is called 'nowhere'"),
        (["run", "--to", "parquet"], "pass a file: --out"),
        (["run", "--to", "csv", "--point", "c1"], "--point goes with --to vllm"),
        (["run", "--to", "vllm", "--point", "c9"], "--point c9 is no load"),
        (["run", "--to", "xml"], "'jsonl'"),
        (["run"], "--to"),
    ],
)
def test_what_cannot_be_is_a_sentence(aforo: Aforo, run: Path, arguments: list[str], said: str) -> None:
    done = aforo("export", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_a_sentence(aforo: Aforo, run: Path) -> None:
    done = aforo("export", "run", "--to", "csv", "--out", "no/such/folder.csv")
    assert done.returncode == 1
    assert "Cannot write no/such/folder.csv" in done.stderr


def test_the_shell_completes_forms(aforo: Aforo) -> None:
    words = {"COMP_WORDS": "aforo export run --to ", "COMP_CWORD": "4", "_AFORO_COMPLETE": "complete_bash"}
    done = subprocess.run([AFORO], env={**os.environ, **words}, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["vllm", "csv", "parquet", "jsonl", "reference"]
