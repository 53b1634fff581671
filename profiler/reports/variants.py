"""Sweeps over something else than loads: speed against depth of context, what worked examples cost and bring."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from plotly import graph_objects as go

from profiler.reports import format as fmt
from profiler.reports.figures import BLUE, GREEN, ORANGE, VERMILLION, Trace, base, rounded
from profiler.reports.loads import cell_text, load_text, value_of_statistic
from profiler.results.manifest import EngineFacts, Point
from profiler.results.points import is_warm, variant_words
from profiler.results.summary import PointSummary, Summary

_TTFT, _PREFILL, _PREFILL_AT, _DECODE = (
    "ttft_ms",
    "prefill_tokens_per_s",
    "uncached_prefill_tokens_per_s",
    "decode_tokens_per_s",
)
_MIB = 1024 * 1024


class _Column(NamedTuple):
    """A column: its title with the unit, and what is read, of the point whose cache is cold, warm, or either."""

    title: str
    metric: str
    statistic: str
    caches: tuple[str, ...]  # of which the first that has a value counts


_COLD, _WARM, _ANY = ("cold",), ("warm",), ("warm", "cold")
_OF_DEPTHS = (
    _Column("TTFT cold p50, ms", _TTFT, "p50", _COLD),
    _Column("Prefill of all, tokens/s", _PREFILL, "p50", _COLD),
    _Column("TTFT cached p50, ms", _TTFT, "p50", _WARM),
    _Column("Prefill at depth, tokens/s", _PREFILL_AT, "p50", _ANY),
    _Column("Decode at depth, tokens/s", _DECODE, "p50", _ANY),
    _Column("KV cache, MiB", "kv_cache_bytes", "value", _ANY),
    _Column("Peak memory, MiB", "peak_rss_bytes", "value", _ANY),
)
_OF_SHOTS = (
    _Column("Prompt tokens, p50", "prompt_tokens_per_request", "p50", _ANY),
    _Column("TTFT cold p50, ms", _TTFT, "p50", _COLD),
    _Column("TTFT cached p50, ms", _TTFT, "p50", _WARM),
    _Column("Cost cold, per request", "cost_per_request", "value", _COLD),
    _Column("Cost cached, per request", "cost_per_request", "value", _WARM),
    _Column("Energy cold, J per request", "energy_j_per_request", "value", _COLD),
    _Column("Energy cached, J per request", "energy_j_per_request", "value", _WARM),
    _Column("Correct, %", "correct_ratio", "value", _ANY),
)


class VariantTable(NamedTuple):
    """A table of a sweep, ready to print; columns in which nothing was measured are left out."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    note: str


class _Row(NamedTuple):
    """The points that differ in nothing but the state of the prompt cache."""

    label: str
    at: int
    points: dict[str, PointSummary]


def table(summary: Summary, engine: EngineFacts) -> VariantTable | None:
    """Return the table of a sweep over depths or examples; `None` where a run has none."""
    if rows := _rows(summary, engine, lambda point: point.depth_tokens):
        note = (
            "Cold: each request has a context of its own, and all of it is read. Cached: all requests have the same "
            "context, which the server keeps; prefill at depth is that of the prompt alone behind it, as llama-bench "
            "measures it with -d. Quantiles are p50."
        )
        return _table("Speed against depth", _OF_DEPTHS, rows, note)
    if rows := _rows(summary, engine, lambda point: point.shots):
        scores = sorted({name for row in rows for p in row.points.values() for name in p.metrics if "quality_" in name})
        columns = (*_OF_SHOTS, *(_Column(f"{fmt.label(name)}", name, "value", _ANY) for name in scores))
        note = "Cold: every example is read with each request. Cached: the server keeps what requests begin with alike."
        return _table("What worked examples cost and bring", columns, rows, note)
    return None


def figures(summary: Summary, engine: EngineFacts) -> list[tuple[str, str, go.Figure]]:
    """Return the curves of a sweep over depths or examples, each with an id and a title."""
    if rows := _rows(summary, engine, lambda point: point.depth_tokens):
        found = [
            (
                "prefill-depth",
                "Prefill speed against depth",
                _curves(
                    rows,
                    "context before the prompt, tokens",
                    "prefill, tokens/s",
                    [
                        ("at depth, behind a cached context", _PREFILL_AT, "p50", _ANY, BLUE),
                        ("of context and prompt, cold", _PREFILL, "p50", _COLD, ORANGE),
                    ],
                ),
            ),
            (
                "decode-depth",
                "Decode speed against depth",
                _curves(
                    rows,
                    "context before the prompt, tokens",
                    "decode, tokens/s",
                    [("decode", _DECODE, "p50", _ANY, GREEN)],
                ),
            ),
        ]
    else:
        rows = _rows(summary, engine, lambda point: point.shots)
        ttft = [("cold", _TTFT, "p50", _COLD, ORANGE), ("cached", _TTFT, "p50", _WARM, BLUE)]
        correct = [("correct", "correct_ratio", "value", _ANY, VERMILLION)]
        found = [
            ("ttft-shots", "TTFT against examples", _curves(rows, "worked examples", "TTFT p50, ms", ttft)),
            ("correct-shots", "Correct answers against examples", _curves(rows, "worked examples", "share", correct)),
        ]
    return [(name, title, figure) for name, title, figure in found if figure is not None]


def _rows(summary: Summary, engine: EngineFacts, key: Callable[[Point], int | None]) -> list[_Row]:
    """Put together the points of each value of what was swept over, and of each load, where there are several of it."""
    loads = {(point.point.concurrency, point.point.rate_rps) for point in summary.points}
    found: dict[tuple[int, str], _Row] = {}
    for each in summary.points:
        at = key(each.point)
        if at is None:
            continue
        load = load_text(each.point) if len(loads) > 1 else ""
        words = variant_words(each.point)[:1]
        row = found.setdefault((at, load), _Row(" · ".join([*words, *([load] if load else [])]), at, {}))
        row.points["warm" if is_warm(each.point, engine) else "cold"] = each
    return [found[place] for place in sorted(found, key=lambda place: place[0])] if len(found) > 1 else []


def _table(title: str, columns: Sequence[_Column], rows: Sequence[_Row], note: str) -> VariantTable:
    cells = [[_text(row, column) for column in columns] for row in rows]
    kept = [place for place in range(len(columns)) if any(line[place] for line in cells)]
    return VariantTable(
        title,
        tuple(columns[place].title for place in kept),
        tuple((row.label, tuple(line[place] for place in kept)) for row, line in zip(rows, cells, strict=True)),
        note,
    )


def _text(row: _Row, column: _Column) -> str:
    point = _point(row, column.metric, column.statistic, column.caches)
    if point is None:
        return ""
    if column.title.endswith("MiB"):
        value = value_of_statistic(point.metrics, column.metric, column.statistic)
        return f"{value.value / _MIB:,.0f}" if value else ""
    return cell_text(point.metrics, column.metric, column.statistic)


def _point(row: _Row, metric: str, statistic: str, caches: Sequence[str]) -> PointSummary | None:
    if metric == _PREFILL_AT and row.at:  # a cold cache has nothing to stand behind: there it is the speed of all of it
        caches = _WARM
    points = (row.points[cache] for cache in caches if cache in row.points)
    return next((point for point in points if value_of_statistic(point.metrics, metric, statistic)), None)


def _curves(
    rows: Sequence[_Row], x_title: str, y_title: str, curves: Sequence[tuple[str, str, str, Sequence[str], str]]
) -> go.Figure | None:
    traces = [trace for curve in curves if (trace := _curve(rows, *curve))["x"]]
    if not traces:
        return None
    figure = base(traces, height_px=290, top_px=30, showlegend=len(curves) > 1, hovermode="closest")
    figure.update_xaxes(title_text=x_title, rangemode="tozero")
    figure.update_yaxes(title_text=y_title, rangemode="tozero")
    return figure


def _curve(rows: Sequence[_Row], name: str, metric: str, statistic: str, caches: Sequence[str], color: str) -> Trace:
    known = [
        (row.at, value.value)
        for row in rows
        if (point := _point(row, metric, statistic, caches))
        and (value := value_of_statistic(point.metrics, metric, statistic))
    ]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [at for at, _ in known],
        "y": [rounded(value) for _, value in known],
        "line": {"color": color, "width": 2},
        "marker": {"color": color, "size": 8},
        "hovertemplate": "%{y:.4g} at %{x:,}<extra></extra>",
    }
