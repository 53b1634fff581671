"""`aforo report` in every form, on a run that was measured once."""

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.checkout import ROOT
from support.command import AFORO, Aforo

from profiler.results.metric_names import RENAMED


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests/golden/v1-smoke", tmp_path / "smoke"))


def test_the_page_is_written_into_the_run_or_elsewhere(aforo: Aforo, run: Path, tmp_path: Path) -> None:
    assert aforo("report", str(run)).stdout.strip() == str(run / "report.html")
    assert aforo("report", str(run), "--out", "other.html").returncode == 0
    assert (tmp_path / "other.html").read_bytes() == (run / "report.html").read_bytes()


def test_other_forms_are_printed(aforo: Aforo, run: Path, tmp_path: Path) -> None:
    assert aforo("report", str(run), "--format", "markdown").stdout.startswith("## ")
    rows = list(csv.DictReader(io.StringIO(aforo("report", str(run), "--format", "csv").stdout)))
    found = json.loads(aforo("report", str(run), "--format", "json").stdout)
    assert [row["metric"] for row in rows] == [name for name in found["metrics"] if name not in RENAMED]
    assert aforo("report", str(run), "--out", "table.csv").returncode == 0
    assert (tmp_path / "table.csv").read_text("utf-8").startswith("run_id,load,metric,unit,value,low,high")


def test_what_cannot_be_written(aforo: Aforo, run: Path) -> None:
    nameless = aforo("report", str(run), "--out", "report.txt")
    assert (nameless.returncode, "its ending does not say the format" in nameless.stderr) == (2, True)
    nowhere = aforo("report", str(run), "--out", "no/such/folder.csv")
    assert (nowhere.returncode, "Pass --out with another file" in nowhere.stderr) == (1, True)


def test_a_picture_without_a_browser_is_refused_with_the_remedy(run: Path) -> None:
    done = subprocess.run(
        [AFORO, "report", str(run), "--png"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AFORO_CHROMIUM": "/no/browser"},
    )
    assert done.returncode == 2
    assert "apt install chromium" in done.stderr
    assert not (run / "report.png").exists()
