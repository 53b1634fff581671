"""The cheapest candidate as Markdown, to be put into an issue or a pull request."""

from collections.abc import Iterable

from profiler.reports.cheapest import table, words
from profiler.reports.markdown import grid, plain
from profiler.selection.cheapest import Cheapest


def render(found: Cheapest) -> str:
    """Return the text, which ends with a newline."""
    columns = table.headings(found)
    head = ["candidate", *(column.title for column in columns)]
    rows = [[row.name, *row.cells] for row in table.rows(found, columns)]
    sections = [
        "## Cheapest at the target",
        f"**{plain(words.lead(found))}**",
        _list(table.targets(found)),
        "\n".join(grid(head, rows)),
        *_titled("### Why others are out", table.out(found)),
        *_titled("### What else to know", table.notes(found)),
        *_titled("### Left out", [one.sentence for one in found.refused]),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _titled(title: str, lines: list[str]) -> list[str]:
    return [title, _list(lines)] if lines else []


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)
