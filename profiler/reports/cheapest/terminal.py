"""What `aforo cheapest` prints: who wins and how surely, the candidates, and why others are out."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from profiler.reports.cheapest import table, words
from profiler.selection.cheapest import Cheapest

_STYLES = {"meets": "green", "fails": "red", "cannot be told": "yellow"}
_MOST_LINES = 30


def summary(found: Cheapest) -> RenderableType:
    """Return what to print."""
    parts: list[RenderableType] = [Text(words.lead(found), style="bold"), _candidates(found)]
    for title, lines in (
        ("Asked", table.targets(found)),
        ("Why others are out", table.out(found)),
        ("What else to know", table.notes(found)),
    ):
        if lines:
            parts += [Group(Text(title, style="bold"), _list(lines))]
    return Group(*(line for part in parts for line in (part, Text())))


def _candidates(found: Cheapest) -> RenderableType:
    columns = [column for column in table.headings(found) if column.is_brief]
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("candidate", overflow="fold", min_width=10)
    for column in columns:
        grid.add_column(column.title, overflow="fold", min_width=column.least_width)
    for row in table.rows(found, columns):
        answer, *cells = (cell.replace(" (", "\n(") for cell in row.cells)
        name = Text(row.name, style="bold")
        grid.add_row(name, Text(answer, style=_STYLES[row.standing]), *map(Text, cells))
    return grid


def _list(lines: Sequence[str]) -> Table:
    grid = Table.grid(padding=(0, 1))
    for line in lines[:_MOST_LINES]:
        grid.add_row("-", Text(line))
    if len(lines) > _MOST_LINES:
        grid.add_row("-", Text(f"and {len(lines) - _MOST_LINES} more, on the page"))
    return grid
