"""Which command a host runs, where its plan says `aforo`."""

import subprocess
from pathlib import Path

import pytest

from profiler.fleet.environment import COMMAND, found


def said(home: Path, *argv: str) -> str:
    environment = {"HOME": str(home), "PATH": f"{home}/in-path:/usr/bin:/bin"}
    done = subprocess.run(found(argv), env=environment, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.strip() or str(done.returncode)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for place in (COMMAND, "in-path/aforo", "own place/aforo"):
        program = tmp_path / place
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\necho "{place}: $*"\n')
        program.chmod(0o755)
    return tmp_path


def test_it_is_that_of_fleet_setup_before_that_of_the_path(home: Path) -> None:
    assert said(home, "aforo", "a b", "'") == f"{COMMAND}: a b '"
    (home / COMMAND).unlink()
    assert said(home, "aforo", "--version") == "in-path/aforo: --version"
    (home / "in-path/aforo").unlink()
    assert said(home, "aforo") == "127"  # of a shell: no such command


def test_a_path_may_begin_with_the_home_folder(home: Path) -> None:
    assert said(home, "~/own place/aforo", "x") == "own place/aforo: x"


def test_any_other_command_is_run_as_it_is() -> None:
    assert found(["echo", "aforo", "~/x"]) == ["echo", "aforo", "~/x"]
