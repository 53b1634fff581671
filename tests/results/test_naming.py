"""Which run is meant: paths, `latest` and ids."""

from pathlib import Path

import pytest
from support.stored_runs import stored

from profiler.errors import UsageError
from profiler.results.naming import find_run, named_runs, short_id


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, day in (("first", 1), ("second", 2), ("third", 3)):
        stored(Path("runs") / name, run_id=f"run-{name}", started_utc=f"2027-03-0{day}T08:00:00Z")
    return tmp_path


def test_a_folder_is_itself_whatever_it_is_called(runs: Path) -> None:
    Path("latest").mkdir()
    assert find_run("latest") == Path("latest")
    assert find_run("runs/first") == Path("runs/first")
    assert find_run("runs") == Path("runs")


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("latest", "third"),
        ("latest~1", "second"),
        ("latest~2", "first"),
        ("run-first", "first"),
        (short_id("run-second"), "second"),
        (short_id("run-second")[:4], "second"),
        (f"runs/{short_id('run-second')}", "second"),
        ("runs/latest", "third"),
    ],
)
def test_names_of_a_run(runs: Path, text: str, folder: str) -> None:
    assert find_run(text) == Path("runs") / folder


def test_names_in_another_folder(runs: Path) -> None:
    stored(Path("results/deep/down"), run_id="run-elsewhere")
    assert find_run("results/latest") == Path("results/deep/down")


def test_a_run_in_two_folders_is_one_run(runs: Path) -> None:
    stored(Path("runs") / "a-copy", run_id="run-first", started_utc="2027-03-01T08:00:00Z")
    assert find_run("run-first").name in {"a-copy", "first"}


@pytest.mark.parametrize("text", ["abcdef9", "latest~9", "nowhere/latest", "first~", "abc", "LATEST"])
def test_a_name_that_no_run_has_is_a_sentence(runs: Path, text: str) -> None:
    with pytest.raises(UsageError, match=f"No run is called '{text}': .* 'aforo list' prints it, such as [0-9a-f]+"):
        find_run(text)


def test_an_id_of_several_runs_names_them(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # With 4 of 16 characters: 600 ids, of which two begin alike (600² / 2 / 65,536 ≈ 2.7 pairs on average).
    ids = [f"run-{number}" for number in range(600)]
    heads: dict[str, str] = {}
    one, other = next((heads[h], i) for i in ids if heads.setdefault(h := short_id(i)[:4], i) != i)
    for run_id in (one, other):
        stored(Path("runs") / run_id, run_id=run_id)
    with pytest.raises(UsageError, match=rf"names 2 runs: .*{short_id(one)}.*Pass more of the id"):
        find_run(short_id(one)[:4])
    assert find_run(short_id(other)) == Path("runs") / other


def test_damaged_folders_have_no_name(runs: Path) -> None:
    (Path("runs/first") / "run.json").write_text("{")
    assert [run.run_id for run in named_runs()] == ["run-third", "run-second"]


def test_without_runs_the_example_is_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no folder runs"):
        find_run("latest")
