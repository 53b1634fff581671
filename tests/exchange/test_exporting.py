import csv
import io
import json
from pathlib import Path

import pytest
from support.results_of_others import GUIDELLM, NOW
from support.stored_runs import stored

from profiler.errors import RunFolderError, UsageError
from profiler.exchange.exporting import as_csv, as_jsonl, as_vllm, open_for_export, rows_of
from profiler.exchange.importing import import_result
from profiler.exchange.tables import TABLES


def test_one_load_is_one_json_object(tmp_path: Path) -> None:
    stored(tmp_path / "run")
    assert json.loads(as_vllm(open_for_export(tmp_path / "run"), None))["aforo_run_id"] == "run"


def test_several_loads_are_one_object_a_line_or_the_one_that_is_named(tmp_path: Path) -> None:
    points = [{"name": "c1", "concurrency": 1}, {"name": "c2", "concurrency": 2}]
    stored(tmp_path / "run", points=points)
    run = open_for_export(tmp_path / "run")
    assert [json.loads(line)["max_concurrency"] for line in as_vllm(run, None).splitlines()] == [1, 2]
    assert json.loads(as_vllm(run, "c2"))["aforo_point"] == "c2"
    with pytest.raises(UsageError, match=r"--point c9 is no load of .* Expected one of c1, c2"):
        as_vllm(run, "c9")


def test_rows_become_csv_that_reads_back(tmp_path: Path) -> None:
    stored(tmp_path / "run", model__name='a "quoted", name')
    run, notes = open_for_export(tmp_path / "run"), list[str]()
    (row,) = csv.DictReader(io.StringIO("".join(as_csv(*rows_of(run, "runs", notes)))))
    assert row["model"] == 'a "quoted", name'
    assert (row["is_synthetic"], row["cpu"]) == ("true", "")
    assert list(row) == [column.name for column in TABLES["runs"].columns]


def test_rows_become_json_lines_that_read_back(tmp_path: Path) -> None:
    stored(tmp_path / "run")
    _, rows = rows_of(open_for_export(tmp_path / "run"), "requests", [])
    found = [json.loads(line) for line in as_jsonl(rows)]
    assert [row["index"] for row in found] == [0, 1]
    assert found[0]["ttft_ms"] == 10.0


def test_what_cannot_be_exported_is_a_sentence(tmp_path: Path) -> None:
    (stored(tmp_path / "cut-off").folder.path / "summary.json").unlink()
    imported, _ = import_result(GUIDELLM, tmp_path, NOW)
    for folder, said in (
        (tmp_path / "cut-off", "has no summary.json. Make it first: aforo summarize"),
        (imported, "not a run but a result of another tool"),
        (tmp_path, "not a run folder"),
        (tmp_path / "nowhere", "not a run folder"),
    ):
        with pytest.raises(RunFolderError, match=said):
            open_for_export(folder)
