"""The part of a report that is about answers: how scores are spread, score by load, and the worst of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from profiler.aggregation.answers import Answers, Asked, answers_of, shown_point
from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.scores import RANDOM_WEIGHTS
from profiler.number_format import count
from profiler.quality.scorer import POINTS
from profiler.reports.answers.shown import ShownItem, label, shown
from profiler.reports.figures import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, Trace, base
from profiler.reports.panels import Panel
from profiler.reports.tables import scale_of
from profiler.results.folder import RunFolder
from profiler.results.points import describe_load, points_of
from profiler.results.summary import Metric, PointSummary, Scalar, Summary
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import estimate_of

MOST_ITEMS = 10
ANSWER_CHARACTERS = 800
EXPECTED_CHARACTERS = 600
PROMPT_CHARACTERS = 2_000
_MOST_SCORERS = 4  # with a figure of their own
_BINS = 10
_STEP = int(POINTS) // _BINS
_HEIGHT_PX = 260
_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE)  # of loads


@dataclass(frozen=True)
class Part:
    """All that a report says of answers; `load` is the one that the worst are of."""

    head: str
    load: str
    not_scored: str | None
    panels: tuple[Panel, ...]
    scorers: tuple[str, ...]  # columns of `by_load`
    by_load: tuple[tuple[str, list[str]], ...]  # where there are several
    worst_head: str
    worst: tuple[ShownItem, ...]


def part_of(folder: RunFolder, summary: Summary) -> Part | None:
    """Return what a report says of the answers of a run; None where none were kept. Raises `RunFolderError`."""
    try:
        answers = answers_of(folder)
    except NotMeasuredError:
        return None
    loads = {point.name: describe_load(point) for point in points_of(folder.read_manifest())}
    point, by = shown_point(answers, summary.headline), answers.leading
    ordered = answers.worst_first(point, by)
    listed = _listed(ordered, answers)
    return Part(
        head=_head(answers, point, loads),
        load=loads[point],
        not_scored=answers.not_scored,
        panels=tuple(_spread(answers, name, loads) for name in _shown_scorers(answers)),
        scorers=tuple(label(name) for name in answers.scorers),
        by_load=tuple((loads[one.point.name], _scores(one, answers.scorers)) for one in summary.points),
        worst_head=_worst_head(ordered, listed, answers),
        worst=tuple(shown(folder, answers, listed, by)),
    )


def _head(answers: Answers, point: str, loads: dict[str, str]) -> str:
    asked = answers.at(point)
    least, most = (pick((len(one.repeats) for one in asked), default=0) for pick in (min, max))
    number = count(most, "answer") if least == most else f"{least} to {count(most, 'answer')}"
    several = f", {number} each" if most > 1 else ""
    at = f" at {loads[point]}" if len(loads) > 1 else ""
    return f"{count(len(asked), answers.noun)}{several}{at}."


def _listed(ordered: Sequence[Asked], answers: Answers) -> list[Asked]:
    """Return what is shown: of scored items those that are not fully right, else the first few."""
    if answers.not_scored == RANDOM_WEIGHTS:
        return []
    if answers.leading is None:
        return list(ordered[:3])
    return _below(ordered, answers.leading)[:MOST_ITEMS]


def _below(asked: Sequence[Asked], scorer: str) -> list[Asked]:
    """Return the items that were scored and are not fully right."""
    return [one for one in asked if (value := one.score(scorer)) is not None and value < POINTS]


def _worst_head(ordered: Sequence[Asked], listed: Sequence[Asked], answers: Answers) -> str:
    if answers.leading is None:
        return f"The first {count(len(listed), 'answer')}" if listed else ""
    if all(one.score(answers.leading) is None for one in ordered):
        return f"No item has a score by {label(answers.leading)}"
    if not listed:
        return f"Every item has {POINTS:g} points by {label(answers.leading)}"
    below = len(_below(ordered, answers.leading))
    which = f"The {len(listed)} worst of" if below > len(listed) else "The"
    return f"{which} {count(below, 'item')} below {POINTS:g} points by {label(answers.leading)}"


def _shown_scorers(answers: Answers) -> list[str]:
    """Return the scorers with a figure, the one that says what is right first."""
    others = [name for name in answers.scorers if name != answers.leading]
    return [name for name in (answers.leading, *others) if name is not None][:_MOST_SCORERS]


def _spread(answers: Answers, scorer: str, loads: dict[str, str]) -> Panel:
    """How many items have which score, by load."""
    title = label(scorer)
    scores = {point: _values(answers.at(point), scorer) for point in answers.points}
    if not any(scores.values()):
        reason = next((one.reason(scorer) for one in answers.asked if one.reason(scorer)), "no item has a score")
        return Panel(f"score-{scorer}", title, f"Nothing to draw: {reason}.")
    traces = [
        _bars(values, loads[point], _COLOURS[number % len(_COLOURS)])
        for number, (point, values) in enumerate(scores.items())
        if values
    ]
    figure = histogram(traces)
    return Panel(f"score-{scorer}", title, "", figure, f"Items by their score, {title}; the worst are listed below.")


def _values(asked: Sequence[Asked], scorer: str) -> list[float]:
    return [value for one in asked if (value := one.score(scorer)) is not None]


def _bars(values: Sequence[float], name: str, colour: str) -> Trace:
    """Count values in steps of ten points; 100 belongs to the last one."""
    bins = [0] * _BINS
    for value in values:
        bins[min(_BINS - 1, int(value // _STEP))] += 1
    return {
        "type": "bar",
        "x": [_STEP * number + _STEP / 2 for number in range(_BINS)],
        "y": bins,
        "text": [f"{_STEP * number}\N{EN DASH}{_STEP * (number + 1)}" for number in range(_BINS)],
        "textposition": "none",
        "name": name,
        "marker": {"color": colour},
        "hovertemplate": "%{y} items with %{text} points<extra>" + name + "</extra>",
    }


def histogram(traces: list[Trace]) -> go.Figure:
    """Items by score, a bar for each load side by side."""
    several = len(traces) > 1
    figure = base(traces, _HEIGHT_PX, top_px=26 if several else 8, barmode="group", bargap=0.15, showlegend=several)
    figure.update_xaxes(title_text="points", range=[0, POINTS], dtick=2 * _STEP)
    figure.update_yaxes(title_text="items", rangemode="tozero")
    return figure


def _scores(point: PointSummary, scorers: Sequence[str]) -> list[str]:
    """Return the score of a load by each scorer, or a dash."""
    return [_score(point.metrics.get(f"quality_{name}")) for name in scorers]


def _score(metric: Metric | None) -> str:
    """Return a score with its interval by item."""
    if not isinstance(metric, Scalar) or metric.value is None:
        return "\N{EN DASH}"
    shown_as, found = scale_of(metric), estimate_of(metric)
    number = shown_as.number(metric.value)
    return f"{number} ({shown_as.span((found.low, found.high))})" if isinstance(found, Estimate) else number
