import csv
import io
import json
from pathlib import Path

import pytest
from support.command import Aforo
from support.results_of_others import GUIDELLM, NOW
from support.stored_runs import fleet_facts, rate, stored

from profiler.cli.named_run import complete
from profiler.exchange.importing import import_result
from profiler.results.naming import short_id


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs, one of them cut off; an import; a folder of something else."""
    root = tmp_path / "runs"
    metrics = {"output_tokens_per_s": rate(843.5)}
    stored(root / "new", metrics=metrics, started_utc="2027-03-01T08:00:00Z", host={"name": "graviton"})
    stored(root / "old", level="INVALID", model__name="Other\x1b[31m model")
    (stored(root / "cut-off").folder.path / "summary.json").unlink()
    import_result(GUIDELLM, root, NOW)
    (root / "photos").mkdir()
    return root


def test_the_newest_stands_on_top_and_nothing_is_hidden(aforo: Aforo, runs: Path) -> None:
    done = aforo("list")
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("2027-03-01 08:00") < done.stdout.index("INVALID")
    for text in (
        short_id("new"),
        "graviton",
        "844",
        "no summary",
        "imported:",
        "no trust block",
        "aforo summarize runs/cut-off",
    ):
        assert text in done.stdout
    assert "1 other folder in runs holds no run." in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_filters_and_limit(aforo: Aforo, runs: Path) -> None:
    for options, expected in (
        (["--host", "GRAV"], ["new"]),
        (["--model", "other"], ["old"]),
        (["--workload", "nope"], []),
        (["--verdict", "valid"], ["new"]),
        (["--verdict", "invalid"], ["old"]),
        (["--verdict", "no-summary"], ["cut-off"]),
        (["--limit", "1"], ["new"]),
    ):
        listed = json.loads(aforo("list", "--json", *options).stdout)
        assert [Path(line["folder"]).name for line in listed] == expected
    (imported,) = json.loads(aforo("list", "--json", "--verdict", "imported").stdout)
    assert imported["verdict"] == "imported: no trust block"
    assert "The newest 1 of 4; --limit 0 lists all." in aforo("list", "--limit", "1").stdout


def test_csv_has_a_line_per_run(aforo: Aforo, runs: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(aforo("list", "runs", "--csv").stdout)))
    assert len(rows) == 4
    assert rows[0]["output_tokens_per_s"] == "843.5"
    assert rows[0]["note"] == ""


def test_an_empty_folder_and_none(aforo: Aforo, tmp_path: Path) -> None:
    missing = aforo("list")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "runs does not exist" in missing.stderr
    assert "Traceback" not in missing.stderr
    (tmp_path / "runs").mkdir()
    assert aforo("list").stdout == "No such runs in runs.\n"
    assert json.loads(aforo("list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--limit", "-1"], "--limit -1 is less than 0"), (["--json", "--csv"], "Pass one of them")],
)
def test_what_cannot_be_is_a_sentence(aforo: Aforo, runs: Path, options: list[str], said: str) -> None:
    done = aforo("list", *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_every_verb_takes_the_names_of_a_run(aforo: Aforo, runs: Path) -> None:
    new = short_id("new")
    for verb in (["summarize"], ["report", "--format", "csv"], ["export", "--to", "csv"]):
        done = aforo(*verb, new)
        assert done.returncode == 0, done.stderr
        assert aforo(*verb, "latest").stdout == done.stdout
        unknown = aforo(*verb, "0000")
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert "No run is called '0000': there are 3 runs in runs." in unknown.stderr


def test_the_shell_completes_ids(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs.parent)
    new = short_id("new")
    assert [name for name, _ in complete(new[:3])] == [new]
    assert next(complete(""))[0] == "latest"


def test_a_run_of_a_fleet_says_when_it_was_measured_and_when_it_was_collected(aforo: Aforo, tmp_path: Path) -> None:
    stored(tmp_path / "runs" / "one", host={"name": "localhost"}, fleet=fleet_facts())
    stored(tmp_path / "runs" / "two")
    listed = {line["run_id"]: line for line in json.loads(aforo("list", "--json").stdout)}
    assert (listed["one"]["started_utc"], listed["one"]["collected_utc"]) == (
        "2026-01-01T00:00:00Z",
        "2026-11-30T10:00:00Z",
    )
    assert [listed["one"][key] for key in ("host", "fleet", "cell", "transport")] == ["lab-1", "all", "m.w.r1", "ssh"]
    assert [listed["two"][key] for key in ("fleet", "cell", "transport", "collected_utc")] == [None] * 4
    assert "measured (UTC)" in aforo("list").stdout
