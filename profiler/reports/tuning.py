"""The settings that a search tried before a run: how often, how long, and what came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean

from profiler.metrics.catalogue import METRICS
from profiler.number_format import Scale, quantity, scale
from profiler.reports import format as fmt
from profiler.results.manifest import Point, Tried, TuningFacts
from profiler.results.points import setting_words

NOTE = (
    "Each visit starts the server anew and measures a short load, so these values are not those of the run. The better "
    "half is visited again; the last settings are visited in turn, and only their rounds decide. The search lies in "
    "the folder tuning of the run, with a page of its own."
)


@dataclass(frozen=True)
class TriedRow:
    """One combination of settings."""

    setting: str
    visits: int
    mean: str  # geometric, over its visits
    values: str  # visit by visit
    load: str  # the mean time of starting the server with the model
    lasted: str  # all its visits together; empty where an older run does not say
    is_chosen: bool


@dataclass(frozen=True)
class TriedTable:
    """All of them, the best first."""

    heading: str  # of the values, with the unit
    rows: tuple[TriedRow, ...]
    lead: str


def table(tuning: TuningFacts | None) -> TriedTable | None:
    """Return the table of a run whose settings were searched; `None` of any other."""
    if tuning is None or not tuning.tried:
        return None
    name, _, part = tuning.metric.partition(".")
    means = {id(each): mean for each in tuning.tried if (mean := _mean(each.values)) is not None}
    typical = next(iter(means.values()), 1.0)
    shown = scale(typical, METRICS[name].unit if name in METRICS else "", _spread(tuning.tried))
    sign = 1 if tuning.aim == "least" else -1
    ordered = sorted(tuning.tried, key=lambda each: (id(each) not in means, sign * means.get(id(each), 0.0)))
    visits = sum(len(each.load_s) or len(each.values) for each in tuning.tried)
    return TriedTable(
        heading=", ".join(filter(None, [f"{fmt.short_label(name)} {part}".strip(), shown.unit])),
        rows=tuple(_row(each, tuning, shown, means.get(id(each))) for each in ordered),
        lead=f"{visits} visits took {quantity(tuning.lasted_s, 's')}, of {quantity(tuning.budget_s, 's')} allowed.",
    )


def _row(each: Tried, tuning: TuningFacts, shown: Scale, mean: float | None) -> TriedRow:
    visits = len(each.load_s) or len(each.values)
    return TriedRow(
        setting=", ".join(setting_words(Point(name="", settings=each.settings))),
        visits=visits,
        mean="–" if mean is None else shown.number(mean),
        values=", ".join(map(shown.number, each.values)) or "not measured",
        load=quantity(fmean(each.load_s), "s") if each.load_s else "–",
        lasted=quantity(sum(each.lasted_s), "s") if each.lasted_s else "",
        is_chosen=each.settings == tuning.settings,
    )


def _mean(values: Sequence[float]) -> float | None:
    return exp(fmean(map(log, values))) if values and min(values) > 0 else None


def _spread(tried: Sequence[Tried]) -> float:
    """Return by how much visits to one setting differ at the most."""
    return max((max(each.values) - min(each.values) for each in tried if each.values), default=0.0)
