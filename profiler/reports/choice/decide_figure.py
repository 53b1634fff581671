"""What has been saved after so many days, less what the switch cost."""

from html import escape
from math import inf

from profiler.reports.choice.document import Drawing
from profiler.reports.figures import BLUE, VERMILLION, Trace, base, rounded
from profiler.selection.decide import Decision

_GREY = "rgba(128,128,128,0.9)"


def drawing(found: Decision) -> Drawing:
    """Draw the saving over time, with a band from the least to the most; it is paid back where it crosses 0."""
    last, saving, cost = _last_day(found), found.saving_per_day, found.question.switch_cost
    currency = escape(found.current.currency)  # plotly takes it for markup
    ends = [rounded(each * last - cost) for each in (saving.low, saving.high)]
    start = rounded(-cost)
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "from the least to the most",
            "x": [0, last, last, 0],
            "y": [start, ends[1], ends[0], start],
            "fill": "toself",
            "fillcolor": "rgba(0,114,178,0.18)",
            "line": {"width": 0},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "as measured",
            "x": [0, last],
            "y": [start, rounded((saving.value or 0.0) * last - cost)],
            "line": {"color": BLUE, "width": 2},
            "hovertemplate": f"%{{x:,.0f}} days<br>%{{y:,.4g}} {currency}<extra></extra>",
        },
    ]
    figure = base(traces, height_px=320, top_px=34, showlegend=True, hovermode="closest")
    figure.update_xaxes(title_text="days since the switch", range=[0, last])
    figure.update_yaxes(title_text=f"saved, less the cost of switching, {currency}", zeroline=True)
    figure.add_hline(y=0, line_color=_GREY, line_width=1)
    if found.question.payback_within_days <= last:
        figure.add_vline(x=found.question.payback_within_days, line_dash="dot", line_color=VERMILLION)
    note = "It is paid back where it crosses 0; the dotted line is the time that was asked for."
    return Drawing("payback-figure", figure, "Money saved since the switch, less what it cost, against days.", note)


def _last_day(found: Decision) -> float:
    """As long as was asked for, or three times as long as it takes where that is sooner."""
    within, payback = found.question.payback_within_days or 1.0, found.payback
    longest = payback.most if payback.most < inf else payback.value or inf
    return rounded(min(1.25 * max(within, min(longest, 4 * within)), max(3 * longest, 1.0)))
