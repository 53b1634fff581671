"""Figures with a row for each run: one quantity with its interval, grouped where runs are not to be ranked together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from plotly import graph_objects as go

from profiler.reports import format as fmt
from profiler.reports.compare.entries import Entries, Entry, shortened
from profiler.reports.compare.readings import Reading
from profiler.reports.compare.trade_offs import look
from profiler.reports.figures import Trace, base, rounded
from profiler.results.manifest import MeterClass

MOST_LABELLED = 12  # more rows are too many for a line of text each: they get short names
_ROW_PX, _LOW_ROW_PX = 44, 16
_TITLE_ROWS = 0.9
_LONGEST_LABEL = 30  # characters that a phone has room for, beside the number
_CLASS_SYMBOLS: dict[MeterClass, str] = {"counter": "circle", "polled": "diamond", "wall": "square", "none": "x"}


@dataclass(frozen=True)
class Row:
    """One run in such a figure; `meter_class` chooses the mark where the number is one of energy."""

    entry: Entry
    reading: Reading
    meter_class: MeterClass | None = None


def grouped(rows: Sequence[Row], *, is_lower_better: bool) -> dict[str, list[Row]]:
    """Rows by what they may be compared with; the best first, but intervals of a model in the order given."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if not row.reading.is_missing:
            groups.setdefault(row.reading.kind, []).append(row)
    for group in groups.values():
        if all(row.reading.middle is not None for row in group):
            group.sort(key=lambda row: row.reading.middle or 0.0, reverse=not is_lower_better)
    return groups


def rows_figure(
    groups: dict[str, list[Row]], entries: Entries, axis_title: str, *, bars: bool = False, titled: bool = True
) -> go.Figure | None:
    """One row per run, top to bottom, below the `titled` groups; `bars` draws from 0. None without any row."""
    count = sum(len(rows) for rows in groups.values())
    if not count:
        return None
    has_labels = count <= MOST_LABELLED
    has_titles = titled and any(groups)
    traces: list[Trace] = []
    names: dict[float, str] = {}
    titles: list[tuple[float, str]] = []
    labels: list[tuple[float, Row]] = []
    at = 0.0
    for kind, rows in groups.items():
        if has_titles:
            titles.append((at + 0.1, kind))
            at += _TITLE_ROWS
        heights = {row.entry.index: at + offset for offset, row in enumerate(rows)}
        at += len(rows) + 0.2
        traces += _traces(rows, heights, entries, bars=bars)
        names |= {heights[row.entry.index]: row.entry.name for row in rows}
        labels += [(heights[row.entry.index], row) for row in rows]
    row_px = _ROW_PX if has_labels else _LOW_ROW_PX
    figure = base(
        [*traces, _names(names)], int(70 + row_px * at), top_px=40, showlegend=False, hovermode="closest", bargap=0.45
    )
    greatest = max((row.reading.found.high if row.reading.found else row.reading.middle or 0.0) for _, row in labels)
    figure.update_xaxes(title_text=escape(axis_title), side="top", range=[0, 1.06 * greatest or 1], zeroline=True)
    figure.update_yaxes(range=[at - 0.4, -0.6], showticklabels=False, ticks="", showgrid=False, zeroline=False)
    figure.update_layout(margin={"l": 46, "b": 12})
    for height, kind in titles:
        _write(figure, height, f"<b>{escape(kind or 'not known')}</b>", shift_px=0)
    for height, row in labels if has_labels else []:
        _write(figure, height - 0.36, escape(_label(row)), shift_px=0)
    return figure


def _names(at: Mapping[float, str]) -> Trace:
    """Short names left of the axis: as labels of ticks, two hundred of them take plotly ten times as long to draw."""
    return {
        "type": "scatter",
        "mode": "text",
        "x": [0] * len(at),
        "y": list(at),
        "text": [f"{name}{fmt.NBSP}" for name in at.values()],
        "textposition": "middle left",
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _label(row: Row) -> str:
    return f"{shortened(row.entry.label, _LONGEST_LABEL)}: {row.reading.text()}"


def _write(figure: go.Figure, height: float, text: str, shift_px: int) -> None:
    figure.add_annotation(
        x=0, xref="x domain", xanchor="left", xshift=4, y=height, yanchor="middle", yshift=shift_px, text=text,
        showarrow=False, borderpad=0, align="left",
    )  # fmt: skip


def _traces(rows: Sequence[Row], heights: dict[int, float], entries: Entries, *, bars: bool) -> list[Trace]:
    """A trace for the intervals without a value, and one for the others."""
    spans = [row for row in rows if row.reading.middle is None]
    valued = [row for row in rows if row.reading.middle is not None]
    traces = []
    if spans:
        traces.append(_spans(spans, heights, entries))
    if valued:
        traces.append(_valued(valued, heights, entries, bars=bars))
    return traces


def _spans(rows: Sequence[Row], heights: dict[int, float], entries: Entries) -> Trace:
    """What is known only as an interval: a bar from end to end, without a middle that could be taken for the value."""
    found = [row.reading.found for row in rows]
    return _common(rows, heights) | {
        "type": "bar",
        "orientation": "h",
        "base": [rounded(one.low) for one in found if one],
        "x": [rounded(one.high - one.low) for one in found if one],
        "width": 0.32,
        "marker": {
            "color": [look(entries, row.entry.group)[0] for row in rows],
            "opacity": 0.45,
            "line": {"width": 1.5, "color": [look(entries, row.entry.group)[0] for row in rows]},
        },
    }


def _valued(rows: Sequence[Row], heights: dict[int, float], entries: Entries, *, bars: bool) -> Trace:
    middles = [row.reading.middle or 0.0 for row in rows]
    found = [row.reading.found for row in rows]
    colours = [look(entries, row.entry.group)[0] for row in rows]
    trace = _common(rows, heights) | {
        "x": [rounded(value) for value in middles],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [rounded(one.high - value) if one else 0 for one, value in zip(found, middles, strict=True)],
            "arrayminus": [rounded(value - one.low) if one else 0 for one, value in zip(found, middles, strict=True)],
            "color": "rgba(128,128,128,1)",
            "thickness": 1.6,
            "width": 4,
        },
    }
    if bars:
        return trace | {"type": "bar", "orientation": "h", "width": 0.32, "marker": {"color": colours}}
    symbols = [_symbol(row, entries) for row in rows]
    return trace | {"type": "scatter", "mode": "markers", "marker": {"color": colours, "symbol": symbols, "size": 11}}


def _symbol(row: Row, entries: Entries) -> str:
    if row.meter_class is None:
        return look(entries, row.entry.group)[1]
    return _CLASS_SYMBOLS.get(row.meter_class, "x")


def _common(rows: Sequence[Row], heights: dict[int, float]) -> Trace:
    return {
        "y": [heights[row.entry.index] for row in rows],
        "meta": {"runs": [row.entry.index for row in rows]},
        "hovertext": [_hover(row) for row in rows],
        "hoverinfo": "text",
    }


def _hover(row: Row) -> str:
    bounds = row.reading.bounds()
    said = f"{row.reading.text()}{f' ({bounds})' if bounds else ''}"
    return "<br>".join(filter(None, [escape(row.entry.full_name), escape(said), escape(row.reading.kind)]))
