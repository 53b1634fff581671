"""The columns of the table: what is read of every run, and which of it is set against the baseline."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from profiler.metrics.registry import Better
from profiler.reports import format as fmt
from profiler.reports.compare import readings
from profiler.reports.compare.entries import Entry
from profiler.reports.compare.readings import Reading
from profiler.results.tokens import OUTPUT, Tokens
from profiler.verdict.contrast import Metric


@dataclass(frozen=True)
class Column:
    """One quantity of all runs; `id` is its key in CSV and JSON."""

    id: str
    title: str
    better: Better
    read: Callable[[Entry], Reading] = field(repr=False)
    metric: Metric | None = None  # set against the baseline in this one; None: only shown
    is_energy: bool = False  # shown with class and scope
    is_inverse: bool = False  # of another column: in files and figures, not in the table


def _metric(metric: str, statistic: str | None, entry: Entry) -> Reading:
    return readings.of_metric(entry.summary, metric, statistic)


def _of(metric: str, title: str, better: Better, statistic: str | None = None, *, is_compared: bool = False) -> Column:
    name = metric if statistic is None else f"{metric}.{statistic}"
    compared = (metric, statistic) if is_compared else None
    return Column(name, title, better, partial(_metric, metric, statistic), compared)


def columns(tokens: Tokens) -> tuple[Column, ...]:
    """Return every column, for runs that are about these tokens."""
    latencies = ("ttft_ms", "tpot_ms") if tokens is OUTPUT else ("e2e_ms",)
    return (
        _of(tokens.rate, f"{tokens.kind.capitalize()} rate", "higher", is_compared=True),
        *(
            _of(latency, f"{fmt.short_label(latency)} {quantile}", "lower", quantile, is_compared=True)
            for latency in latencies
            for quantile in ("p50", "p99")
        ),
        _of("slo_attainment_ratio", "Met SLOs", "higher"),
        Column(f"price_per_1m_{tokens.kind}_tokens", "Cost", "lower", _cost, (tokens.cost, None)),
        Column("tokens_per_money", "Tokens for money", "higher", _tokens_per_money, is_inverse=True),
        Column(tokens.energy, "Energy", "lower", _energy, (tokens.energy, None), is_energy=True),
        Column("tokens_per_joule", "Tokens per joule", "higher", _tokens_per_joule, is_energy=True, is_inverse=True),
        Column(tokens.carbon, "Carbon (SCI)", "lower", _carbon, (tokens.carbon, None), is_energy=True),
        _of("mbu_ratio", "MBU", "higher"),
        _of("peak_rss_bytes", "Peak memory", "lower"),
        _of("error_ratio", "Failed", "lower"),
    )


def _cost(entry: Entry) -> Reading:
    return readings.cost(entry.summary, entry.manifest.cost)


def _tokens_per_money(entry: Entry) -> Reading:
    return readings.tokens_per_money(entry.summary, entry.manifest.cost)


def _energy(entry: Entry) -> Reading:
    return readings.energy(entry.summary)


def _tokens_per_joule(entry: Entry) -> Reading:
    return readings.tokens_per_joule(entry.summary)


def _carbon(entry: Entry) -> Reading:
    return readings.carbon(entry.summary)
