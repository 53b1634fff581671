"""What every report shows numbers and names by: the one form of a number, and labels of metrics."""

from profiler.metrics.catalogue import METRICS
from profiler.number_format import (
    NBSP,
    Scale,
    count,
    decimals,
    fixed,
    handy_unit,
    interval,
    interval_scale,
    quantity,
    scale,
    spread,
)
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown

__all__ = [
    "NBSP",
    "Scale",
    "count",
    "decimals",
    "estimate_scale",
    "fixed",
    "handy_unit",
    "interval",
    "interval_scale",
    "label",
    "quantity",
    "scale",
    "short_label",
    "spread",
    "with_invalid",
    "without_unit",
    "words",
]

_ACRONYMS = {
    "api",
    "id",
    "kv",
    "ttft",
    "itl",
    "tpot",
    "e2e",
    "rss",
    "cpu",
    "gpu",
    "slo",
    "vram",
    "mbu",
    "mfu",
    "ram",
    "url",
    "os",
    "sha256",
}
_UNIT_SUFFIXES = ("_per_s", "_bytes", "_ratio", "_cores", "_rps", "_ms", "_us", "_ns", "_s", "_mhz")


def estimate_scale(found: Estimate | Unknown, unit: str, shown_in: tuple[float, str] | None = None) -> Scale:
    """Choose how to show a number with its interval: the one form that it has on every page, in every table and list.

    The width of the interval decides about the digits; without one there are three. `shown_in` is a factor and a unit,
    where those of a row or a column are wanted.
    """
    if isinstance(found, Unknown) or found.is_exact:
        return scale(found.value or 0.0, unit, shown_in=shown_in)
    if found.value is None:
        return interval_scale(found.low, found.high, unit, shown_in)
    return scale(found.value, unit, interval=(found.low, found.high), shown_in=shown_in)


def label(metric_id: str) -> str:
    """What a metric is called in a report; an id that is not known yet is put into words."""
    return METRICS[metric_id].label if metric_id in METRICS else words(without_unit(metric_id))


def short_label(metric_id: str) -> str:
    """The field's own abbreviation of a metric, or its label where there is none."""
    return METRICS[metric_id].short_label if metric_id in METRICS else label(metric_id)


def without_unit(name: str) -> str:
    """A name without the unit at its end: `peak_rss_bytes` gives `peak_rss`."""
    for suffix in _UNIT_SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name


def words(name: str) -> str:
    """An identifier in words: `peak_rss` gives `Peak RSS`."""
    parts = name.replace("-", " ").replace("_", " ").split()
    text = " ".join(_cased(part) for part in parts)
    return text[:1].upper() + text[1:]


def _cased(part: str) -> str:
    word = part.rstrip(":").lower()
    if word in _ACRONYMS:
        return part.upper()
    return f"{part[:-1].upper()}s" if word.endswith("s") and word[:-1] in _ACRONYMS else part


def with_invalid(answer: str, *, is_invalid: bool) -> str:
    """Say before an answer that it rests on measurements that are INVALID, where it does."""
    return f"With INVALID runs (--force): {answer}" if is_invalid else answer
