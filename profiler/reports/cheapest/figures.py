"""Figures of the cheapest candidate: cost beside cost, cost at each load, and what another target would choose."""

from collections.abc import Sequence
from html import escape
from typing import Any

from plotly import graph_objects as go

from profiler.reports.cheapest import words
from profiler.reports.figures import (
    BLUE,
    GREEN,
    LOG_FROM,
    ORANGE,
    PURPLE,
    VERMILLION,
    Trace,
    base,
    log_axis,
    rounded,
)
from profiler.selection.answers import MEETS
from profiler.selection.cheapest import Cheapest, Considered
from profiler.selection.operating import JudgedLoad
from profiler.selection.targets import Target
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, "#808080")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star", "hexagon", "triangle-down", "pentagon")
_ROW_PX = 34
_LONGEST = 34  # characters of a name beside an axis


def costs(found: Cheapest) -> go.Figure | None:
    """Cost at the operating point, one line for each candidate that has one, with its interval; the cheapest on top."""
    shown = [one for one in found.considered if one.at is not None and one.at.cost.value is not None]
    if not shown:
        return None
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [rounded(_value(one.at)) for one in shown],
        "y": [_short(words.name(one)) for one in shown],
        "error_x": _bars([one.at.cost for one in shown if one.at]),
        "marker": {
            "size": 11,
            "color": [GREEN if one.standing == MEETS else ORANGE for one in shown],
            "symbol": ["circle" if one.standing == MEETS else "circle-open" for one in shown],
        },
        "hovertext": [escape(f"{words.name(one)}: {words.cost_of(one)}, {one.standing}") for one in shown],
        "hoverinfo": "text",
    }
    figure = base([trace], height_px=90 + _ROW_PX * len(shown), hovermode="closest", showlegend=False)
    figure.update_xaxes(_axis(_cost_title(shown), [_value(one.at) for one in shown]))
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure


def loads(found: Cheapest, number: int) -> go.Figure | None:
    """Cost against what a target limits, one line for each candidate over its loads; the limit as a dashed line."""
    target = found.question.targets[number]
    traces = [
        trace for index, one in enumerate(found.considered) if (trace := _over_loads(one, number, index)) is not None
    ]
    if not traces:
        return None
    figure = base(traces, height_px=400, top_px=34, showlegend=True, hovermode="closest")
    figure.add_vline(x=target.limit, line={"color": "rgba(128,128,128,0.9)", "dash": "dash", "width": 1.5})
    figure.update_xaxes(_axis(_target_title(found, number), [*_all(traces, "x"), target.limit]))
    figure.update_yaxes(_axis(_cost_title(found.considered), _all(traces, "y")))
    return figure


def sensitivity(found: Cheapest, number: int) -> go.Figure | None:
    """What the cheapest load that meets every target would cost, were this target another; the others stay."""
    target = found.question.targets[number]
    traces = []
    for index, one in enumerate(found.considered):
        steps = steps_of(one, number, target)
        if steps:
            traces.append(_steps(one, steps, index, target))
    if not traces:
        return None
    figure = base(traces, height_px=360, top_px=34, showlegend=True, hovermode="closest")
    figure.add_vline(x=target.limit, line={"color": "rgba(128,128,128,0.9)", "dash": "dash", "width": 1.5})
    figure.update_xaxes(_axis(f"target: {_target_title(found, number)}", [*_all(traces, "x"), target.limit]))
    figure.update_yaxes(_axis(_cost_title(found.considered), _all(traces, "y")))
    return figure


def _axis(title: str, values: Sequence[float]) -> dict[str, Any]:
    """An axis from 0 on; a logarithmic one where the greatest value is many times the least."""
    low, high = min(values), max(values)
    return (
        log_axis(low, high, title)
        if low > 0 and high / low >= LOG_FROM
        else {"title_text": title, "rangemode": "tozero"}
    )


def _all(traces: Sequence[Trace], key: str) -> list[float]:
    return [value for trace in traces for value in trace[key]]


def steps_of(one: Considered, number: int, target: Target) -> list[tuple[float, float]]:
    """Return (limit, cost): from this limit on, the tightest first, the cheapest load that meets it costs so much.

    A load meets a limit from the end of its interval on; loads that miss another target are none.
    """
    able = [load for load in one.operating.loads if _keeps_others(load, number) and load.cost.value is not None]
    ends = sorted(
        ((end, load.cost.value or 0.0) for load in able if (end := _end(load, number, target)) is not None),
        reverse=target.bound == "at least",
    )
    steps: list[tuple[float, float]] = []
    for end, cost in ends:
        if not steps or cost < steps[-1][1]:
            steps.append((end, cost))
    return steps


def _keeps_others(load: JudgedLoad, number: int) -> bool:
    return all(answer.standing == MEETS for other, answer in enumerate(load.answers) if other != number)


def _end(load: JudgedLoad, number: int, target: Target) -> float | None:
    seen = load.answers[number].seen
    if seen is None:
        return None
    return seen.high if target.bound == "at most" else seen.low


def _steps(one: Considered, steps: Sequence[tuple[float, float]], index: int, target: Target) -> Trace:
    is_upper = target.bound == "at most"
    last = (max(steps[-1][0], target.limit) * 1.15) if is_upper else min(steps[-1][0], target.limit) / 1.15
    xs = [*(rounded(x) for x, _ in steps), rounded(last)]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(_short(words.name(one))),
        "x": xs,
        "y": [*(rounded(y) for _, y in steps), rounded(steps[-1][1])],
        "line": {"shape": "hv", "color": _COLOURS[index % len(_COLOURS)], "width": 2},
        "hovertemplate": "from %{x:,.4g} on: %{y:,.4g}",
    }


def _over_loads(one: Considered, number: int, index: int) -> Trace | None:
    shown = [
        (load, value)
        for load in one.operating.loads
        if (value := load.answers[number].value) is not None and load.cost.value is not None
    ]
    if not shown:
        return None
    colour, symbol = _COLOURS[index % len(_COLOURS)], _SYMBOLS[index % len(_SYMBOLS)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": escape(_short(words.name(one))),
        "x": [rounded(value) for _, value in shown],
        "y": [rounded(_value(load)) for load, _ in shown],
        "error_x": _bars([load.answers[number].seen or Unknown("") for load, _ in shown], colour),
        "error_y": _bars([load.cost for load, _ in shown], colour),
        "line": {"color": colour, "width": 1.2, "dash": "dot"},
        "marker": {
            "color": colour,
            "size": [14 if load is one.at else 8 for load, _ in shown],
            "symbol": [symbol if load.standing == MEETS else f"{symbol}-open" for load, _ in shown],
        },
        "hovertext": [escape(f"{words.name(one)}, {load.load.described}: {load.standing}") for load, _ in shown],
        "hoverinfo": "text+x+y",
    }


def _bars(found: Sequence[Estimate | Unknown], colour: str = "#808080") -> Trace:
    ends = [
        (0.0, 0.0) if isinstance(one, Unknown) or one.value is None else (one.high - one.value, one.value - one.low)
        for one in found
    ]
    return {
        "type": "data",
        "symmetric": False,
        "array": [rounded(up) for up, _ in ends],
        "arrayminus": [rounded(down) for _, down in ends],
        "color": colour,
        "thickness": 1.2,
        "width": 3,
    }


def _value(load: JudgedLoad | None) -> float:
    return 0.0 if load is None or load.cost.value is None else load.cost.value


def _cost_title(shown: Sequence[Considered]) -> str:
    return f"cost, {words.unit_at(shown[0], shown[0].candidate.tokens.cost)}"


def _target_title(found: Cheapest, number: int) -> str:
    target = found.question.targets[number]
    unit = words.unit_at(found.considered[0], target.metric[0])
    return f"{target.name}, {unit}"


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
