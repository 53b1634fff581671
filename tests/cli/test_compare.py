"""`aforo compare` from end to end, on folders."""

import csv
import io
import json
import shutil

import pytest
from support.stored_runs import rate, stored


@pytest.fixture
def runs(tmp_path):
    """A folder with two runs, of 1 and 2 threads."""
    for number, value in ((1, 100.0), (2, 120.0)):
        metrics = {"output_tokens_per_s": rate(value - 1, value, value + 1)}
        stored(tmp_path / "runs" / f"run-{number}", metrics=metrics, repeats=3, engine__threads=number)
    return tmp_path / "runs"


def test_a_folder_of_runs_becomes_a_page_and_a_table(aforo, runs, tmp_path):
    done = aforo("compare", "runs", "--drift", "1%")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Comparison  comparison.html"
    assert "r1 threads 1" in done.stdout
    assert "▲ +20" in done.stdout
    assert "2 runs side by side" in (tmp_path / "comparison.html").read_text("utf-8")
    assert sorted(path.name for path in runs.iterdir()) == ["run-1", "run-2"]


def test_of_one_run_each_the_table_has_a_ratio_and_no_verdict(aforo, runs):
    done = aforo("compare", "runs")
    said = " ".join(done.stdout.split())
    assert said.startswith("Which is better cannot be told from one run each")
    assert "+20.0" in said
    assert "▲" not in said
    assert "from within that run" in said


def test_the_same_runs_give_the_same_bytes(aforo, runs, tmp_path):
    for name in ("a.html", "b.html"):
        assert aforo("compare", "runs", "--out", name, "--quiet").returncode == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize("option", [["--json"], ["--format", "json"]])
def test_json_is_all_that_is_printed(aforo, runs, option):
    document = json.loads(aforo("compare", "runs", *option).stdout)
    assert [run["name"] for run in document["runs"]] == ["r1", "r2"]


def test_csv_and_markdown_are_printed_or_written(aforo, runs, tmp_path):
    rows = list(csv.DictReader(io.StringIO(aforo("compare", "runs", "--format", "csv").stdout)))
    assert [row["threads"] for row in rows] == ["1", "2"]
    assert aforo("compare", "runs", "--format", "markdown").stdout.startswith("## 2 runs side by side")
    assert aforo("compare", "runs", "--out", "c.md").returncode == 0
    assert (tmp_path / "c.md").read_text("utf-8").startswith("## 2 runs side by side")


def test_another_baseline(aforo, runs):
    document = json.loads(aforo("compare", "runs", "--json", "--baseline", "runs/run-2", "--drift", "1%").stdout)
    assert document["baseline"] == "r2"
    assert document["differences"][0]["output_tokens_per_s"]["outcome"] == "worse"


def test_what_cannot_be_compared_is_named_and_the_rest_is_compared(aforo, runs):
    (runs / "run-2" / "summary.json").unlink()
    stored(runs / "run-3", metrics={"output_tokens_per_s": rate(99.0, 100.0)}, repeats=2)
    stored(runs / "run-4", level="INVALID")
    shutil.copytree(runs / "run-1", runs / "run-5")
    done = aforo("compare", "runs")
    assert done.returncode == 0, done.stderr
    refused = [line for line in done.stderr.splitlines() if "not compared" in line]
    assert len(refused) == 3
    assert "aforo summarize" in refused[0]
    assert "pass --force" in refused[1]
    assert "is the same run as" in refused[2]
    forced = json.loads(aforo("compare", "runs", "--force", "--json").stdout)
    assert "run-4" in [run["run_id"] for run in forced["runs"]]
    assert (forced["has_invalid_runs"], forced["conclusion"][:27]) == (True, "With INVALID runs (--force)")


def test_runs_that_do_not_measure_the_same_are_refused_by_field(aforo, runs):
    stored(runs / "run-3", model__quantisation="Q4_0")
    done = aforo("compare", "runs/run-1", "runs/run-3")
    assert done.returncode == 2
    assert "quantisation: Q4_0 (r2); not known (r1)" in done.stderr
    assert "r2 is run-3" in done.stderr
    assert "--allow-mismatch quantisation" in done.stderr
    assert aforo("compare", "runs", "--allow-mismatch", "quantisation").returncode == 0


def test_runs_that_do_not_measure_the_same_are_compared_in_sets(aforo, runs, tmp_path):
    for number in (3, 4):
        stored(runs / f"run-{number}", model__quantisation="Q4_0", engine__threads=number)
    stored(runs / "run-5", model__quantisation="Q4_0", workload__output_tokens=77)
    done = aforo("compare", "runs", "--baseline", "latest")
    assert done.returncode == 0, done.stderr
    assert "run-5 measures what no other run here does: it differs in workload.output" in done.stderr
    assert "Comparison  comparison.html" in done.stdout
    assert done.stdout.splitlines()[-1] == "Comparison  comparison-2.html"
    assert "2 runs side by side, set 1 of 2" in (tmp_path / "comparison.html").read_text("utf-8")
    assert "2 runs side by side, set 2 of 2" in (tmp_path / "comparison-2.html").read_text("utf-8")
    document = json.loads(aforo("compare", "runs", "--json", "--baseline", "run-4").stdout)
    assert [[run["run_id"] for run in one["runs"]] for one in document["sets"]] == [
        ["run-3", "run-4"],
        ["run-1", "run-2"],
    ]
    assert document["sets"][0]["baseline"] == "r2"
    assert aforo("compare", "runs", "--format", "markdown").stdout.count("## 2 runs side by side, set ") == 2
    refused = aforo("compare", "runs", "--format", "csv")
    assert refused.returncode == 2
    assert "The runs are 2 comparable sets, and a CSV holds one." in refused.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["runs/run-1"], "needs at least two runs, and one run is left"),
        (["runs", "no-such-folder"], "No run is called 'no-such-folder'"),
        (["runs", "--baseline", "r9"], "--baseline r9: none of the compared runs"),
        (["runs", "--out", "comparison.docx"], "--out comparison.docx: its ending does not say the format"),
        (["runs", "--drift", "3"], "--drift 3: expected a percentage from 0% to below 100%, such as 5%."),
        (["runs", "--drift", "0%"], "no machine repeats itself exactly"),
        (["runs", "--json", "--format", "csv"], "Expected one format, found csv and json"),
        (["runs", "--out", "no/such/folder/c.html"], "Cannot write no/such/folder/c.html"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(aforo, runs, options, words):
    done = aforo("compare", *options)
    assert done.returncode in {1, 2}
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_picture_without_a_browser_says_what_to_do(aforo, runs, monkeypatch):
    monkeypatch.setenv("AFORO_CHROMIUM", "/no/such/browser")
    done = aforo("compare", "runs", "--out", "c.png")
    assert done.returncode == 2
    assert "AFORO_CHROMIUM names /no/such/browser" in done.stderr


@pytest.mark.browser
def test_a_picture(aforo, runs, tmp_path):
    done = aforo("compare", "runs", "--out", "c.png", "--quiet")
    if "needs a browser" in done.stderr:
        pytest.skip("no Chromium: install one (apt install chromium), or name it in AFORO_CHROMIUM")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_journals_are_never_read(aforo, runs):
    for run in runs.iterdir():
        (run / "requests.jsonl").write_text("no JSON\n", encoding="utf-8")
    assert aforo("compare", "runs", "--json").returncode == 0
