"""What a thousand requests cost against the demand: on logarithmic axes every way to pay is made of straight lines."""

from html import escape
from itertools import cycle
from math import ceil, inf

from profiler.cost.ways import H_PER_DAY, Way, units
from profiler.number_format import short_amount
from profiler.reports.choice.document import Drawing
from profiler.reports.figures import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, Trace, base, log_axis, rounded
from profiler.selection.breakeven import Breakeven

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_MOST_STEPS = 40  # units of a line that is drawn
_BEFORE = 8.0  # how far before the first change the figure begins
_MARK = "rgba(128,128,128,0.9)"
_PER = 1_000.0  # requests

Corner = tuple[float, float]


def drawing(found: Breakeven) -> Drawing:
    """Draw a line for each way to serve, with a band where its steps are not known exactly."""
    low, high = _extent(found)
    traces: list[Trace] = []
    for way, colour, dash in zip(found.ways, cycle(_COLOURS), cycle(_DASHES)):
        traces += _of_way(found, way, (low, high), colour, dash)
    figure = base(traces, height_px=400, top_px=34, showlegend=True, hovermode="closest")
    costs = [cost for trace in traces for cost in trace["y"]]
    across = log_axis(low, high, "demand, requests a day")
    across["ticktext"] = [short_amount(tick) for tick in across["tickvals"]]
    figure.update_layout(
        xaxis=across,
        yaxis=log_axis(min(costs), max(costs), escape(f"cost of 1,000 requests, {found.currency}")),
    )
    if found.demand_per_day is not None:
        figure.add_vline(x=rounded(found.demand_per_day), line_dash="dot", line_color=_MARK)
    note = (
        "Whole units: with each further one, a request is dearer again. A band is what is not known of how much one "
        "serves (95 % interval)."
    )
    alternative = "What a thousand requests cost against the demand, a line for each way to serve."
    return Drawing("demand-figure", figure, alternative, note)


def _extent(found: Breakeven) -> Corner:
    """From well before the first change to where it changes for good, or as far as eyes can tell steps apart."""
    limited = [way.capacity_per_day.high for way in found.ways if way.capacity_per_day is not None]
    asked = [found.demand_per_day] if found.demand_per_day else []
    changes = [one.low for one in found.regions if one.low > 0] + asked + ([min(limited)] if limited else [])
    high = min(found.most, 1.5 * max([*changes, *limited], default=found.most), _MOST_STEPS * min(limited, default=inf))
    return min([*changes, high], default=high) / _BEFORE, high


def _of_way(found: Breakeven, way: Way, extent: Corner, colour: str, dash: str) -> list[Trace]:
    name, currency = escape(way.name), escape(found.currency)  # plotly takes them for markup
    common: Trace = {"type": "scatter", "mode": "lines", "legendgroup": name}
    hover = f"{name}<br>%{{x:,.4g}} requests a day<br>%{{y:,.4g}} {currency} for 1,000<extra></extra>"
    line = {"color": colour, "width": 2, "dash": dash}
    capacity = way.capacity_per_day
    traces = [] if capacity is None or capacity.is_exact else [common | _band(way, extent, colour)]
    corners = _corners(way, None if capacity is None else capacity.middle, extent)
    return [*traces, common | _points(corners) | {"name": name, "line": line, "hovertemplate": hover}]


def _band(way: Way, extent: Corner, colour: str) -> Trace:
    assert way.capacity_per_day is not None  # noqa: S101 - callers have one
    ends = way.capacity_per_day.low, way.capacity_per_day.high
    most, least = (_corners(way, end, extent) for end in ends)
    area = {"fill": "toself", "fillcolor": _pale(colour), "line": {"width": 0}, "hoverinfo": "skip"}
    return _points([*most, *reversed(least)]) | area | {"showlegend": False}


def _points(corners: list[Corner]) -> Trace:
    return {"x": [rounded(x) for x, _ in corners], "y": [rounded(y) for _, y in corners]}


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _corners(way: Way, capacity: float | None, extent: Corner) -> list[Corner]:
    """The corners of a line: demand, and cost of a thousand requests."""
    low, high = extent
    if capacity is None:
        return [(demand, _PER * way.per_day(demand) / demand) for demand in (low, high)]
    corners: list[Corner] = []
    for count in range(units(low, capacity), ceil(high / capacity) + 1):
        day = count * way.unit_per_hour * H_PER_DAY
        ends = max(low, (count - 1) * capacity), min(high, count * capacity)
        corners += [(demand, _PER * day / demand) for demand in ends]
    return corners
