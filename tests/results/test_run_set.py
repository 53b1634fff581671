import json
from pathlib import Path

import pytest
from support.stored_runs import GOLDEN, stored

from profiler.results.run_set import find_runs, read_runs


def test_a_run_stands_for_itself_and_a_folder_for_the_runs_below_it(tmp_path: Path) -> None:
    for name in ("b", "a", "deep/er/c", "a/inner", ".hidden/d"):
        stored(tmp_path / name)
    (tmp_path / "empty").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_runs([tmp_path])]
    assert found == ["a", "b", "deep/er/c"]
    assert list(find_runs([tmp_path / "b", tmp_path / "a"])) == [tmp_path / "b", tmp_path / "a"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    stored(tmp_path / "elsewhere" / "run")
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    (chosen / "a").symlink_to(tmp_path / "elsewhere" / "run")
    (chosen / "round").symlink_to(chosen)
    assert list(find_runs([chosen])) == [chosen / "a"]


def test_runs_are_read_in_the_order_given(tmp_path: Path) -> None:
    for name in ("a", "b"):
        stored(tmp_path / name)
    runs, refused = read_runs([tmp_path / "b", GOLDEN, tmp_path / "a"])
    assert [run.folder.path for run in runs] == [tmp_path / "b", GOLDEN, tmp_path / "a"]
    assert not refused
    assert runs[0].name == "b"
    assert runs[1].summary.requests_ok == 12


def test_what_cannot_be_compared_is_a_sentence_and_the_rest_is_read(tmp_path: Path) -> None:
    stored(tmp_path / "1-good")
    stored(tmp_path / "2-again", run_id="1-good")
    stored(tmp_path / "3-nothing", requests=[])
    stored(tmp_path / "4-invalid", level="INVALID")
    stored(tmp_path / "5-unjudged", level=None)
    (stored(tmp_path / "6-cut-off").folder.path / "summary.json").unlink()
    (stored(tmp_path / "7-no-manifest").folder.path / "run.json").unlink()
    (stored(tmp_path / "8-damaged").folder.path / "summary.json").write_text("{")
    moved = stored(tmp_path / "9-mixed-up")
    moved.folder.write_summary(moved.summary.model_copy(update={"run_id": "another"}))
    runs, refused = read_runs([tmp_path])
    assert [run.name for run in runs] == ["1-good"]
    said = {one.path.name: one.sentence for one in refused}
    assert list(said) == sorted(path.name for path in tmp_path.iterdir())[1:]
    for name, expected in {
        "2-again": "the same run as",
        "3-nothing": "no finished request",
        "4-invalid": "is INVALID",
        "5-unjudged": "aforo summarize",
        "6-cut-off": f"aforo summarize {tmp_path / '6-cut-off'}",
        "7-no-manifest": "no run.json",
        "8-damaged": "cannot be read",
        "9-mixed-up": "summary.json is that of another",
    }.items():
        assert expected in said[name]
        assert str(tmp_path / name) in said[name]


def test_an_invalid_run_is_taken_by_name(tmp_path: Path) -> None:
    stored(tmp_path / "run", level="INVALID")
    runs, refused = read_runs([tmp_path], allow_invalid=True)
    assert [run.name for run in runs] == ["run"]
    assert not refused


@pytest.mark.parametrize(("version", "says"), [(99, "Install a newer Aforo"), (0, "damaged"), (None, "newer Aforo")])
@pytest.mark.parametrize("file", ["run.json", "summary.json"])
def test_a_format_that_is_not_known_is_said(tmp_path: Path, file: str, version: int | None, says: str) -> None:
    path = stored(tmp_path / "run").folder.path / file
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": version}))
    runs, refused = read_runs([tmp_path])
    assert not runs
    assert f"format_version is {version}" in refused[0].sentence
    assert says in refused[0].sentence


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / "file.txt", tmp_path / "empty", tmp_path / "nowhere"]
    runs, refused = read_runs(paths)
    assert not runs
    assert [one.path for one in refused] == paths
    assert "is not a folder" in refused[0].sentence
    assert "holds no run folder" in refused[1].sentence
    assert "is not a folder" in refused[2].sentence
