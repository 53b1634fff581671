"""The figures of a score: who takes which rank how often, and who wins while one weight changes."""

from collections.abc import Sequence
from html import escape

from plotly import graph_objects as go

from profiler.reports.compare.boards import Board
from profiler.reports.compare.trade_offs import COLOURS
from profiler.reports.figures import BLUE, Trace, base, rounded
from profiler.reports.score.said import Said, chance, share
from profiler.selection.scoring import Way

_MOST_RANKED = 20  # rows of a figure; the table has all
_ROW_PX = 34
_SHADES = (BLUE, *(f"rgba(0,114,178,{opacity})" for opacity in (0.55, 0.34, 0.2, 0.1)))
"""Of the ranks, the last one for all further ones."""
_SHORTEST = 0.06  # of the weight: a stretch that has room for a name


def boards(said: Said) -> list[Board]:
    """Both figures; none where there is nothing to rank."""
    if len(said.scoring.ranked) < 2:
        return []
    found = [_first(said)]
    if len(said.scoring.weights) > 1:
        found.append(_sensitivity(said))
    return found


def _first(said: Said) -> Board:
    figures = {said.way(way): _ranks(said, way) for way in said.ways}
    note = (
        "Each bar is one candidate: the share of draws in which it takes rank 1 (darkest), 2, 3 and so on. Each draw "
        "takes one speed for each candidate, and price, energy and carbon from it."
    )
    if any(one.odds["own"].first[0] != one.odds["own"].first[1] for one in said.scoring.ranked):
        note += " Models are in the middle of what they leave open here; the table has both ends."
    if len(said.scoring.ranked) > _MOST_RANKED:
        note += f" The best {_MOST_RANKED} of {len(said.scoring.ranked)} are drawn; the table has all."
    return Board(
        "ranks", "Who is first, and how surely", note, figures, "Shares of ranks; the numbers are in the table."
    )


def _ranks(said: Said, way: Way) -> go.Figure:
    shown = said.scoring.ranked[:_MOST_RANKED]
    names = [one.contender.candidate.name for one in shown]
    traces = [_rank(said, way, rank) for rank in range(min(len(_SHADES), len(said.scoring.ranked)))]
    figure = base(traces, 64 + _ROW_PX * len(shown), top_px=34, barmode="stack", bargap=0.3, hovermode="closest")
    figure.update_layout(showlegend=True, legend={"traceorder": "normal"})
    figure.update_xaxes(title_text="share of draws, %", range=[0, 100])
    figure.update_yaxes(autorange="reversed", type="category", categoryarray=names, showgrid=False)
    return figure


def _rank(said: Said, way: Way, rank: int) -> Trace:
    shown = said.scoring.ranked[:_MOST_RANKED]
    is_last = rank == len(_SHADES) - 1 and len(said.scoring.ranked) > len(_SHADES)
    values = [sum(one.odds[way].shares[rank:]) if is_last else one.odds[way].shares[rank] for one in shown]
    name = f"rank {rank + 1}" + (" and below" if is_last else "")
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [rounded(100 * value) for value in values],
        "y": [one.contender.candidate.name for one in shown],
        "marker": {"color": _SHADES[rank]},
        "hoverinfo": "text",
        "hovertext": [
            f"{escape(said.name(one.contender))}<br>{name}: {share(value)}<br>first: {chance(one.odds[way].first)}"
            for one, value in zip(shown, values, strict=True)
        ],
        "textposition": "none",
    }


def _sensitivity(said: Said) -> Board:
    note = (
        "Who wins, at the measured values, while the weight of one criterion goes from nothing to all and the others "
        "keep their proportions. The line is the weight of this profile."
    )
    return Board(
        "sensitivity",
        "Who wins at which weight",
        note,
        {"weights": _strips(said)},
        "Winner by weight of each criterion; the smallest change that flips the winner is in the text.",
    )


def _strips(said: Said) -> go.Figure:
    scoring = said.scoring
    counting = [index for index, weight in enumerate(scoring.weights) if weight]
    titles = {index: scoring.profile.criteria[index].title for index in counting}
    winners = sorted({each.winner for index in counting for each in scoring.stretches[index]})
    traces = [_winner(said, winner, counting, titles) for winner in winners]
    figure = base(
        traces, 84 + (_ROW_PX + 8) * len(counting), top_px=34, barmode="overlay", bargap=0.35, hovermode="closest"
    )
    figure.update_layout(showlegend=True, margin={"l": 118})
    figure.update_xaxes(title_text="weight of the criterion, %", range=[0, 100])
    figure.update_yaxes(
        autorange="reversed", type="category", categoryarray=list(titles.values()), showgrid=False, automargin=False
    )
    for row, index in enumerate(counting):
        at = rounded(100 * scoring.weights[index])
        for colour, width_px in (("#ffffff", 5), ("#000000", 2)):  # seen on every colour, light or dark
            line = {"color": colour, "width": width_px}
            figure.add_shape(type="line", x0=at, x1=at, y0=row - 0.45, y1=row + 0.45, line=line)
    return figure


def _winner(said: Said, winner: int, counting: Sequence[int], titles: dict[int, str]) -> Trace:
    one = said.scoring.ranked[winner].contender
    found = [(index, each) for index in counting for each in said.scoring.stretches[index] if each.winner == winner]
    return {
        "type": "bar",
        "orientation": "h",
        "name": escape(one.candidate.name),
        "base": [rounded(100 * each.low) for _, each in found],
        "x": [rounded(100 * (each.high - each.low)) for _, each in found],
        "y": [escape(titles[index]) for index, _ in found],
        "marker": {"color": _colour(int(one.candidate.name[1:]) - 1), "opacity": 0.75},
        "text": [escape(one.candidate.name) if each.high - each.low >= _SHORTEST else "" for _, each in found],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textfont": {"color": "#ffffff"},
        "hoverinfo": "text",
        "hovertext": [
            f"{escape(said.name(one))}<br>wins from {share(each.low)} to {share(each.high)} of {escape(titles[index])}"
            for index, each in found
        ],
    }


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]
