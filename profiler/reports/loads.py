"""The loads of a sweep or a search side by side: rows of a table, and figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any, NamedTuple

from plotly import graph_objects as go

from profiler.metrics.catalogue import placed
from profiler.metrics.registry import MetricSpec
from profiler.metrics.shown import VALUE, Shown
from profiler.reports import format as fmt
from profiler.reports.figures import (
    BLUE,
    GREEN,
    LOG_FROM,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Trace,
    base,
    log_axis,
    rounded,
)
from profiler.reports.tables import is_left_out
from profiler.results.manifest import Point
from profiler.results.points import describe_load, load_of, unit_of, variant_words
from profiler.results.summary import Conclusion, Distribution, Metric, PointSummary, Scalar, Summary
from profiler.results.tokens import Tokens, tokens_of
from profiler.search.strategy import load_count
from profiler.search.variants import variants_of
from profiler.summaries.estimates import estimate_of
from profiler.workloads.schema import SloSearch, Workload

ATTAINMENT = "slo_attainment_ratio"
_COLOURS = (SKY, BLUE, ORANGE, PURPLE)  # of the percentiles of latencies, two and two
_INTERVAL_SHADE = "rgba(213,94,0,0.14)"


class Column(NamedTuple):
    """A title with its unit, and what is read of every load."""

    title: str
    metric: str
    statistic: str


@dataclass(frozen=True)
class LoadRow:
    """What was measured at one load, ready to print; a cell is empty where there is nothing to say."""

    load: str
    cells: tuple[str, ...]
    verdict: str
    is_headline: bool


@dataclass(frozen=True)
class Value:
    """A number of one load."""

    value: float
    unit: str
    low: float
    high: float
    is_indicative: bool = False


def columns(summary: Summary) -> list[Column]:
    """Return what is said of every load."""
    return columns_of(summary.points, lambda shown: shown.loads)


def columns_of(parts: Sequence[Summary | PointSummary], where: Callable[[Shown], object]) -> list[Column]:
    """Return the columns of a table of these, as the metrics declare `where` they stand; none that would be empty."""
    return [
        Column(_title(spec, statistic), spec.id, statistic)
        for spec in placed(where, tokens_of(parts))
        if not all(is_left_out(spec.id, part.metrics) for part in parts)
        for statistic in spec.shown.statistics
    ]


def _title(spec: MetricSpec, statistic: str) -> str:
    unit = "%" if spec.unit == "ratio" else spec.unit
    return f"{spec.short_label}, {unit}" if statistic == VALUE else f"{spec.short_label} {statistic}, {unit}"


def _latencies(tokens: Tokens) -> list[tuple[str, str, str, str]]:
    """Name, metric, quantile and colour of each curve of latencies."""
    found = [
        (f"{spec.short_label} {statistic}", spec.id, statistic)
        for spec in placed(lambda shown: shown.loads and shown.has_percentiles, tokens)
        for statistic in spec.shown.statistics
    ]
    return [(*each, colour) for each, colour in zip(found, _COLOURS, strict=False)]


def rows(summary: Summary) -> list[LoadRow]:
    """Return a row for each load, the lowest first."""
    return [
        LoadRow(
            load=describe_load(point.point) if variant_words(point.point) else load_text(point.point),
            cells=tuple(cell_text(point.metrics, column.metric, column.statistic) for column in columns(summary)),
            verdict=point.verdict.level.removeprefix("VALID with ") if point.verdict else "",
            is_headline=point.point.name == summary.headline,
        )
        for point in by_load(summary)
    ]


def load_text(point: Point) -> str:
    """Say how much load a point is, unbroken."""
    return f"{load_of(point):g}{fmt.NBSP}{unit_of(point)}"


def measured(summary: Summary, workload: Workload) -> str:
    """Say how many loads were measured, and of how many where the workload says that: a sweep, a search."""
    return f"{fmt.count(len(summary.points), 'load')}{_of_how_many(workload)} measured"


def _of_how_many(workload: Workload) -> str:
    variants = len(variants_of(workload))
    if isinstance(workload.load, SloSearch):
        return f" of at most {variants * workload.load.max_points}"
    count = load_count(workload)
    return "" if count is None else f" of {count}"


def by_load(summary: Summary) -> list[PointSummary]:
    """Return the points, the lowest load first; where more than the load differs, in the order of measuring."""
    if any(variant_words(point.point) for point in summary.points):
        return list(summary.points)
    return sorted(summary.points, key=lambda point: load_of(point.point))


def throughput(points: Sequence[PointSummary], conclusion: Conclusion | None) -> go.Figure | None:
    """Token rate against load, with the range of the repeats; `None` where no point has one."""
    tokens = tokens_of(points)
    known = [(point, value) for point in points if (value := value_of_statistic(point.metrics, tokens.rate, "value"))]
    if not known:
        return None
    trace: Trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [load_of(point.point) for point, _ in known],
        "y": [rounded(value.value) for _, value in known],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [rounded(value.high - value.value) for _, value in known],
            "arrayminus": [rounded(value.value - value.low) for _, value in known],
            "color": BLUE,
            "thickness": 1.2,
        },
        "line": {"color": BLUE, "width": 2},
        "marker": {"color": BLUE, "size": 8},
        "hovertemplate": f"%{{y:.4g}} tokens/s at %{{x:g}} {unit_of(points[0].point)}<extra></extra>",
    }
    figure = base([trace], height_px=290, top_px=14, showlegend=False)
    _load_axis(figure, points)
    figure.update_yaxes(title_text=f"{tokens.kind} rate, tokens/s", rangemode="tozero")
    if conclusion is not None and conclusion.kind == "knee" and conclusion.low is not None:
        _mark(figure, conclusion.low, "knee")
    return figure


def attainment(points: Sequence[PointSummary], target_ratio: float, conclusion: Conclusion) -> go.Figure | None:
    """Share of requests that met every SLO against load: every repeat a dot, the interval of the limit shaded."""
    dots = [
        (load_of(point.point), 100 * share)
        for point in points
        if isinstance(metric := point.metrics.get(ATTAINMENT), Scalar)
        for share in metric.per_repeat
    ]
    if not dots:
        return None
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [load for load, _ in dots],
        "y": [rounded(share) for _, share in dots],
        "marker": {"color": GREEN, "size": 9, "opacity": 0.8},
        "hovertemplate": f"%{{y:.2f}} % at %{{x:g}} {unit_of(points[0].point)}<extra></extra>",
    }
    figure = base([trace], height_px=290, top_px=14, showlegend=False)
    _load_axis(figure, points)
    figure.update_yaxes(title_text="met every SLO, %", range=[-4, 106])
    figure.add_hline(y=100 * target_ratio, line={"color": VERMILLION, "width": 1.5, "dash": "dash"}, layer="below")
    if conclusion.low is not None and conclusion.high is not None:
        figure.add_vrect(x0=conclusion.low, x1=conclusion.high, fillcolor=_INTERVAL_SHADE, line_width=0, layer="below")
    return figure


def latency_throughput(points: Sequence[PointSummary], conclusion: Conclusion | None = None) -> go.Figure | None:
    """Latencies against token rate, the loads joined in ascending order; hollow where indicative."""
    tokens = tokens_of(points)
    traces = [trace for curve in _latencies(tokens) if (trace := _curve(points, tokens, *curve))]
    if not traces:
        return None
    figure = base(traces, height_px=340, top_px=30, showlegend=True, hovermode="closest")
    figure.update_xaxes(title_text=f"{tokens.kind} rate, tokens/s", rangemode="tozero")
    values = [value for trace in traces for value in trace["y"]]
    if min(values) > 0 and max(values) / min(values) >= LOG_FROM:
        figure.update_yaxes(log_axis(min(values), max(values), "latency, ms"))
    else:
        figure.update_yaxes(title_text="latency, ms", rangemode="tozero")
    knee = _rate_at_knee(points, conclusion)
    if knee is not None:
        _mark(figure, knee, "knee")
    return figure


def _rate_at_knee(points: Sequence[PointSummary], conclusion: Conclusion | None) -> float | None:
    """Return the token rate of the load at which throughput stopped growing."""
    if conclusion is None or conclusion.kind != "knee":
        return None
    at = next((point for point in points if point.point.name == conclusion.point), None)
    rate = None if at is None else value_of_statistic(at.metrics, conclusion.metric, "value")
    return None if rate is None else rounded(rate.value)


def _curve(
    points: Sequence[PointSummary], tokens: Tokens, name: str, metric: str, statistic: str, color: str
) -> Trace | None:
    known = [
        (load_of(point.point), rate.value, value)
        for point in points
        if (rate := value_of_statistic(point.metrics, tokens.rate, "value"))
        and (value := value_of_statistic(point.metrics, metric, statistic))
    ]
    if not known:
        return None
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [rounded(rate) for _, rate, _ in known],
        "y": [rounded(value.value) for _, _, value in known],
        "customdata": [load for load, _, _ in known],
        "line": {"color": color, "width": 2, "dash": "dot" if metric == "tpot_ms" else "solid"},
        "marker": {
            "color": color,
            "size": 8,
            "symbol": ["circle-open" if value.is_indicative else "circle" for _, _, value in known],
        },
        "hovertemplate": f"{name} %{{y:.4g}} ms at %{{customdata:g}} {unit_of(points[0].point)}<extra></extra>",
    }


def _load_axis(figure: go.Figure, points: Sequence[PointSummary]) -> None:
    loads = [load_of(point.point) for point in points]
    title = "requests in flight" if points[0].point.concurrency is not None else "requests/s"
    if min(loads) > 0 and max(loads) / min(loads) >= LOG_FROM:
        axis: dict[str, Any] = log_axis(min(loads), max(loads), title)
        figure.update_xaxes(axis)
    else:
        figure.update_xaxes(title_text=title)


def _mark(figure: go.Figure, value: float, text: str) -> None:
    figure.add_vline(x=value, line={"color": VERMILLION, "width": 1.5, "dash": "dash"}, layer="below")
    x = log10(value) if figure.layout.xaxis.type == "log" else value
    figure.add_annotation(
        x=x, xref="x", y=0.03, yref="y domain", text=text, showarrow=False, font_color=VERMILLION, xshift=18
    )


def cell_text(metrics: Mapping[str, Metric], metric: str, statistic: str) -> str:
    """Return a number as it stands in a table whose column names the unit; empty where there is none."""
    value, found = value_of_statistic(metrics, metric, statistic), metrics.get(metric)
    if value is None or found is None:
        return ""
    shown_in = (100.0, "%") if value.unit == "ratio" else (1.0, value.unit)  # the column names the unit
    quantile = statistic if isinstance(found, Distribution) else None
    shown = fmt.estimate_scale(estimate_of(found, quantile), value.unit, shown_in)
    return shown.number(value.value) + ("†" if value.is_indicative else "")


def value_of_statistic(metrics: Mapping[str, Metric], metric: str, statistic: str) -> Value | None:
    """Return the value of a metric with its range over the repeats, or one of its quantiles; None: not measured."""
    found = metrics.get(metric)
    if isinstance(found, Scalar) and found.value is not None:
        values = [*found.per_repeat, found.value]
        return Value(found.value, found.unit, min(values), max(values))
    if isinstance(found, Distribution):
        value = found.quantiles[statistic]
        return Value(value, found.unit, value, value, statistic in found.indicative)
    return None
