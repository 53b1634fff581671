"""The columns of the table: what is read of every run, and which of it is set against the baseline.

Which metrics stand here is part of their declaration (`Shown.compared`); besides them there is what follows from one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from profiler.metrics.catalogue import placed
from profiler.metrics.registry import Better, MetricSpec
from profiler.metrics.shown import VALUE
from profiler.reports.compare import readings
from profiler.reports.compare.entries import Entry
from profiler.reports.compare.readings import Reading
from profiler.results.tokens import Tokens
from profiler.verdict.contrast import Metric

_COST = "cost_per_1m_"
_KEY_OF_COST = "price_per_1m_"  # in CSV and JSON: older than the id of the metric


@dataclass(frozen=True)
class Column:
    """One quantity of all runs; `id` is its key in CSV and JSON."""

    id: str
    title: str
    better: Better
    read: Callable[[Entry], Reading] = field(repr=False)
    metric: Metric | None = None  # set against the baseline in this one; None: only shown
    is_energy: bool = False  # shown with class and scope
    is_brief: bool = False  # shown where there is room for few
    is_optional: bool = False  # said nothing of where no run has it
    is_inverse: bool = False  # of another column: in files and figures, not in the table


def columns(tokens: Tokens) -> tuple[Column, ...]:
    """Return every column, for runs that are about these tokens."""
    return tuple(
        column
        for spec in placed(lambda shown: shown.compared, tokens)
        for column in (*_of(spec), *_following(spec, tokens))
    )


def _of(spec: MetricSpec) -> Iterator[Column]:
    for statistic in spec.shown.statistics:
        quantile = None if statistic == VALUE else statistic
        key = spec.id.replace(_COST, _KEY_OF_COST)
        yield Column(
            id=key if quantile is None else f"{key}.{quantile}",
            title=" ".join(filter(None, [spec.short_label, quantile])),
            better=spec.better,
            read=partial(_read, spec.id, quantile),
            metric=(spec.id, quantile) if spec.shown.compared == "ranked" else None,
            is_energy="energy" in spec.rests_on,
            is_brief=statistic == spec.shown.brief,
            is_optional=spec.shown.is_optional,
        )


def _read(metric: str, quantile: str | None, entry: Entry) -> Reading:
    return readings.of_metric(entry.summary, metric, quantile)


def _following(spec: MetricSpec, tokens: Tokens) -> Iterator[Column]:
    """What is the same the other way round, next to what it follows from."""
    if spec.id == tokens.cost:
        yield Column("tokens_per_money", "Tokens for money", "higher", _tokens_per_money, is_inverse=True)
    if spec.id == tokens.energy:
        yield Column(
            "tokens_per_joule", "Tokens per joule", "higher", _tokens_per_joule, is_energy=True, is_inverse=True
        )


def _tokens_per_money(entry: Entry) -> Reading:
    return readings.tokens_per_money(entry.summary)


def _tokens_per_joule(entry: Entry) -> Reading:
    return readings.tokens_per_joule(entry.summary)
