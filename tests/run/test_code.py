"""Code of kept responses: which is run, what is kept of it, and what is refused before anything starts."""

import os
import subprocess
from pathlib import Path

import msgspec
import pytest
from support.command import AFORO

from profiler.errors import InterruptedRunError, UsageError
from profiler.progress import Silent
from profiler.quality import code_execution
from profiler.quality.code_execution import CodeResult
from profiler.quality.item import Item
from profiler.results.folder import RunFolder
from profiler.results.records import KeptResponse
from profiler.run.code import require_isolation, run_code

ITEMS = [Item(id="one", entry_point="f", tests=["assert f() == 1"]), Item(id="prose", references=["x"])]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A folder with four responses, and an execution that passes what says 'right'."""
    kept = [("one", "right"), ("prose", "right"), ("one", "wrong"), ("one", "right")]
    rows = [KeptResponse(index=index, item=item, text=text) for index, (item, text) in enumerate(kept)]
    folder = RunFolder(tmp_path)
    folder.answers.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    folder.items.write_bytes(b"".join(msgspec.json.encode(item) + b"\n" for item in ITEMS))
    monkeypatch.setattr(code_execution, "run_tests", lambda text, _: CodeResult(text == "right", None))
    return folder


def test_every_response_whose_item_has_tests_is_run(folder: RunFolder) -> None:
    assert run_code(folder, Silent(), lambda: None) == 3
    assert {index: run.passed for index, run in folder.read_code_runs().items()} == {0: True, 2: False, 3: True}


def test_the_same_response_is_run_once(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(code_execution, "run_tests", lambda text, _: ran.append(text) or CodeResult(True))
    run_code(folder, Silent(), lambda: None)
    assert ran == ["right", "wrong"]


def run_code_interrupted(folder: RunFolder) -> None:
    """Run the code of one response, and be interrupted at the next."""
    calls = iter([None, InterruptedRunError(2)])

    def interrupted() -> None:
        if error := next(calls):
            raise error

    with pytest.raises(InterruptedRunError):
        run_code(folder, Silent(), interrupted)


def test_what_was_run_until_an_interruption_is_kept(folder: RunFolder) -> None:
    run_code_interrupted(folder)
    assert list(folder.read_code_runs()) == [0]


def test_a_second_time_takes_the_place_of_the_first_once_it_is_through(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_code(folder, Silent(), lambda: None)
    monkeypatch.setattr(code_execution, "run_tests", lambda *_: CodeResult(passed=False))
    run_code_interrupted(folder)
    assert {index: run.passed for index, run in folder.read_code_runs().items()} == {0: True, 2: False, 3: True}
    run_code(folder, Silent(), lambda: None)
    assert {index: run.passed for index, run in folder.read_code_runs().items()} == dict.fromkeys([0, 2, 3], False)
    assert not list(folder.path.glob("*.new"))


def test_without_isolation_it_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_execution, "lacking", lambda: "bubblewrap is not installed. Install it: …")
    with pytest.raises(UsageError, match=r"--run-code: bubblewrap is not installed\. Install it"):
        require_isolation()


def test_the_command_says_what_is_missing_before_anything_starts(tmp_path: Path) -> None:
    command = [AFORO, "run", "smoke", "--run-code", "--out", str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--run-code: " in done.stderr
    assert not list(tmp_path.iterdir())
