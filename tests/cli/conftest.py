"""The real `aforo` command, as a user runs it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import AFORO, ALONE, TINY, Aforo
from support.zygote import Zygote, zygote

LIMIT_S = 550
MEASURING = {"run", "fleet", "host", "quantisations"}
"""Verbs that start engines, or measure the machine: they are started as a shell starts them."""


@pytest.fixture(scope="session")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A process that has imported the command and forks for each call."""
    with zygote(tmp_path_factory.mktemp("zygote")) as running:
        yield running


@pytest.fixture
def forked(tmp_path: Path, caller: Zygote) -> Aforo:
    """Run the command in an empty folder, in a fork, and return what it printed: a second sooner than `aforo`."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        done = caller.call(arguments, folder=tmp_path, limit_s=LIMIT_S)
        assert done.exit_code is not None, done.stderr
        return subprocess.CompletedProcess(["aforo", *arguments], done.exit_code, done.stdout.decode(), done.stderr)

    return run


@pytest.fixture
def aforo(tmp_path: Path, forked: Aforo) -> Aforo:
    """Run the command in an empty folder and return what it printed."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        if arguments[0] not in MEASURING or "--url" in arguments:
            return forked(*arguments)
        return subprocess.run(
            [AFORO, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LIMIT_S
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
