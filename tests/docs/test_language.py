"""Documentation, help and report templates use the field's terms: `docs/glossary.md` has them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from profiler.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "workloads/README.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "reports").glob("*.j2")),
]
ROOMS = sorted(path for path in (ROOT / "profiler").iterdir() if path.suffix == ".py" or path.is_dir())
DIALECT = {
    r"(?<![\w-])stamp(s|ed|ing)?\b": "timestamp",
    r"\bown words?\b": "engine-reported",
    r"\bopinions?\b": "estimate",
    r"\bundecidable\b": "inconclusive, or not comparable",
    r"\blisted as unchecked\b": "skipped",
    r"\bdecidable\b": "comparable, conclusive",
    r"\bspoil(s|t|ed)?\b": "interference; invalid",
    r"(?<![\w-])processors?\b": "CPU",
    r"\bvital signs\b": "host counters",
    r"\blooked away\b": "sampling gap",
    r"\bis told\b|\btold (by|first)\b": "recognised, reported, listed",
    r"\breads? (a|another|its|one) prompt\b": "prefill",
    r"\bnobody asked\b|\bunasked\b": "unexpected",
}
CODE = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|\{[{%#].*?[}%#]\}|<[^>]*>", re.DOTALL)
LITERAL = re.compile(r"[Pp]ostal stamp|word processor")  # where a word is meant literally


def dialect(text: str) -> list[str]:
    """The words of `text` outside code that a reader of the field would stumble over, with what to write instead."""
    prose = LITERAL.sub("", CODE.sub(" ", text))
    found = ((match[0], instead) for word, instead in DIALECT.items() for match in re.finditer(word, prose, re.I))
    return [f"'{word}': write {instead}" for word, instead in found]


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """The help of a command, its options and its subcommands."""
    yield name, command.help or ""
    yield from ((f"{name} {option.name}", getattr(option, "help", None) or "") for option in command.params)
    for verb, below in getattr(command, "commands", {}).items():
        yield from helps(below, f"{name} {verb}")


def sentences(source: str) -> Iterator[str]:
    """The texts of a module that people may read: literals of several words that are no docstrings of code."""
    tree = ast.parse(source)
    code = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    documented = [node for node in ast.walk(tree) if isinstance(node, code) and ast.get_docstring(node)]
    docstrings = {id(node.body[0].value) for node in documented if isinstance(node.body[0], ast.Expr)}
    literals = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    yield from (each.value for each in literals if isinstance(each.value, str) and " " in each.value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_use_the_terms_of_the_field(page: Path) -> None:
    assert dialect(page.read_text("utf-8")) == []


def test_help_uses_the_terms_of_the_field() -> None:
    found = {name: dialect(text) for name, text in helps(typer.main.get_command(app), "aforo")}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_sentences_in_the_code_use_the_terms_of_the_field(room: Path) -> None:
    modules = room.rglob("*.py") if room.is_dir() else [room]
    found = {module.name: dialect("\n".join(sentences(module.read_text("utf-8")))) for module in modules}
    assert {name: words for name, words in found.items() if words} == {}


def test_the_lint_sees_words_and_passes_code() -> None:
    assert dialect("A stamp is told by its processor") == [
        "'stamp': write timestamp",
        "'processor': write CPU",
        "'is told': write recognised, reported, listed",
    ]
    assert dialect("`kernel_stamp_ratio`, a timestamp and [a link](spoil.md)") == []


def test_the_glossary_has_some_thirty_terms() -> None:
    rows = [line for line in (ROOT / "docs/glossary.md").read_text("utf-8").splitlines() if line.startswith("| **")]
    assert len(rows) >= 30
    assert all(row.count("|") == 4 for row in rows)
