"""Targets: limits on numbers that were measured at a load. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.number_format import plain_quantity
from profiler.selection.answers import Answer, Bound, answer
from profiler.selection.candidate import Load
from profiler.selection.gains import SHARES
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown, estimate, parse_metric, unit_of
from profiler.verdict.contrast import Metric, pooled


@dataclass(frozen=True)
class Target:
    """A limit on a metric: at most, or at least; `metric` is as `parse_metric` returns it."""

    metric: Metric
    bound: Bound
    limit: float

    def __post_init__(self) -> None:
        """Raise `UsageError` for more of a share than there is."""
        spec = METRICS[self.metric[0]]
        whole = SHARES.get(spec.unit)
        if whole is not None and spec.better == "higher" and self.bound == "at least" and self.limit > whole:
            raise UsageError(f"{spec.id} is a share of at most {whole:g}: {self.limit:g} of it is never reached.")

    @property
    def name(self) -> str:
        """What is limited: TTFT p95."""
        return " ".join(filter(None, [METRICS[self.metric[0]].short_label, self.metric[1]]))

    @property
    def described(self) -> str:
        """The target in words: TTFT p95 at most 500 ms."""
        return f"{self.name} {self.bound} {plain_quantity(self.limit, METRICS[self.metric[0]].unit)}"

    def judge(self, load: Load, drift_ratio: float | None = None) -> Answer:
        """Say whether a load keeps it.

        Of several runs the interval is that between them; of one run the interval within it, which says nothing of
        the next. `drift_ratio` is the stated deviation of a run of this setting from the next.
        """
        found = number_of(load, self.metric, drift_ratio)
        return answer(found, self.bound, self.limit, self.described, unit_of(load.runs[0].summary, self.metric[0]))


def target(text: str, bound: Bound) -> Target:
    """Read `ttft_ms.p95=500`. Raises `UsageError`."""
    name, equals, number = text.partition("=")
    try:
        limit = float(number)
    except ValueError:
        limit = float("nan")
    if not equals or not isfinite(limit):
        raise UsageError(f"{text!r}: expected a metric, '=' and a number, such as ttft_ms.p95=500.")
    return Target(parse_metric(name.strip()), bound, limit)


def number_of(load: Load, metric: Metric, drift_ratio: float | None = None) -> Estimate | Unknown:
    """Return a metric at a load with its 95 % interval: between its runs, or of a single one within it."""
    if len(load.runs) == 1 and drift_ratio is None:
        return estimate(load.runs[0].summary, *metric)
    found = pooled(load.runs, metric)
    if found.reason is not None:
        return Unknown(found.reason)
    between = found.estimate(drift_ratio)
    if found.is_interval or (between is not None and not between.is_exact):
        return between or Unknown("it may be 0 in one of its runs, so there is no interval between them", found.value)
    return _without_logarithms(load, metric, found.values, between)


def _without_logarithms(
    load: Load, metric: Metric, values: Sequence[float], between: Estimate | None
) -> Estimate | Unknown:
    """Return a number whose runs are all alike, as shares near all or nothing are, or of which one is not above 0.

    Runs that are all alike do not show that the next one is: then the interval is the widest within one of them.
    """
    if len(values) == 1:
        return estimate(load.runs[0].summary, *metric)
    if len(set(values)) > 1:
        return Estimate.of_repeats(fmean(values), values)
    within = [one for run in load.runs if isinstance(one := estimate(run.summary, *metric), Estimate)]
    return max(within, key=lambda one: one.high - one.low, default=between or Estimate.exact(values[0]))
