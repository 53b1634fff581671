"""Markdown for pull requests: words from files are never markup."""

from collections.abc import Iterable, Sequence

_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#"})


def plain(words: str) -> str:
    """Words as Markdown shows them, on one line."""
    return " ".join(words.split()).translate(_SPECIAL)


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; `head` and cells are taken as plain words."""
    lines = [_row(head), "|" + "---|" * len(head)]
    return [*lines, *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(plain(cell) for cell in cells)} |"
