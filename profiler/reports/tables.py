"""The rows that the page and the terminal both show: headline numbers and percentiles."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from profiler.aggregation.scores import NO_ANSWERS, NOT_AMONG
from profiler.change_format import Change
from profiler.metrics.catalogue import METRICS, placed
from profiler.reports import format as fmt
from profiler.results.manifest import Manifest
from profiler.results.summary import Distribution, Failure, Metric, NotMeasured, Scalar, Summary
from profiler.results.tokens import tokens_of
from profiler.stats.estimates import Estimate
from profiler.stats.quantiles import QUANTILES, SLOW_TAIL, sample_floor
from profiler.summaries.estimates import estimate, estimate_of
from profiler.units import YES_NO, yes_or_no
from profiler.verdict import failures
from profiler.workloads.schema import Slo

LATENCIES = tuple(spec.id for spec in placed(lambda shown: shown.has_percentiles))
RATE_QUANTILES = ("p50", *SLOW_TAIL)  # of rates, whose slow requests are the lowest
_FLOORS = ", ".join(f"{name}{fmt.NBSP}{sample_floor(q)}" for name, q in QUANTILES.items())
INDICATIVE_NOTE = f"indicative: fewer samples than a claim at 99{fmt.NBSP}% confidence needs ({_FLOORS})."


@dataclass(frozen=True)
class Card:
    """One headline number, or the reason why there is none.

    `statistic` says which one it is where there are several values; `notes` say more about it.
    """

    label: str
    number: str = ""
    unit: str = ""
    statistic: str = ""
    notes: tuple[str, ...] = ()
    repeats: str | None = None
    missing: str | None = None
    interval: str | None = None
    mark: str = ""  # pass or fail, of an SLO


@dataclass(frozen=True)
class Cell:
    """A number in a table; `is_indicative` where too few samples stand behind it."""

    text: str
    is_indicative: bool = False


@dataclass(frozen=True)
class DistributionRow:
    """Mean and quantiles of one metric, all in one unit, or the reason why there are none."""

    metric_id: str
    label: str
    unit: str
    n: int = 0
    cells: tuple[Cell, ...] = ()
    repeats: str | None = None
    missing: str | None = None
    quantiles: tuple[str, ...] = tuple(QUANTILES)  # what the cells after the mean are


@dataclass(frozen=True)
class ScalarRow:
    """One value for the run and its values by repeat, or the reason why there is none."""

    metric_id: str
    label: str
    value: str = ""
    repeats: str | None = None
    missing: str | None = None


@dataclass(frozen=True)
class TrustRow:
    """One measure of how far the numbers can be believed, in words."""

    label: str
    value: str
    formula: str


@dataclass(frozen=True)
class RateComparison:
    """One of our numbers beside the engine's own."""

    label: str
    client: str
    engine: str
    difference: str


_ENGINE_PAIRS = (
    ("Decode, per stream", "client_decode_tokens_per_s", "engine_decode_tokens_per_s"),
    ("Prefill", "client_prefill_tokens_per_s", "engine_prefill_tokens_per_s"),
    ("TTFT, mean", "ttft_ms", "engine_ttft_ms"),
    ("E2E latency, mean", "e2e_ms", "engine_e2e_ms"),
)


def headline_cards(summary: Summary, manifest: Manifest) -> list[Card]:
    """The numbers that a reader came for: the main ones, then the others."""
    return [*main_cards(summary, manifest), *more_cards(summary)]


def main_cards(summary: Summary, manifest: Manifest) -> list[Card]:
    """The five numbers shown first, fewer of embeddings, and whether the SLOs were met where the workload has any."""
    return [_requests_card(summary), *_headlines(summary, "terminal"), *_slo_card(summary, manifest)]


def more_cards(summary: Summary) -> list[Card]:
    """The headline numbers that are none of the main ones."""
    return _headlines(summary, "page")


def failure_text(failure: Failure) -> str:
    """One kind of failed requests: how they ended, and what the server reported."""
    return failures.describe(failure)


def _slo_card(summary: Summary, manifest: Manifest) -> list[Card]:
    """PASS where the share of requests that met every SLO reaches the target (the load's, or 99 %) in a valid run."""
    slo = manifest.workload.slo
    limits = [
        f"{fmt.short_label(name)} ≤ {limit:g}{fmt.NBSP}ms"
        for name in Slo.model_fields
        if (limit := slo.limit_ms(name)) is not None
    ]
    if not limits:
        return []
    card = _with_interval("slo_attainment_ratio", summary)
    if card.missing:
        return [replace(card, label="SLO")]
    target = manifest.workload.attainment_ratio
    found = summary.metrics["slo_attainment_ratio"]
    assert isinstance(found, Scalar)  # noqa: S101 - it has a card with a number
    is_met = found.value is not None and found.value >= target
    if is_met and summary.verdict is not None and summary.verdict.level == "INVALID":
        return [Card("SLO", missing="the run is INVALID, so it passes nothing")]
    kept = f"{card.number}{fmt.NBSP}{card.unit} of requests met {' and '.join(limits)}"
    notes = (f"{kept}; target {100 * target:g}{fmt.NBSP}%",)
    number, mark = ("PASS", "pass") if is_met else ("FAIL", "fail")
    return [Card("SLO", number, notes=notes, interval=card.interval, mark=mark)]


def _headlines(summary: Summary, place: str) -> list[Card]:
    found = placed(lambda shown: shown.headline == place, tokens_of([summary]))
    return [_with_interval(spec.id, summary) for spec in found if not is_left_out(spec.id, summary.metrics)]


def is_left_out(metric_id: str, metrics: Mapping[str, Metric]) -> bool:
    """Whether nothing is said of a metric: it is about what few runs have, and this one has not.

    Of scores: no answers were kept, or the workload has other scorers.
    """
    metric = metrics.get(metric_id)
    is_optional = metric_id in METRICS and METRICS[metric_id].shown.is_optional
    has_value = isinstance(metric, Distribution) or (
        isinstance(metric, Scalar) and (metric.value is not None or _span(metric) is not None)
    )
    return not has_value and (is_optional or _is_unasked(metric))


def distribution_rows(metrics: Mapping[str, Metric]) -> list[DistributionRow]:
    """Every metric with quantiles, in the order of the summary; trust metrics have rows of their own."""
    return [
        _distribution_row(name, metric)
        for name, metric in metrics.items()
        if not isinstance(metric, Scalar) and not _is_trust(name) and not is_left_out(name, metrics)
    ]


def scalar_rows(metrics: Mapping[str, Metric]) -> list[ScalarRow]:
    """Every metric with one value for the run, in the order of the summary, but those of trust."""
    return [
        _scalar_row(name, metric)
        for name, metric in metrics.items()
        if isinstance(metric, Scalar) and not (_is_trust(name) or _is_replaced(name) or is_left_out(name, metrics))
    ]


def _is_unasked(metric: Metric | None) -> bool:
    return isinstance(metric, Scalar) and (metric.reason or "").endswith((NO_ANSWERS, NOT_AMONG))


def trust_rows(metrics: Mapping[str, Metric]) -> list[TrustRow]:
    """What tells how far the other numbers can be believed."""
    return [
        TrustRow(fmt.label(name), value_text(metric), METRICS[name].formula)
        for name, metric in metrics.items()
        if _is_trust(name) and not is_left_out(name, metrics)
    ]


def formula(metric_id: str) -> str:
    """How a metric is computed; empty for one that this version does not know."""
    return METRICS[metric_id].formula if metric_id in METRICS else ""


def has_indicative(rows: list[DistributionRow]) -> bool:
    """Whether any number in the rows needs the note on sample sizes."""
    return any(cell.is_indicative for row in rows for cell in row.cells)


def scale_of(metric: Metric, quantile: str | None = None) -> fmt.Scale:
    """How a number of a metric is shown: digits by its own interval; a mean and its quantiles all in one unit."""
    unit = fmt.handy_unit(metric.mean, metric.unit) if isinstance(metric, Distribution) else None
    return fmt.estimate_scale(estimate_of(metric, quantile), metric.unit, unit)


def engine_comparisons(metrics: Mapping[str, Metric]) -> list[RateComparison]:
    """Our numbers beside the engine's own, where both were measured."""
    found = []
    for title, ours_id, engine_id in _ENGINE_PAIRS:
        ours, engine = metrics.get(ours_id), metrics.get(engine_id)
        if isinstance(ours, Distribution | Scalar) and isinstance(engine, Scalar) and engine.value:
            client = ours.mean if isinstance(ours, Distribution) else ours.value
            if client:
                found.append(_comparison(title, client, engine.value, scale_of(ours)))
    return found


def value_text(metric: Metric) -> str:
    """A metric in a few words: its value, its p50 and p99, or why it was not measured."""
    if isinstance(metric, Distribution):
        known = {name: value for name, value in metric.quantiles.items() if name in {"p50", "p99"}}
        shown = known or {"mean": metric.mean}
        named = {name: name if name in QUANTILES else None for name in shown}
        scales = {name: fmt.estimate_scale(estimate_of(metric, named[name]), metric.unit) for name in shown}
        return ", ".join(f"{name} {scales[name].quantity(value)}" for name, value in shown.items())
    if (span := _span(metric)) is not None:
        return fmt.interval(*span, metric.unit)
    if isinstance(metric, NotMeasured) or metric.value is None:
        return f"not measured: {metric.reason or 'no reason was recorded'}"
    return yes_or_no(metric.value) if metric.unit == YES_NO else scale_of(metric).quantity(metric.value)


def _span(metric: Metric) -> tuple[float, float] | None:
    """Return the ends of a metric that is known only as an interval; None of any other."""
    if not isinstance(metric, Scalar) or metric.value is not None or metric.low is None or metric.high is None:
        return None
    return metric.low, metric.high


def _is_replaced(metric_id: str) -> bool:
    """Whether another metric says the same by a better name."""
    return metric_id in METRICS and METRICS[metric_id].instead is not None


def _is_trust(metric_id: str) -> bool:
    return metric_id in METRICS and METRICS[metric_id].group == "trust"


def _requests_card(summary: Summary) -> Card:
    total = summary.requests_ok + summary.requests_failed
    failed = f"{summary.requests_failed:,} failed" if summary.requests_failed else "none failed"
    note = failed if total else "none sent"
    return Card("Requests finished", f"{summary.requests_ok:,}", f"of {total:,}", notes=(note,))


def _with_interval(metric_id: str, summary: Summary) -> Card:
    """A card with the 95 % confidence interval of its number, where one is known."""
    metric, card = summary.metrics.get(metric_id), _card(metric_id, summary.metrics.get(metric_id))
    quantile = card.statistic if card.statistic in QUANTILES else None
    found = None if card.missing else estimate(summary, metric_id, quantile)
    if not isinstance(found, Estimate) or found.value is None or found.is_exact:
        return card
    assert metric is not None  # noqa: S101 - it has an estimate
    shown = scale_of(metric, quantile)
    of = f" of the {card.statistic}" if card.statistic else ""
    return replace(card, interval=f"95{fmt.NBSP}% CI{of} {shown.span((found.low, found.high))}")


def _card(metric_id: str, metric: Metric | None) -> Card:
    name = fmt.label(metric_id)
    if metric is None:
        return Card(name, missing="no value in the summary")
    if isinstance(metric, Distribution):
        return _distribution_card(metric_id, metric)
    notes = (metric.note,) if isinstance(metric, Scalar) and metric.note else ()
    shown = scale_of(metric)
    if (span := _span(metric)) is not None:
        return Card(name, shown.span(span), shown.unit, notes=notes)
    if isinstance(metric, NotMeasured) or metric.value is None:
        return Card(name, missing=metric.reason or "no reason was recorded")
    repeats = _repeats("repeats", shown, metric.per_repeat)
    return Card(name, shown.number(metric.value), shown.unit, notes=notes, repeats=repeats)


def _distribution_card(metric_id: str, metric: Distribution) -> Card:
    """The median of a latency, with its p90; the mean of anything else."""
    shown, notes = scale_of(metric), [f"of {fmt.count(metric.n, 'request')}"]
    number, statistic = shown.number(metric.mean), "mean"
    if metric_id in LATENCIES and "p50" in metric.quantiles:
        number, statistic = scale_of(metric, "p50").number(metric.quantiles["p50"]), "p50"
        notes[0] += _indicative("p50", metric)
        if "p90" in metric.quantiles:
            p90 = scale_of(metric, "p90").quantity(metric.quantiles["p90"])
            notes.append(f"p90 {p90}{_indicative('p90', metric)}")
    notes[0] = f"{statistic} {notes[0]}"
    repeats = _repeats("repeat means", shown, metric.per_repeat_mean)
    return Card(fmt.label(metric_id), number, shown.unit, statistic, tuple(notes), repeats)


def _indicative(quantile: str, metric: Distribution) -> str:
    return ", indicative" if quantile in metric.indicative else ""


def _repeats(word: str, shown: fmt.Scale, values: list[float]) -> str | None:
    if len(values) < 2:
        return None
    least, greatest = shown.number(min(values)), shown.number(max(values))
    return "the same in every repeat" if least == greatest else f"{word} {shown.span(values)}"


def _distribution_row(metric_id: str, metric: Distribution | NotMeasured) -> DistributionRow:
    name = fmt.label(metric_id)
    is_rate = metric_id in METRICS and METRICS[metric_id].better == "higher"
    quantiles = RATE_QUANTILES if is_rate else tuple(QUANTILES)
    if isinstance(metric, NotMeasured):
        return DistributionRow(metric_id, name, metric.unit, missing=metric.reason, quantiles=quantiles)
    shown = scale_of(metric)
    cells = [Cell(shown.number(metric.mean))]
    for quantile in quantiles:
        value = metric.quantiles.get(quantile)
        text = "\N{EN DASH}" if value is None else scale_of(metric, quantile).number(value)
        cells.append(Cell(text, quantile in metric.indicative))
    repeats = shown.span(metric.per_repeat_mean) if len(metric.per_repeat_mean) > 1 else None
    return DistributionRow(metric_id, name, shown.unit, metric.n, tuple(cells), repeats, quantiles=quantiles)


def _scalar_row(metric_id: str, metric: Scalar) -> ScalarRow:
    name = fmt.label(metric_id)
    if (span := _span(metric)) is not None:
        return ScalarRow(metric_id, name, fmt.interval(*span, metric.unit))
    if metric.value is None:
        return ScalarRow(metric_id, name, missing=metric.reason or "no reason was recorded")
    shown = scale_of(metric)
    repeats = shown.span(metric.per_repeat) if len(metric.per_repeat) > 1 else None
    return ScalarRow(metric_id, name, shown.quantity(metric.value), repeats)


def _comparison(title: str, client: float, engine: float, shown: fmt.Scale) -> RateComparison:
    return RateComparison(title, shown.quantity(client), shown.quantity(engine), Change(engine / client - 1).text())
