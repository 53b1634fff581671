"""What every report shows numbers and names by: the one form of a number, and labels of metrics."""

from profiler.metrics.estimates import Unknown
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
    "without_unit",
    "words",
]

_LABELS = {
    "ttft_ms": "Time to first token (TTFT)",
    "itl_ms": "Gap between tokens (ITL)",
    "tpot_ms": "Time per output token (TPOT)",
    "e2e_ms": "Whole request (E2E)",
    "decode_tokens_per_s": "Decode speed, per stream",
    "prefill_tokens_per_s": "Prompt processing speed",
    "output_tokens_per_s": "Output rate",
    "input_tokens_per_s": "Input rate",
    "total_tokens_per_s": "Prompt and output rate",
    "requests_per_s": "Request rate",
    "goodput_rps": "Goodput (met every SLO)",
    "error_ratio": "Failed requests",
    "model_load_s": "Model load",
    "energy_j_per_output_token": "Energy per output token",
    "energy_j_per_input_token": "Energy per input token",
    "energy_j_per_request": "Energy per request",
    "energy_idle_j_per_output_token": "Idle energy per output token",
    "energy_net_j_per_output_token": "Net energy per output token (gross − idle)",
    "energy_coverage_ratio": "Steady time that energy readings cover",
    "energy_disagreement_ratio": "Energy counter against polled power",
    "mean_power_w": "Mean power",
    "cost_per_1m_output_tokens": "Cost per 1M output tokens",
    "cost_per_1m_input_tokens": "Cost per 1M input tokens",
    "cost_per_1m_total_tokens": "Cost per 1M tokens, input and output",
    "cost_per_request": "Cost per request",
    "output_tokens_per_currency": "Output tokens for money",
    "usd_per_1m_output_tokens": "Cost per 1M output tokens",
    "usd_per_1m_input_tokens": "Cost per 1M input tokens",
    "usd_per_request": "Cost per request",
    "tokens_per_usd": "Output tokens per dollar",
    "gco2e_per_1m_output_tokens": "Carbon per 1M output tokens (SCI)",
    "gco2e_per_1m_input_tokens": "Carbon per 1M input tokens (SCI)",
    "gco2e_operational_per_1m_output_tokens": "Carbon per 1M output tokens, operational",
    "gco2e_embodied_per_1m_output_tokens": "Carbon per 1M output tokens, embodied",
    "peak_rss_bytes": "Peak memory (RSS)",
    "server_cpu_cores": "Cores busy in the server",
    "client_cpu_cores": "Cores busy in the load driver",
    "client_busiest_cpu_cores": "Core busy in its busiest worker",
    "client_decode_tokens_per_s": "Decode speed, requests summed",
    "client_prefill_tokens_per_s": "Prompt processing, requests summed",
    "engine_ttft_ms": "Time to first token, by the engine itself",
    "engine_e2e_ms": "Whole request, by the engine itself",
    "engine_decode_tokens_per_s": "Decode speed, by the engine itself",
    "engine_prefill_tokens_per_s": "Prompt processing, by the engine itself",
    "cached_prompt_ratio": "Prompt tokens from the cache",
    "unasked_cache_ratio": "Prompt tokens from a cache nobody asked for",
    "kernel_user_gap_us": "Kernel stamp to our process",
    "coalesced_read_ratio": "Reads with several tokens",
    "token_mismatch_ratio": "Token counts that disagree",
    "connect_ms": "Time to connect",
    "send_lag_ms": "Send behind schedule",
    "clock_offset_width_us": "Uncertainty between the clocks",
    "cpu_frequency_mhz": "Processor frequency",
    "cpu_slowdown_ratio": "Processors slowing down",
    "is_emulated_host": "Host is emulated",
    "is_performance_governor": "Governor is performance",
    "tcp_retransmission_ratio": "TCP segments sent again after a loss",
    "plan_sent_ratio": "Planned requests that were sent",
    "unserved_arrivals_ratio": "Arrivals that the server did not keep up with",
    "prompt_length_gap_ratio": "Prompt tokens, server-reported against planned",
    "wire_stamp_error_us": "Our stamps beside the wire's",
}
_SHORT_LABELS = {"ttft_ms": "TTFT", "itl_ms": "ITL", "tpot_ms": "TPOT", "e2e_ms": "E2E"}
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
    return _LABELS.get(metric_id) or words(without_unit(metric_id))


def short_label(metric_id: str) -> str:
    """The field's own abbreviation of a metric, or its label where there is none."""
    return _SHORT_LABELS.get(metric_id) or label(metric_id)


def without_unit(name: str) -> str:
    """A name without the unit at its end: `peak_rss_bytes` gives `peak_rss`."""
    for suffix in _UNIT_SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name


def words(name: str) -> str:
    """An identifier in words: `peak_rss` gives `Peak RSS`."""
    parts = name.replace("-", " ").replace("_", " ").split()
    text = " ".join(part.upper() if part.rstrip(":").lower() in _ACRONYMS else part for part in parts)
    return text[:1].upper() + text[1:]
