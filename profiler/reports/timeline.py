"""The figure of who streamed when: one row per request."""

from collections.abc import Sequence
from html import escape

from plotly import graph_objects as go

from profiler.reports import format as fmt
from profiler.reports.figures import BLUE, ORANGE, SKY, VERMILLION, Trace, base
from profiler.reports.series import MOST_TICKS, Row

_ROW_PX = 7
_HEADROOM_ROWS = 3.0  # above each repeat, for its name
_RULE = "rgba(128,128,128,0.5)"


def timeline(rows: Sequence[Row]) -> go.Figure:
    """Waiting, then streaming with a tick for every token; failures are crossed."""
    heights = _heights(rows)
    depth = heights[-1] + 1.0
    traces = [*_bars(rows, heights), _ticks(rows, heights), _failures(rows, heights)]
    figure = base(
        traces, int(130 + _ROW_PX * depth), showlegend=True, barmode="overlay", bargap=0.12, hovermode="closest"
    )
    figure.update_xaxes(title_text="seconds since the repeat's first request", zeroline=False)
    figure.update_yaxes(
        title_text="requests",
        range=[depth, -_HEADROOM_ROWS],
        showticklabels=False,
        showgrid=False,
        ticks="",
    )
    _name_repeats(figure, rows, heights)
    return figure


def _heights(rows: Sequence[Row]) -> list[float]:
    """Where each row stands, counted downwards; repeats are set apart."""
    heights: list[float] = []
    for number, row in enumerate(rows):
        is_new = number > 0 and row.repeat != rows[number - 1].repeat
        heights.append(heights[-1] + 1 + is_new * _HEADROOM_ROWS if heights else 0.0)
    return heights


def _bars(rows: Sequence[Row], heights: Sequence[float]) -> list[Trace]:
    awaited = "the first token" if any(row.token_s for row in rows) else "the answer"
    waiting, streaming = _empty_bar(f"waiting for {awaited}", ORANGE), _empty_bar("streaming", SKY)
    for row, height in zip(rows, heights, strict=True):
        first_s = row.end_s if row.first_token_s is None else row.first_token_s
        _add_bar(waiting, row, height, row.sent_s, first_s)
        if row.first_token_s is not None:
            _add_bar(streaming, row, height, row.first_token_s, row.end_s)
    return [waiting, streaming]


def _empty_bar(name: str, color: str) -> Trace:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "marker": {"color": color, "line": {"width": 0}},
        "x": [],
        "y": [],
        "base": [],
        "hovertext": [],
        "hoverinfo": "text",
    }


def _add_bar(trace: Trace, row: Row, height: float, start_s: float, end_s: float) -> None:
    trace["x"].append(round(end_s - start_s, 4))
    trace["y"].append(height)
    trace["base"].append(start_s)
    trace["hovertext"].append(_row_text(row))


def _row_text(row: Row) -> str:
    wait = "no token" if row.first_token_s is None else f"first token after {row.first_token_s - row.sent_s:.3f} s"
    return (
        f"request {row.index}, {escape(row.outcome)}<br>sent at {row.sent_s:.3f} s, {wait}<br>"
        f"{len(row.token_s):,} reads with tokens, over after {row.end_s - row.sent_s:.3f} s"
    )


def _ticks(rows: Sequence[Row], heights: Sequence[float]) -> Trace:
    """All token ticks as one broken line, which draws far faster than as many markers."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, height in zip(rows, heights, strict=True):
        for t_s in row.token_s[: MOST_TICKS - len(x) // 3]:
            x += (t_s, t_s, None)
            y += (height - 0.44, height + 0.44, None)
    line = {"color": BLUE, "width": 1, "simplify": False}
    return {"type": "scatter", "mode": "lines", "name": "token", "line": line, "x": x, "y": y, "hoverinfo": "skip"}


def _failures(rows: Sequence[Row], heights: Sequence[float]) -> Trace:
    failed = [(row, height) for row, height in zip(rows, heights, strict=True) if row.outcome != "ok"]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "failed",
        "marker": {"symbol": "x", "color": VERMILLION, "size": 9, "line": {"width": 0}},
        "x": [row.end_s for row, _ in failed],
        "y": [height for _, height in failed],
        "hovertext": [_row_text(row) for row, _ in failed],
        "hoverinfo": "text",
    }


def _name_repeats(figure: go.Figure, rows: Sequence[Row], heights: Sequence[float]) -> None:
    """The repeat's name above its first row, and a rule above the name."""
    tops: dict[str, float] = {}
    for row, height in zip(rows, heights, strict=True):
        tops.setdefault(row.repeat, height)
    for name, top in tops.items():
        figure.add_annotation(
            x=0,
            xref="x domain",
            xanchor="left",
            xshift=4,
            y=top - 0.6,
            yanchor="bottom",
            text=escape(fmt.words(name)),
            showarrow=False,
            borderpad=0,
        )
        if top > 0:
            figure.add_hline(y=top - 0.5 - _HEADROOM_ROWS, line={"width": 1, "color": _RULE})
