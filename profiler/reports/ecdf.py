"""The figure of a latency's distribution: empirical cumulative shares, percentiles and the SLO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from plotly import graph_objects as go

from profiler.reports import format as fmt
from profiler.reports.figures import BLUE, LOG_FROM, VERMILLION, Trace, base, log_axis, rounded
from profiler.reports.series import thinned
from profiler.stats.values import Ordered

_UNLABELLED = {"p95"}  # too close to its neighbours
_FAR = 2.5  # an SLO this many times beyond the data is named at the edge instead of drawn

Range = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A percentile: where it is and how its value reads."""

    name: str
    share_percent: float
    value_ms: float
    text: str
    is_indicative: bool


def ecdf(values_ms: Ordered, marks: Sequence[Mark], name: str, slo_ms: float | None = None) -> go.Figure:
    """Share of `values_ms` (sorted) at or below x, with percentiles and the SLO marked."""
    shown = fmt.scale(values_ms[-1], "ms")
    span = (values_ms[0] * shown.factor, values_ms[-1] * shown.factor)
    slo = None if slo_ms is None else slo_ms * shown.factor
    axis = _axis(span, f"{name}, {shown.unit}", slo)
    figure = base(
        [_curve(values_ms, shown), _percentiles(marks, shown, axis)],
        height_px=270,
        top_px=14,
        showlegend=False,
        hovermode="closest",
    )
    figure.update_xaxes(axis)
    figure.update_yaxes(title_text="share at or below, %", range=[0, 106], tickvals=[0, 25, 50, 75, 90, 100])
    if slo is not None:
        _mark_slo(figure, slo, f"SLO {slo:,g}{fmt.NBSP}{shown.unit}", span)
    return figure


def _curve(values_ms: Ordered, shown: fmt.Scale) -> Trace:
    steps = thinned(values_ms)
    x = [rounded(value * shown.factor) for _, value in steps]
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"color": BLUE, "width": 2, "shape": "hv"},
        "x": [x[0], *x],
        "y": [0.0, *(round(100 * rank / len(values_ms), 3) for rank, _ in steps)],
        "hovertemplate": f"%{{y:.1f}} % at or below %{{x:.4g}} {shown.unit}<extra></extra>",
    }


def _percentiles(marks: Sequence[Mark], shown: fmt.Scale, axis: Mapping[str, Any]) -> Trace:
    at = [mark.value_ms * shown.factor for mark in marks]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [rounded(value) for value in at],
        "y": [mark.share_percent for mark in marks],
        "text": ["" if mark.name in _UNLABELLED else f"{mark.name} {mark.text}" for mark in marks],
        "textposition": [_text_side(value, axis) for value in at],
        "cliponaxis": False,
        "marker": {
            "color": BLUE,
            "size": 8,
            "symbol": ["circle-open" if mark.is_indicative else "circle" for mark in marks],
            "line": {"width": 2, "color": BLUE},
        },
        "hovertext": [f"{mark.name} {mark.text}{' (indicative)' * mark.is_indicative}" for mark in marks],
        "hoverinfo": "text",
    }


def _text_side(value: float, axis: Mapping[str, Any]) -> str:
    """Labels stand where the curve cannot be: above to the left, or below to the right."""
    position = log10(value) if axis["type"] == "log" else value
    low, high = axis["range"]
    return "bottom right" if position - low < 0.4 * (high - low) else "top left"


def _axis(span: Range, title: str, slo: float | None) -> dict[str, Any]:
    """An axis that holds all values, and the SLO unless that is far away."""
    low, high = span
    if slo is not None and _is_near(slo, span):
        low, high = min(low, slo), max(high, slo)
    if low > 0 and high / low >= LOG_FROM:
        return log_axis(low, high, title)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return {"type": "linear", "range": [low - margin, high + margin], "title_text": title}


def _is_near(slo: float, span: Range) -> bool:
    return span[0] / _FAR <= slo <= span[1] * _FAR


def _mark_slo(figure: go.Figure, slo: float, text: str, span: Range) -> None:
    """A line where it fits on the axis; else an arrow at the edge beyond which it lies."""
    is_right = slo > sum(span) / 2
    place: dict[str, Any] = {"xanchor": "right", "xshift": -4} if is_right else {"xanchor": "left", "xshift": 4}
    if _is_near(slo, span):
        figure.add_vline(x=slo, line={"color": VERMILLION, "width": 1.5, "dash": "dash"}, layer="below")
        place["x"] = log10(slo) if figure.layout.xaxis.type == "log" else slo
    else:
        place |= {"x": int(is_right), "xref": "x domain"}
        text = f"{text} \N{RIGHTWARDS ARROW}" if is_right else f"\N{LEFTWARDS ARROW} {text}"
    figure.add_annotation(**place, y=3, yanchor="bottom", text=text, showarrow=False, font_color=VERMILLION)
