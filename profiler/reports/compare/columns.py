"""The columns of the table: what is read of every run, and which of it is set against the baseline."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from profiler.metrics.registry import Better
from profiler.reports.compare import readings
from profiler.reports.compare.entries import Entry
from profiler.reports.compare.readings import Reading


@dataclass(frozen=True)
class Column:
    """One quantity of all runs; `id` is its key in CSV and JSON."""

    id: str
    title: str
    better: Better
    read: Callable[[Entry], Reading] = field(repr=False)
    is_compared: bool = False  # set against the baseline
    is_energy: bool = False  # never ranked across classes and scopes


def _metric(metric: str, statistic: str | None, entry: Entry) -> Reading:
    return readings.of_metric(entry.summary, metric, statistic)


def _of(metric: str, title: str, better: Better, statistic: str | None = None, *, is_compared: bool = False) -> Column:
    name = metric if statistic is None else f"{metric}.{statistic}"
    return Column(name, title, better, partial(_metric, metric, statistic), is_compared)


COLUMNS: tuple[Column, ...] = (
    _of("output_tokens_per_s", "Output rate", "higher", is_compared=True),
    _of("ttft_ms", "TTFT p50", "lower", "p50", is_compared=True),
    _of("ttft_ms", "TTFT p99", "lower", "p99", is_compared=True),
    _of("tpot_ms", "TPOT p50", "lower", "p50", is_compared=True),
    _of("tpot_ms", "TPOT p99", "lower", "p99", is_compared=True),
    _of("slo_attainment_ratio", "Met SLOs", "higher"),
    Column(
        "price_per_1m_output_tokens",
        "Cost",
        "lower",
        lambda entry: readings.cost(entry.summary, entry.manifest.cost),
        is_compared=True,
    ),
    Column(
        "tokens_per_money",
        "Tokens for money",
        "higher",
        lambda entry: readings.tokens_per_money(entry.summary, entry.manifest.cost),
    ),
    Column(
        "energy_j_per_output_token",
        "Energy",
        "lower",
        lambda entry: readings.energy(entry.summary),
        is_compared=True,
        is_energy=True,
    ),
    Column(
        "tokens_per_joule",
        "Tokens per joule",
        "higher",
        lambda entry: readings.tokens_per_joule(entry.summary),
        is_energy=True,
    ),
    Column(
        "gco2e_per_1m_output_tokens",
        "Carbon (SCI)",
        "lower",
        lambda entry: readings.carbon(entry.summary),
        is_compared=True,
        is_energy=True,
    ),
    _of("mbu_ratio", "MBU", "higher"),
    _of("peak_rss_bytes", "Peak memory", "lower"),
    _of("error_ratio", "Failed", "lower"),
)
