"""Plotly figures as pure functions of what they show: what all have in common, and those over time.

Colours are those of Okabe and Ito that stand out on white and on black alike. Text, grid and
background have none here: the page lends them its own, light or dark.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from math import ceil, floor, log10
from typing import Any

from plotly import graph_objects as go

from profiler.reports import format as fmt
from profiler.reports.series import Point, Slice, Span
from profiler.workloads.phases import WARMUP

BLUE = "#0072B2"
SKY = "#56B4E9"
ORANGE = "#E69F00"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
MEASURED_SHADE = "rgba(86,180,233,0.16)"
WARMUP_SHADE = "rgba(230,159,0,0.20)"

LOG_FROM = 5.0  # greatest over least, from which an axis of latencies is logarithmic
TIME_AXIS = "seconds since the first measured request"

_LEGEND_ABOVE = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.02,
    "yanchor": "bottom",
    "itemsizing": "constant",
}
_LEFT_PX = 58  # the same for all, so that figures over the same time stand in line

Trace = dict[str, Any]


def base(traces: list[Trace], height_px: int, top_px: int = 0, **layout: Any) -> go.Figure:
    """A figure that fills the width it is given; traces without points are left out."""
    margin = {"l": _LEFT_PX, "r": 14, "t": top_px, "b": 44}
    figure = go.Figure(data=[trace for trace in traces if trace["x"]])
    figure.update_layout(template=None, height=height_px, autosize=True, margin=margin, legend=_LEGEND_ABOVE, **layout)
    figure.update_xaxes(title_standoff=8, separatethousands=True)
    figure.update_yaxes(title_standoff=4, separatethousands=True)
    return figure


def rounded(value: float) -> float:
    """Five significant digits: more than a screen can show, and short in the page."""
    return float(f"{value:.5g}")


def log_axis(low: float, high: float, title: str) -> dict[str, Any]:
    """A logarithmic axis over `low` to `high` with a tick at every 1, 2 and 5, written in full."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    margin = 0.05 * log10(high / low)
    return {
        "type": "log",
        "range": [log10(low) - margin, log10(high) + margin],
        "title_text": f"{title} (logarithmic)",
        "tickvals": [rounded(tick) for tick in ticks],
        "ticktext": [f"{rounded(tick):,g}" for tick in ticks],
    }


def gap_dots(points: Sequence[Point], phases: Sequence[Span]) -> go.Figure:
    """Every gap between tokens (ms), one dot each."""
    return _gaps([_dots(points, "gap between two tokens", BLUE)], phases)


def gap_slices(parts: Sequence[Slice], phases: Sequence[Span]) -> go.Figure:
    """Gaps between tokens where there are too many to draw: median and worst of every slice of time."""
    worst = _dots([(part.t_s, part.greatest) for part in parts], "worst in the slice", VERMILLION)
    middle = _dots([(part.t_s, part.median) for part in parts], "median of the slice", BLUE)
    return _gaps([worst, middle], phases)


def cores(server: Sequence[Point], client: Sequence[Point], phases: Sequence[Span]) -> go.Figure:
    """Cores that the server's processes and the load driver kept busy."""
    traces = [_line(server, "model server", BLUE), _line(client, "load driver", ORANGE, dash="dot")]
    return _over_time(traces, "cores busy", phases)


def host_shares(busy: Sequence[Point], steal: Sequence[Point], phases: Sequence[Span]) -> go.Figure:
    """Share of the whole host that was busy, and share that the hypervisor took away."""
    traces = [
        _line([(t_s, 100 * share) for t_s, share in busy], "whole host busy", GREEN),
        _line([(t_s, 100 * share) for t_s, share in steal], "stolen by the hypervisor", VERMILLION, dash="dash"),
    ]
    return _over_time(traces, "share of all cores, %", phases)


def memory(rss_bytes: Sequence[Point], phases: Sequence[Span]) -> go.Figure:
    """Resident memory of the server's processes."""
    shown = fmt.scale(max(size for _, size in rss_bytes), "bytes")
    line = _line([(t_s, size * shown.factor) for t_s, size in rss_bytes], "model server", PURPLE)
    figure = _over_time([line], f"resident memory, {shown.unit}", phases)
    return figure.update_layout(showlegend=False, margin_t=8)


def by_name(lines: Mapping[str, Sequence[Point]], y_title: str, phases: Sequence[Span]) -> go.Figure:
    """A line for each of several things, such as channels of the energy meters or GPUs."""
    colours = cycle((BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY))
    return _over_time([_line(points, name, next(colours)) for name, points in lines.items()], y_title, phases)


def stretches(rows: Mapping[str, Sequence[tuple[float, float]]], phases: Sequence[Span]) -> go.Figure:
    """A row for each of several states, with a bar over every stretch of time in which it held."""
    traces = [_bar_row(name, spans) for name, spans in rows.items()]
    figure = _over_time(traces, "", phases)
    figure.update_yaxes(type="category", rangemode="normal", automargin=True)
    return figure.update_layout(showlegend=False, margin_t=8, height=80 + 40 * len(rows), hovermode="closest")


def _bar_row(name: str, spans: Sequence[tuple[float, float]]) -> Trace:
    ends: list[float | None] = [end_s for span in spans for end_s in (*span, None)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "line": {"color": VERMILLION, "width": 10},
        "marker": {"color": VERMILLION, "size": 6, "symbol": "square"},
        "x": ends,
        "y": [None if end_s is None else name for end_s in ends],
        "hovertemplate": "%{x:.1f} s",
    }


def _gaps(traces: list[Trace], phases: Sequence[Span]) -> go.Figure:
    figure = _over_time(traces, "gap, ms", phases)
    values = [value for trace in traces for value in trace["y"]]
    least, greatest = min(values), max(values)
    if least > 0 and greatest / least >= LOG_FROM:
        figure.update_yaxes(log_axis(least, greatest, "gap, ms"))
    return figure


def _over_time(traces: list[Trace], y_title: str, phases: Sequence[Span]) -> go.Figure:
    figure = base(traces, height_px=250, hovermode="x unified", showlegend=True)
    figure.update_xaxes(title_text=TIME_AXIS, zeroline=False)
    figure.update_yaxes(title_text=y_title, rangemode="tozero", zeroline=False)
    for phase in phases:
        shade = MEASURED_SHADE if phase.is_measured else WARMUP_SHADE if phase.name == WARMUP else None
        if shade:
            figure.add_vrect(x0=phase.start_s, x1=phase.end_s, fillcolor=shade, line_width=0, layer="below")
    return figure


def _line(points: Sequence[Point], name: str, color: str, dash: str = "solid") -> Trace:
    return {
        **_scatter(points, name),
        "mode": "lines" if len(points) > 1 else "markers",
        "line": {"color": color, "width": 2, "dash": dash},
        "marker": {"color": color},
    }


def _dots(points: Sequence[Point], name: str, color: str) -> Trace:
    return {**_scatter(points, name), "mode": "markers", "marker": {"color": color, "size": 4, "opacity": 0.7}}


def _scatter(points: Sequence[Point], name: str) -> Trace:
    return {
        "type": "scatter",
        "name": name,
        "x": [t_s for t_s, _ in points],
        "y": [rounded(value) for _, value in points],
        "hovertemplate": "%{y:.3g}",
    }
