"""Runs made in turn by commands, as `aforo gate --make` asks for them."""

import shlex
import sys
from pathlib import Path

import pytest

from profiler.errors import AforoError, InvalidRunError, UsageError
from profiler.results.run_set import read_runs
from profiler.run.in_turn import Making, make_in_turn

# Stands for `aforo run`: leaves a run folder with the rate that is asked for in the folder after --out.
STAND_IN = """
import sys
from pathlib import Path
from support.stored_runs import rate, stored
value, level, out = float(sys.argv[1]), sys.argv[2], Path(sys.argv[-1])
log = out.parent / "order"
made = log.read_text().splitlines() if log.exists() else []
if level == "sometimes":
    level = "INVALID" if made.count(out.name) == 1 else "VALID"
log.write_text("\\n".join([*made, out.name]))
metrics = {"output_tokens_per_s": rate(value + len(made) / 1000)}
utc = f"2026-01-01T00:{len(made):02}:00Z"
stored(out / f"{out.name}-{len(made)}", metrics=metrics, level=level, started_utc=utc)
sys.exit(3 if level == "INVALID" else 0)
"""


@pytest.fixture
def command(tmp_path: Path):
    script = tmp_path / "stand_in.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{STAND_IN}", "utf-8")
    return lambda value, level="VALID": shlex.join([sys.executable, str(script), str(value), level])


def made(folder: Path, base: str, new: str, pairs: int = 3) -> list[str]:
    sides = Making("base", folder / "base", base), Making("new", folder / "new", new)
    make_in_turn(*sides, pairs, with_invalid=False, said=lambda _: None)
    return (folder / "order").read_text().splitlines()


def test_runs_are_made_in_turn_and_the_order_of_a_pair_turns_round(tmp_path: Path, command) -> None:
    assert made(tmp_path, command(100), command(90)) == ["base", "new", "new", "base", "base", "new"]


def test_what_is_there_already_counts(tmp_path: Path, command) -> None:
    made(tmp_path, command(100), command(90), pairs=1)
    assert made(tmp_path, command(100), command(90), pairs=2) == ["base", "new", "new", "base"]


def test_an_invalid_run_is_made_again(tmp_path: Path, command) -> None:
    order = made(tmp_path, command(100, "sometimes"), command(90), pairs=2)
    assert order == ["base", "new", "new", "base", "base"]
    assert len(read_runs([tmp_path / "base"])[0]) == 2


def test_a_side_that_is_always_invalid_is_given_up(tmp_path: Path, command) -> None:
    with pytest.raises(InvalidRunError, match=r"3 runs by .* were INVALID, one after the other"):
        made(tmp_path, command(100, "INVALID"), command(90))


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ("aforo run 'x", UsageError, "cannot be read: No closing quotation"),
        ("", UsageError, "expected one that makes a run"),
        ("aforo run chat --out here", UsageError, "without --out, which is added to it"),
        ("/no/such/program", UsageError, "cannot be run: No such file or directory"),
        ("true", UsageError, "left no run in"),
        ("false", AforoError, "ended with exit code 1. The runs that were made are in"),
    ],
)
def test_a_command_that_makes_no_run(tmp_path: Path, command, words: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says.replace("(", r"\(")):
        made(tmp_path, words, command(90))
