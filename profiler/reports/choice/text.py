"""An answer as Markdown, as CSV, as JSON and for a terminal."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from profiler.csv_cells import harmless
from profiler.reports.choice.document import Document, Section, Table
from profiler.reports.markdown import grid, plain

_STYLES = {"good": "bold green", "bad": "bold red", "open": "bold yellow"}
_MOST_ROWS = 20  # of a table on a terminal


def as_markdown(document: Document) -> str:
    """Return the text, which ends with a newline."""
    parts = [
        f"## {plain(document.title)}",
        plain(" · ".join(document.about)),
        f"**{plain(document.answer)}**",
        _list(document.reasons),
        *(part for section in document.sections for part in _section(section)),
        *(["### What to know", _list(document.notes)] if document.notes else []),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def as_csv(document: Document) -> str:
    """Return the table for programs."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(document.csv.head)
    rows.writerows([harmless(cell) for cell in row] for row in document.csv.rows)
    return written.getvalue()


def as_json(document: Document) -> str:
    """Return everything for programs."""
    return json.dumps(document.data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def for_terminal(document: Document) -> RenderableType:
    """Return what to print: the answer first."""
    parts: list[RenderableType] = [Text(document.answer, style=_STYLES[document.standing])]
    parts += [Text(reason) for reason in document.reasons]
    for section in document.sections:
        if section.table is not None:
            parts += [Text(""), Text(section.title, style="bold"), *_shown(section.table)]
    parts += [Text("")] + [Text(f"- {note}") for note in document.notes] if document.notes else []
    return Group(*parts)


def _section(section: Section) -> Iterator[str]:
    if section.table is None and not section.paragraphs:
        return
    yield f"### {plain(section.title)}"
    yield from (plain(paragraph) for paragraph in section.paragraphs)
    if section.table is not None:
        yield "\n".join(grid(section.table.head, section.table.rows))
        yield plain(section.table.note)


def _shown(table: Table) -> Iterator[RenderableType]:
    shown = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for number, name in enumerate(table.head):
        shown.add_column(name, justify="left" if number == 0 else "right")
    for row in table.rows[:_MOST_ROWS]:
        shown.add_row(*(Text(cell) for cell in row))
    yield shown
    if len(table.rows) > _MOST_ROWS:
        yield Text(f"… and {len(table.rows) - _MOST_ROWS} more rows, on the page and in the JSON", style="dim")
    if table.note:
        yield Text(table.note, style="dim")


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)
