"""Commands that the documentation shows are commands of this version: verbs, options and values that parse."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from support.command_line import parse

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
SETTING = re.compile(r"^(?:\w+=\S* )*(?:numactl \S+ \S+ )?(?:sudo )?(?:\S*/)?aforo ")
NOT_LITERAL = re.compile(r"…|\||\$\(")
UsageError = typer.BadParameter.__base__ or Exception  # of the click that typer uses


def commands(page: str) -> Iterator[list[str]]:
    """The words after `aforo` of each command in a block of shell that is to be typed as it stands."""
    for block in BLOCK.findall(page):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            if (found := SETTING.match(line)) and not NOT_LITERAL.search(line) and line.count('"') % 2 == 0:
                yield shlex.split(line[found.end() :], comments=True)


@pytest.fixture(autouse=True)
def every_run_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    """`RUN` and `latest` stand for runs of the reader's."""
    monkeypatch.setattr("profiler.results.naming.find_run", Path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_documentation_parse(page: Path) -> None:
    for words in commands(page.read_text("utf-8")):
        try:
            parse(words)
        except typer.Exit:  # --help
            continue
        except UsageError as error:
            pytest.fail(f"{page.name}: aforo {shlex.join(words)}: {error}")


def test_commands_are_found_and_a_wrong_option_is_seen() -> None:
    shown = "```sh\nCUDA_VISIBLE_DEVICES=0 .venv/bin/aforo run chat-short --gpu 0   # a card\naforo run … --x\n```\n"
    (words,) = commands(shown)
    assert words == ["run", "chat-short", "--gpu", "0"]
    with pytest.raises(UsageError, match="--gpu"):
        parse(words)
