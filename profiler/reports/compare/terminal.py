"""What `aforo compare` prints: the runs and their differences in 80 columns or a few more."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from profiler.reports import format as fmt
from profiler.reports.compare.comparison import Comparison
from profiler.reports.compare.differences import Difference
from profiler.reports.compare.table import WITHIN_NOTE, Cell, table

MOST_ROWS = 40
_STYLES = {"better": "green", "worse": "red"}
_VERDICT_STYLES = {"VALID": "green", "VALID with warnings": "yellow", "INVALID": "bold red"}
_MARKS = {"better": "▲ ", "worse": "▼ "}


def summary(comparison: Comparison) -> RenderableType:
    """Return what to print: runs, differences, what may be unfair."""
    found = comparison.differences
    head = f"{comparison.title}: {', '.join(comparison.common)}"
    parts: list[RenderableType] = [Text(head)] if comparison.sets > 1 else []
    parts.append(Text(comparison.lead, style="bold"))
    parts += [Text(comparison.conclusion)] if comparison.conclusion != comparison.lead else []
    parts.append(_runs(comparison))
    parts.append(Text(WITHIN_NOTE, style="dim"))
    parts.append(Text(f"Against {found.baseline.full_name}", style="bold"))
    parts += [_differences(comparison), Text(found.note, style="dim")]
    parts += _quality(comparison)
    notes = [*comparison.unfair, *found.reasons]
    if notes:
        parts.append(_list(notes))
    return Group(*(line for part in parts for line in (part, Text())))


def _runs(comparison: Comparison) -> RenderableType:
    shown = table(comparison)
    kept = [number for number, heading in enumerate(shown.headings) if heading.id in _kept(comparison)]
    grid = _grid()
    grid.add_column("")
    grid.add_column("verdict")
    for number in kept:
        grid.add_column(shown.headings[number].full, justify="right")
    for row in shown.rows[:MOST_ROWS]:
        name = Text(row.entry.name, style="bold").append(f" {row.entry.label}", style="not bold")
        verdict = Text(row.verdict.removeprefix("VALID with "), style=_VERDICT_STYLES.get(row.verdict, ""))
        grid.add_row(name, verdict, *(_cell(row.cells[number]) for number in kept))
    return _with_rest(grid, len(shown.rows), "run")


def _kept(comparison: Comparison) -> set[str]:
    """Return the columns for which there is room."""
    return {column.id for column in comparison.columns if column.is_brief}


def _cell(cell: Cell) -> Text:
    text = Text(cell.text + ("†" if cell.is_indicative else ""))
    if cell.bounds:
        text.append(f"\n{cell.bounds}", style="dim")
    if cell.kind_name:
        text.append(f"\n{cell.kind_name}", style="dim")
    return text


def _differences(comparison: Comparison) -> RenderableType:
    found = comparison.differences
    columns = [column for column in found.columns if column.id in _kept(comparison)]
    grid = _grid()
    grid.add_column("")
    for column in columns:
        grid.add_column(column.title, justify="right")
    others = found.sides.others
    for side in others[:MOST_ROWS]:
        grid.add_row(Text(side.name, style="bold"), *(_change(found.of(side)[column.id]) for column in columns))
    return _with_rest(grid, len(others), "setting")


def _change(one: Difference) -> Text:
    text = Text(_MARKS.get(one.outcome, "") + (one.text() or one.word), style=_STYLES.get(one.outcome, "dim"))
    return text.append(f"\n{one.bounds()}", style="dim") if one.bounds() else text


def _quality(comparison: Comparison) -> list[RenderableType]:
    """How well each side answers the same items, in points."""
    found = comparison.quality
    if not found.rows:
        return []
    grid = _grid()
    for number, title in enumerate(
        ("", "scorer", "items", comparison.differences.baseline.name, "score", "difference")
    ):
        grid.add_column(title, justify="left" if number < 2 else "right")
    for row in found.rows[:MOST_ROWS]:
        change = Text(_MARKS.get(row.outcome, "") + (row.text() or row.outcome), style=_STYLES.get(row.outcome, "dim"))
        change.append(f"\n{row.bounds() or row.reason}", style="dim")
        grid.add_row(Text(row.side.name, style="bold"), Text(row.title), str(row.items), *row.means, change)
    return [
        Text("Answers to the same items", style="bold"),
        _with_rest(grid, len(found.rows), "row"),
        Text(found.note, style="dim"),
    ]


def _with_rest(grid: Table, total: int, noun: str) -> RenderableType:
    if total <= MOST_ROWS:
        return grid
    return Group(grid, Text(f"… and {fmt.count(total - MOST_ROWS, f'more {noun}')}, on the page", style="dim"))


def _grid() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")


def _list(notes: list[str]) -> Table:
    grid = Table.grid(padding=(0, 1))
    for note in notes:
        grid.add_row("-", Text(note))
    return grid
