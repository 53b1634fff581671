"""Figures of trade-offs: price against latency with its Pareto front, and latency against throughput.

A dot belongs to a run by its `meta`, so that the page can let the runs that a reader picks stand out.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape

from plotly import graph_objects as go

from profiler.reports.compare.entries import Entries, Entry
from profiler.reports.compare.operating import Operating, Priced
from profiler.reports.compare.readings import Reading
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
from profiler.results.tokens import tokens_of
from profiler.stats.estimates import Estimate

_GREY = "#808080"  # not the lighter blue: on black the two change places
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, _GREY)
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star", "hexagon", "triangle-down", "pentagon")
_FRONT = "rgba(128,128,128,0.9)"
_MOST_BARS = 60  # beyond, intervals would hide the dots; they are in the table


def look(entries: Entries, group: str) -> tuple[str, str]:
    """Return colour and symbol of a group: no two groups share both, and none is told by colour alone."""
    number = entries.groups.index(group)
    return COLOURS[number % len(COLOURS)], _SYMBOLS[number % len(_SYMBOLS)]


def price_latency(shown: Sequence[Priced], entries: Entries, currency: str, latency_name: str) -> go.Figure | None:
    """Cost against latency, one dot per load, and the Pareto front; None where there is nothing to draw."""
    if not shown:
        return None
    traces = [_front(shown)]
    for group in entries.groups:
        own = [one for one in shown if one.point.entry.group == group]
        if own:
            traces.append(_price_dots(own, entries, group, currency, latency_name, len(shown) <= _MOST_BARS))
    figure = base(traces, height_px=400, top_px=34, showlegend=True, hovermode="closest")
    _axis(figure, "x", [one.latency for one in shown], f"{latency_name}, ms")
    kind = tokens_of(one.point.part for one in shown).kind
    _axis(figure, "y", [one.cost for one in shown], f"cost, {currency} per 1M {kind} tokens")
    return figure


def _front(shown: Sequence[Priced]) -> Trace:
    """The front as steps: whatever lies above and to the right of it is beaten."""
    on = sorted((one.latency.middle, one.cost.middle) for one in shown if one.standing == "front")
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Pareto front",
        "x": [rounded(x) for x, _ in on],
        "y": [rounded(y) for _, y in on],
        "line": {"color": _FRONT, "width": 1.5, "dash": "dash", "shape": "hv"},
        "hoverinfo": "skip",
    }


def _price_dots(
    own: Sequence[Priced], entries: Entries, group: str, currency: str, latency_name: str, has_bars: bool
) -> Trace:
    colour, symbol = look(entries, group)
    trace = _dots([one.point.entry for one in own], group, colour)
    trace |= {
        "mode": "markers",
        "x": [rounded(one.latency.middle) for one in own],
        "y": [rounded(one.cost.middle) for one in own],
        "hovertext": [_price_text(one, currency, latency_name) for one in own],
        "marker": {
            "color": colour,
            "size": 10,
            "symbol": [symbol if one.standing == "front" else f"{symbol}-open" for one in own],
            "line": {"width": 1.6, "color": colour},
        },
    }
    if has_bars:
        trace["error_x"] = _bars([one.latency for one in own], colour)
        trace["error_y"] = _bars([one.cost for one in own], colour)
    return trace


_STANDINGS = {
    "front": "on the Pareto front",
    "perhaps": "not on the front, but the intervals within the runs do not rule it out",
    "beaten": "another is better in both, beyond the intervals within the runs",
}


def _price_text(one: Priced, currency: str, latency_name: str) -> str:
    latency, cost = Reading("ms", one.latency), Reading(currency, one.cost)
    return (
        f"{escape(one.point.entry.full_name)}<br>{escape(one.point.load)}<br>"
        f"{latency_name} {escape(_with_bounds(latency))}<br>{escape(_with_bounds(cost))} per 1M tokens<br>"
        f"{_STANDINGS[one.standing]}"
    )


def latency_throughput(
    points: Sequence[Operating], entries: Entries, metric: str, statistic: str, latency_name: str
) -> go.Figure | None:
    """A latency against the token rate: the loads of a sweep joined, plain runs as dots, a trace for each group."""
    drawn = [
        (point, rate, latency)
        for point in points
        if (rate := point.rate).middle is not None and (latency := point.latency(metric, statistic)).middle is not None
    ]
    if not drawn:
        return None
    has_bars = len(drawn) <= _MOST_BARS
    traces: list[Trace] = []
    named: set[str] = set()
    for known in _together(drawn):
        group = known[0][0].entry.group
        traces.append(_curve(known, entries, latency_name, has_bars=has_bars) | {"showlegend": group not in named})
        named.add(group)
    figure = base(traces, height_px=400, top_px=34, showlegend=True, hovermode="closest")
    kind = tokens_of(point.part for point in points).kind
    _axis(figure, "x", [_placed(rate) for _, rate, _ in drawn], f"{kind} rate, tokens/s")
    _axis(figure, "y", [_placed(latency) for _, _, latency in drawn], f"{latency_name}, ms")
    return figure


Known = tuple[Operating, Reading, Reading]


def _together(drawn: Sequence[Known]) -> list[list[Known]]:
    """What makes one trace: the loads of a sweep, or all plain runs of a group."""
    loads = Counter(point.entry.index for point, _, _ in drawn)
    traces: dict[object, list[Known]] = {}
    for known in drawn:
        entry = known[0].entry
        traces.setdefault(entry.index if loads[entry.index] > 1 else entry.group, []).append(known)
    return list(traces.values())


def _curve(known: Sequence[Known], entries: Entries, latency_name: str, *, has_bars: bool) -> Trace:
    owners = [point.entry for point, _, _ in known]
    group, is_sweep = owners[0].group, len({owner.index for owner in owners}) < len(owners)
    colour, symbol = look(entries, group)
    trace = _dots(owners, group, colour) | {
        "mode": "lines+markers" if is_sweep else "markers",
        "legendgroup": escape(group),
        "x": [rounded(rate.middle or 0.0) for _, rate, _ in known],
        "y": [rounded(latency.middle or 0.0) for _, _, latency in known],
        "line": {"color": colour, "width": 1.8},
        "marker": {
            "color": colour,
            "size": 9,
            "symbol": [f"{symbol}-open" if latency.is_indicative else symbol for _, _, latency in known],
            "line": {"width": 1.6, "color": colour},
        },
        "hovertext": [_curve_text(*one, latency_name) for one in known],
    }
    if is_sweep:
        trace["meta"] = {"run": owners[0].index}
    if has_bars:
        trace["error_x"] = _bars([_placed(rate) for _, rate, _ in known], colour)
        trace["error_y"] = _bars([_placed(latency) for _, _, latency in known], colour)
    return trace


def _curve_text(point: Operating, rate: Reading, latency: Reading, latency_name: str) -> str:
    return (
        f"{escape(point.entry.full_name)}<br>{escape(point.load)}<br>{escape(_with_bounds(rate))}<br>"
        f"{latency_name} {escape(_with_bounds(latency))}{', indicative' * latency.is_indicative}"
    )


def _dots(of: Sequence[Entry], name: str, colour: str) -> Trace:
    return {
        "type": "scatter",
        "name": escape(name),
        "meta": {"runs": [entry.index for entry in of]},
        "hoverinfo": "text",
        "line": {"color": colour},
    }


def _with_bounds(reading: Reading) -> str:
    bounds = reading.bounds()
    return f"{reading.text()} ({bounds})" if bounds else reading.text()


def _placed(reading: Reading) -> Estimate:
    return reading.found or Estimate.exact(reading.value or 0.0)


def _bars(estimates: Sequence[Estimate], colour: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [rounded(one.high - one.middle) for one in estimates],
        "arrayminus": [rounded(one.middle - one.low) for one in estimates],
        "color": colour,
        "thickness": 1.2,
        "width": 3,
    }


def _axis(figure: go.Figure, side: str, shown: Sequence[Estimate], title: str) -> None:
    """An axis from 0, or a logarithmic one where the values lie far apart."""
    middles = [one.middle for one in shown]
    least, greatest = min(middles), max(middles)
    title = escape(title)  # a currency is what a file says
    axis = {"title_text": title, "rangemode": "tozero"}
    if least > 0 and greatest / least >= LOG_FROM:
        axis = log_axis(least, greatest, title)
    figure.update_layout({f"{side}axis": axis})
