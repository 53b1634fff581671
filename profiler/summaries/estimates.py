"""Every metric of a summary as a number with its interval: the one place that decides how sure it is.

By default the interval is over the repeats of a run, since requests of one repeat resemble each other more than those
of two. With a single repeat it comes from within: batch means for means, slices of the steady window for rates, order
statistics for quantiles. A number that has neither is `Unknown` with a value: it can be shown, never compared.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import PerRequest, Pooled
from profiler.results.metric_names import RENAMED
from profiler.results.summary import Distribution, Metric, NotMeasured, PointSummary, Scalar, Summary
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import BATCHES, SEVERAL_REPEATS
from profiler.summaries.summarize import quantiles_of

_FINE = 0.05  # a number whose meter leaves more than that open, to either side, is compared as an interval
MEAN = "mean"


@dataclass(frozen=True)
class Unknown:
    """A metric without an interval, and why; `value` where at least the number is known."""

    reason: str
    value: float | None = None


def estimate(summary: Summary | PointSummary, metric: str, quantile: str | None = None) -> Estimate | Unknown:
    """Return a metric with its 95 % interval; of a distribution its mean, or the quantile that is named, such as p95.

    `metric` and `quantile` are as `parse_metric` returns them.
    """
    found = summary.metrics.get(metric)
    if found is None:
        return Unknown(f"{metric} is not part of this summary: aforo summarize writes it anew")
    if metric not in METRICS:
        return Unknown(f"this version knows no metric {metric}")
    if not METRICS[metric].is_unit(found.unit):
        return Unknown(f"it is in {found.unit}, not in {METRICS[metric].unit}: aforo summarize writes it anew")
    return estimate_of(found, quantile)


def estimate_of(found: Metric, quantile: str | None = None) -> Estimate | Unknown:
    """Return a metric of a summary with its 95 % interval, whatever it is called."""
    if isinstance(found, NotMeasured):
        return Unknown(found.reason)
    if isinstance(found, Scalar):
        return _of_scalar(found)
    return _of_mean(found) if quantile is None else _of_quantile(found, quantile)


def unit_of(summary: Summary | PointSummary, metric: str) -> str:
    """Return the unit of a metric: as the summary has it, for a price's currency is only known there."""
    found = summary.metrics.get(metric)
    return METRICS[metric].unit if found is None else found.unit


def parse_metric(text: str) -> tuple[str, str | None]:
    """Split `ttft_ms.p95` into metric and quantile, None for a mean or a metric with one value. Raises `UsageError`.

    An earlier name, or one that another has taken the place of, such as one that says USD, becomes that one.
    """
    stated, _, part = text.partition(".")
    name = RENAMED.get(stated, stated)
    if name not in METRICS:
        near = get_close_matches(name, METRICS, n=1)
        remedy = f"Did you mean {text.replace(name, near[0], 1)!r}?" if near else "'aforo metrics' lists them all."
        raise UsageError(f"There is no metric {name!r}. {remedy}")
    name = METRICS[name].instead or name
    if part in {"", MEAN}:
        return name, None
    if not isinstance(METRICS[name], PerRequest | Pooled):
        raise UsageError(f"{text!r}: {name} has one value for a run, so there is no {part!r} of it. Write {name!r}.")
    known = quantiles_of(METRICS[name])
    if part not in known:
        raise UsageError(f"{text!r}: expected one of {', '.join([MEAN, *known])} after the dot, such as '{name}.p95'.")
    return name, part


def _of_scalar(found: Scalar) -> Estimate | Unknown:
    if (ends := _only_an_interval(found)) is not None:
        return Estimate(None, *ends)
    if found.value is None:
        return Unknown(found.reason or "not measured")
    several = len(found.per_repeat) >= SEVERAL_REPEATS
    if found.interval is not None:
        is_of_meter = found.interval == (found.low, found.high)  # what a meter leaves open is no matter of chance
        freedom = found.interval_freedom or (len(found.per_repeat) - 1 if several else BATCHES - 1)
        return Estimate(found.value, *found.interval, None if is_of_meter else freedom)
    if found.no_interval:
        return Unknown(found.no_interval, found.value)
    if several:
        return Estimate.of_repeats(found.value, found.per_repeat)
    return Unknown("it was measured once, so it has no interval: raise --repeats", found.value)


def _only_an_interval(found: Scalar) -> tuple[float, float] | None:
    """Return the ends of a number of which the place between them is not known, or not well enough to be compared."""
    if found.low is None or found.high is None:
        return None
    if found.value is None:
        return found.low, found.high
    return (found.interval or (found.low, found.high)) if found.high - found.low > 2 * _FINE * found.value else None


def _of_mean(found: Distribution) -> Estimate | Unknown:
    if len(found.per_repeat_mean) >= SEVERAL_REPEATS:
        return Estimate.of_repeats(found.mean, found.per_repeat_mean)
    if found.mean_half_width is not None:
        return Estimate.around(found.mean, found.mean_half_width, BATCHES - 1)
    return Unknown(
        f"{found.n} values are too few for an interval: raise --requests to at least {2 * BATCHES}", found.mean
    )


def _of_quantile(found: Distribution, quantile: str) -> Estimate | Unknown:
    value = found.quantiles.get(quantile)
    if value is None:
        return Unknown(f"this summary has no {quantile}: aforo summarize writes it anew")
    if quantile in found.quantile_intervals:
        low, high = found.quantile_intervals[quantile]
        parts = len(found.per_repeat_mean) if len(found.per_repeat_mean) >= SEVERAL_REPEATS else BATCHES
        return Estimate(value, low, high, parts - 1)
    return Unknown(f"{found.n} values are too few for an interval of {quantile}: raise --requests", value)
