"""Runs of two settings made in turn, so that a drift of the machine meets both: base, new, new, base, base, new, …

Each run is made by the command line that is given for its side, with `--out FOLDER` after it.
"""

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiler.errors import AforoError, InterruptedRunError, InvalidRunError, UsageError
from profiler.results.run_set import read_runs

MOST_INVALID = 3  # runs of one side, of the last that were made, that may be INVALID before it is given up


@dataclass(frozen=True)
class Making:
    """How the runs of one side are made."""

    name: str  # base or new
    folder: Path
    command: str


def make_in_turn(base: Making, new: Making, pairs: int, *, with_invalid: bool, said: Callable[[str], None]) -> None:
    """Make runs until each side has so many that can be compared; those that are there already count.

    A run that ends INVALID is made again. Raises `UsageError` for a command that cannot be run, `InvalidRunError` where
    a side ends INVALID again and again, and `AforoError` for a command that fails.
    """
    commands = {side: _words(side) for side in (base, new)}
    for side in (base, new):
        side.folder.mkdir(parents=True, exist_ok=True)
    for number in range(pairs):
        for side in (base, new) if number % 2 == 0 else (new, base):
            invalid = 0
            while _count(side.folder, with_invalid) <= number:
                said(f"Pair {number + 1} of {pairs}, {side.name}: {side.command}")
                invalid += _make(side, commands[side])
                if invalid >= MOST_INVALID:
                    raise InvalidRunError(
                        f"{invalid} runs by '{side.command}' were INVALID, one after the other. Their folders in "
                        f"{side.folder} say why; --force takes INVALID runs."
                    )


def _count(folder: Path, with_invalid: bool) -> int:
    return len(read_runs([folder], allow_invalid=with_invalid)[0])


def _words(side: Making) -> list[str]:
    try:
        words = shlex.split(side.command)
    except ValueError as error:
        raise UsageError(f"The command of the {side.name} side, {side.command!r}, cannot be read: {error}.") from None
    if not words or any(word == "--out" or word.startswith("--out=") for word in words):
        raise UsageError(
            f"The command of the {side.name} side is {side.command!r}: expected one that makes a run, such as "
            "'aforo run chat-short --model M', without --out, which is added to it."
        )
    return [*words, "--out", str(side.folder)]


def _make(side: Making, words: list[str]) -> int:
    """Run a command; return 1 where the run came to its end and is INVALID, else 0."""
    before = _folders(side.folder)
    code = _exit_code(side, words)
    if code == InvalidRunError.exit_code:
        return 1
    if code:
        raise AforoError(
            f"'{side.command}' ended with exit code {code}. The runs that were made are in {side.folder}: the same "
            "command goes on from them."
        )
    if _folders(side.folder) == before:
        raise UsageError(
            f"'{side.command}' left no run in {side.folder}. Expected a command that takes --out, as 'aforo run' does."
        )
    return 0


def _folders(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _exit_code(side: Making, words: list[str]) -> int:
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    except OSError as error:
        raise UsageError(f"'{side.command}' cannot be run: {error.strerror}.") from None
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()  # it got the same signal from the terminal, and ends in order
        raise InterruptedRunError(2) from None
