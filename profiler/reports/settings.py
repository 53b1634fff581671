"""Sweeps over settings of the server: each combination with its rate and its TTFT, and how sure these are."""

from collections.abc import Sequence

from plotly import graph_objects as go

from profiler.reports import format as fmt
from profiler.reports.figures import BLUE, ORANGE, Trace, base, rounded
from profiler.reports.loads import load_text
from profiler.results.points import server_settings, setting_words
from profiler.results.summary import PointSummary, Summary
from profiler.results.tokens import tokens_of
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import estimate, unit_of

_ROW_PX, _AROUND_PX = 26, 70


def figures(summary: Summary) -> list[tuple[str, str, go.Figure]]:
    """Return a figure for each number that settings are chosen by, with an id and a title; none without a sweep."""
    points = [point for point in summary.points if server_settings(point.point)]
    if not points:
        return []
    tokens = tokens_of(points)
    drawn = [
        ("rate-settings", tokens.rate, None, f"{tokens.kind.capitalize()} rate by setting", BLUE),
        ("ttft-settings", "ttft_ms", "p50", "TTFT p50 by setting", ORANGE),
    ]
    found = [(name, title, _figure(points, metric, part, colour)) for name, metric, part, title, colour in drawn]
    return [(name, title, figure) for name, title, figure in found if figure is not None]


def _figure(points: Sequence[PointSummary], metric: str, quantile: str | None, colour: str) -> go.Figure | None:
    """Draw a dot for each point, the first one on top, with its interval where it has one."""
    known = [(_label(point, points), point, estimate(point, metric, quantile)) for point in points]
    shown = [(label, point, one) for label, point, one in known if one.value is not None]
    if not shown:
        return None
    ends = [(one.low, one.high) if isinstance(one, Estimate) else (one.value, one.value) for _, _, one in shown]
    values = [float(one.value or 0.0) for _, _, one in shown]
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [rounded(value) for value in values],
        "y": [label for label, _, _ in shown],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [rounded((high or 0.0) - value) for value, (_, high) in zip(values, ends, strict=True)],
            "arrayminus": [rounded(value - (low or 0.0)) for value, (low, _) in zip(values, ends, strict=True)],
            "color": colour,
            "thickness": 1.2,
        },
        "marker": {"color": colour, "size": 8},
        "hovertemplate": "%{y}: %{x:.4g}<extra></extra>",
    }
    figure = base([trace], height_px=_AROUND_PX + _ROW_PX * len(shown), top_px=14, showlegend=False)
    figure.update_xaxes(title_text=f"{fmt.short_label(metric)}, {unit_of(shown[0][1], metric)}", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", automargin=True, type="category")
    return figure


def _label(point: PointSummary, points: Sequence[PointSummary]) -> str:
    loads = {load_text(each.point) for each in points}
    return ", ".join([*setting_words(point.point), *([load_text(point.point)] if len(loads) > 1 else [])])
