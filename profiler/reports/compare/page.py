"""The comparison as one self-contained HTML page, readable offline."""

from collections.abc import Sequence
from typing import Any

from profiler import __version__
from profiler.reports import page
from profiler.reports.compare.boards import Board, boards
from profiler.reports.compare.comparison import Comparison
from profiler.reports.compare.entries import MOST_COLOURS, Entry
from profiler.reports.compare.table import WITHIN_NOTE, table
from profiler.reports.compare.verdicts import by_verdict
from profiler.reports.fleet.data import Link
from profiler.reports.tables import INDICATIVE_NOTE


def render(comparison: Comparison, back: Link | None = None) -> str:
    """Return the page, with a way back to where it belongs to. The same runs give the same bytes."""
    sections = boards(comparison)
    drawn = [board for section in sections.values() for board in section]
    return page.render(
        "compare.html.j2",
        ("page.js", "compare.js"),
        comparison=comparison,
        back=back,
        verdicts=by_verdict(comparison.runs),
        table=table(comparison),
        differences=comparison.differences,
        within_note=WITHIN_NOTE,
        differences_note=comparison.differences.note,
        settings=_settings(comparison),
        sections=sections,
        indicative_note=INDICATIVE_NOTE,
        figure_ids=figure_ids,
        version=__version__,
        has_many=len(comparison.runs) > MOST_COLOURS,
        figures=_specifications(drawn),
    )


def figure_ids(board: Board) -> dict[str, str]:
    """The figures of a board: id and title, the first one shown first."""
    return {f"{board.id}-{number}": title for number, title in enumerate(board.figures)}


def _specifications(drawn: Sequence[Board]) -> dict[str, Any]:
    return {
        figure_id: page.specification(board.figures[title])
        for board in drawn
        for figure_id, title in figure_ids(board).items()
    }


def _settings(comparison: Comparison) -> list[tuple[Entry, list[str]]]:
    return [(entry, [setting.values[entry.run.name] for setting in comparison.settings]) for entry in comparison.runs]
