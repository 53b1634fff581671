"""The table of a comparison as cells of text, for the page, Markdown and the terminal alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.reports import format as fmt
from profiler.reports.compare.columns import Column
from profiler.reports.compare.comparison import Comparison
from profiler.reports.compare.entries import Entry
from profiler.reports.compare.readings import Reading

NO_VERDICT = "not judged"
WITHIN_NOTE = (
    "The interval beside a number is from within that run (95 %): it says nothing of how much the next run will differ."
)


@dataclass(frozen=True)
class Cell:
    """A number as text. `sort` orders it within its `kind`; cells of different kinds are never ranked."""

    text: str
    bounds: str = ""
    note: str = ""
    kind_name: str = ""  # class and scope of an energy
    sort: float | None = None
    kind: int = 0
    is_indicative: bool = False


@dataclass(frozen=True)
class Heading:
    """A column's title and the unit of all its numbers; empty where they differ and carry their own."""

    id: str
    title: str
    unit: str
    better: str

    @property
    def full(self) -> str:
        """Title and unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


@dataclass(frozen=True)
class Row:
    """One run."""

    entry: Entry
    verdict: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """All runs."""

    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]

    @property
    def without_interval(self) -> list[str]:
        """Columns with numbers that have no interval, and why."""
        found: dict[str, dict[str, None]] = {}
        for row in self.rows:
            for heading, cell in zip(self.headings, row.cells, strict=True):
                if cell.sort is not None and cell.note:
                    found.setdefault(cell.note, {})[heading.title] = None
        return [f"{', '.join(titles)} ({reason})" for reason, titles in found.items()]

    @property
    def has_indicative(self) -> bool:
        """Whether any number stands on too few samples for a claim."""
        return any(cell.is_indicative for row in self.rows for cell in row.cells)


def table(comparison: Comparison) -> Table:
    """Lay out every column that has a number, but inverses of others."""
    headings, columns = [], []
    for column in comparison.columns:
        if column.is_inverse:
            continue
        heading, cells = _column(column, comparison.read[column.id])
        headings.append(heading)
        columns.append(cells)
    rows = [Row(entry, verdict(entry), tuple(cells[entry.index] for cells in columns)) for entry in comparison.runs]
    return Table(tuple(headings), tuple(rows))


def verdict(entry: Entry) -> str:
    """The level of a run's verdict."""
    return entry.summary.verdict.level if entry.summary.verdict else NO_VERDICT


def _column(column: Column, readings: Sequence[Reading]) -> tuple[Heading, list[Cell]]:
    kinds = list(dict.fromkeys(reading.kind for reading in readings if not reading.is_missing))
    units = {reading.unit for reading in readings if not reading.is_missing}
    common = _common_scale(readings) if len(units) == 1 else None
    heading = Heading(column.id, column.title, common.unit if common else "", column.better)
    show_kind = column.is_energy
    return heading, [_cell(reading, common, kinds, show_kind=show_kind) for reading in readings]


def _common_scale(readings: Sequence[Reading]) -> fmt.Scale:
    """The unit that suits the greatest number of a column."""
    greatest = max(reading.found.high if reading.found else reading.value or 0.0 for reading in readings)
    return fmt.scale(greatest, next(reading.unit for reading in readings if not reading.is_missing))


def _cell(reading: Reading, common: fmt.Scale | None, kinds: Sequence[str], *, show_kind: bool) -> Cell:
    if reading.is_missing:
        return Cell("\N{EN DASH}", note=reading.reason or "", kind=len(kinds))
    shown = reading if common is None else reading.shown_in(common)
    return Cell(
        text=shown.text() if common is None else shown.number(),
        bounds=shown.bounds(),
        note="" if reading.found else reading.reason or "",
        kind_name=reading.kind if show_kind else "",
        sort=reading.middle,
        kind=kinds.index(reading.kind),
        is_indicative=reading.is_indicative,
    )
