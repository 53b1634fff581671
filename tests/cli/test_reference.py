"""The reference of the command line, its help, and what a shell completes."""

import os
import subprocess
from pathlib import Path

import pytest
from support.checkout import ROOT
from support.command import AFORO

from profiler.cli import app, reference
from profiler.cli.verbs import parameters, verbs
from profiler.options import declared
from profiler.run.options import Options

VERBS = list(verbs(app, "aforo"))
PAGE = ROOT / "docs/cli.md"


def aforo(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [AFORO, *words], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference.markdown(), "run: aforo cli-reference > docs/cli.md"


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.words)
def test_every_verb_and_every_option_is_explained(verb: reference.Verb) -> None:
    assert verb.function.__doc__
    assert f"\n## {verb.words}\n" in PAGE.read_text()
    for each in parameters(verb.function):
        assert each.info.help
        assert each.typed.replace("|", r"\|") in PAGE.read_text()


def test_every_choice_is_seen_in_the_help_of_run() -> None:
    run = next(verb for verb in VERBS if verb.words == "aforo run")
    shown = {each.name: f"{each.info.metavar} {each.info.help}" for each in parameters(run.function)}
    assert [each.flag for each in declared(Options) if not all(word in shown[each.name] for word in each.choices)] == []


def test_the_help_of_run_is_grouped_and_takes_a_line_for_most_options(tmp_path: Path) -> None:
    lines = aforo("run", "--help", COLUMNS="100").splitlines()
    assert len(lines) <= len(declared(Options)) + 45  # panels, usage, and the few that take two
    headings = [line.split(" ")[1] for line in lines if line.startswith("╭─ ")]
    assert headings[:6] == ["Arguments", "Options", "Model", "Workload", "Load", "Run"]
    options = [line for line in lines if line.startswith("│ --")]
    assert len(options) == len(declared(Options)) - 1 + 1  # all but the argument, and --help
    assert sum(line.startswith("│  ") for line in lines) <= len(options) / 6


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("aforo run --arr", {"--arrivals"}),
        ("aforo run smoke --price-kind on", {"on-demand"}),
        ("aforo gat", {"gate"}),
        ("aforo gate a b --allow-mismatch gr", {"grid"}),
        ("aforo compare --allow-mismatch workload.prom", {"workload.prompts"}),
    ],
)
def test_a_shell_completes(typed: str, completed: set[str]) -> None:
    shell = {"_AFORO_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    assert set(aforo(**shell).split()) == completed
