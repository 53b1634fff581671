"""Ids of metrics that were others in earlier versions: summaries, lists, claims and gates read both.

`summary.json` is written with both for one version, so that programs which read it have time to change.
"""

from collections.abc import Mapping
from typing import TypeVar

RENAMED: Mapping[str, str] = {
    "kernel_user_gap_us": "read_lag_us",
    "unasked_cache_ratio": "unexpected_cache_hit_ratio",
    "wire_stamp_error_us": "wire_timestamp_error_us",
    "kernel_stamp_ratio": "kernel_timestamp_ratio",
}
"""Earlier id -> id."""

IN_ANY_CURRENCY: Mapping[str, str] = {
    "usd_per_1m_output_tokens": "cost_per_1m_output_tokens",
    "usd_per_1m_input_tokens": "cost_per_1m_input_tokens",
    "usd_per_request": "cost_per_request",
    "usd_per_correct_answer": "cost_per_correct_answer",
    "tokens_per_usd": "output_tokens_per_currency",
}
"""Metrics that have a value where the price is in USD -> the same in any currency, which earlier versions had not."""

_Metric = TypeVar("_Metric")


def in_new_names(metrics: Mapping[str, _Metric]) -> dict[str, _Metric]:
    """Return the metrics of a summary of any version by the ids of this one."""
    found = {RENAMED.get(name, name): metric for name, metric in metrics.items()}
    return found | {new: found[old] for old, new in IN_ANY_CURRENCY.items() if old in found and new not in found}


def in_both_names(metrics: Mapping[str, _Metric]) -> dict[str, _Metric]:
    """Return the metrics with those of earlier ids behind them."""
    return {**metrics, **{old: metrics[new] for old, new in RENAMED.items() if new in metrics}}
