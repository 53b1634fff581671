"""What `aforo score` prints."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from profiler.reports import format as fmt
from profiler.reports.score import tables
from profiler.reports.score.said import Said
from profiler.selection.scoring import Scoring

_MOST_ROWS = 30


def summary(scoring: Scoring) -> RenderableType:
    """Return what to print: what wins, the ranking, why others are out, what to know."""
    told = Said(scoring)
    parts: list[RenderableType] = [Text(told.lead, style="bold")]
    parts += [Text(sentence) for sentence in (told.weights_sentence, told.flip_sentence) if sentence]
    if scoring.ranked:
        parts.append(_grid(tables.ranking(told, is_brief=True)))
    if scoring.left_out:
        parts.append(_left_out(told))
    if told.notes:
        parts.append(_list(told.notes))
    return Group(*(line for part in parts for line in (part, Text())))


def _grid(shown: tables.Grid) -> RenderableType:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for number, heading in enumerate(shown.head):
        grid.add_column(heading, justify="right" if number else "left")
    for row in shown.rows[:_MOST_ROWS]:
        grid.add_row(*(_cell(cell, is_name=not number) for number, cell in enumerate(row)))
    if len(shown.rows) <= _MOST_ROWS:
        return grid
    more = fmt.count(len(shown.rows) - _MOST_ROWS, "more candidate")
    return Group(grid, Text(f"… and {more}, on the page", style="dim"))


def _cell(cell: tables.Cell, *, is_name: bool) -> Text:
    text = Text(cell.text, style="bold" if is_name else "")
    return text.append(f"\n{cell.small}", style="not bold dim") if cell.small else text


def _left_out(told: Said) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for one in told.scoring.left_out[:_MOST_ROWS]:
        grid.add_row(Text(told.name(one.contender), style="bold"), Text("; ".join(told.reasons(one))))
    return Group(Text("Not ranked", style="bold"), grid)


def _list(notes: list[str]) -> Table:
    grid = Table.grid(padding=(0, 1))
    for note in notes:
        grid.add_row("-", Text(note))
    return grid
