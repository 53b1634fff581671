"""The real `aforo` command, as a user runs it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import AFORO, ALONE, TINY, Aforo


@pytest.fixture
def aforo(tmp_path: Path) -> Aforo:
    """Run the command in an empty folder and return what it printed."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [AFORO, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=550
        )

    return run


@pytest.fixture
def long_run(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run on a real server that would take minutes; it is killed if the test leaves it behind."""
    size = ("--requests", "1500", "--output-tokens", "64", "--max-repeat-s", "240")
    command = [AFORO, "run", "smoke", "--model", TINY, *size, *ALONE]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "200"},
    ) as process:
        yield process
        process.kill()
