"""Numbers as people read them: no more digits than they carry, in a unit of a handy size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.units import YES_NO, yes_or_no

NBSP = "\u00a0"  # keeps a number and its unit on one line
_SIGNIFICANT = 3  # digits of a value whose spread is not known
_MOST_SIGNIFICANT = 4  # digits of a value, however small its spread

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
    "send_lag_ms": "Send behind schedule",
    "clock_offset_width_us": "Uncertainty between the clocks",
    "cpu_frequency_mhz": "Processor frequency",
    "cpu_slowdown_ratio": "Processors slowing down",
    "is_emulated_host": "Host is emulated",
    "is_performance_governor": "Governor is performance",
    "tcp_retransmission_ratio": "Segments sent again, per request",
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
_BYTE_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


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


@dataclass(frozen=True)
class Scale:
    """How the numbers of one metric are shown: all by the same factor, unit and decimals."""

    factor: float
    unit: str
    decimals: int

    def number(self, value: float) -> str:
        """`value`, in the metric's own unit, as text without the unit."""
        return fixed(value * self.factor, self.decimals)

    def quantity(self, value: float) -> str:
        """`value` as text with the unit."""
        return f"{self.number(value)}{NBSP}{self.unit}" if self.unit else self.number(value)

    def span(self, values: Sequence[float]) -> str:
        """Least and greatest of `values`, without the unit; one number where they read the same."""
        low, high = self.number(min(values)), self.number(max(values))
        return low if low == high else f"{low}\N{EN DASH}{high}"


def scale(value: float, unit: str, spread: float = 0.0) -> Scale:
    """Choose how to show a metric whose typical size is `value` and whose repeats differ by `spread`."""
    factor, shown_unit = _handy_unit(value, unit)
    return Scale(factor, shown_unit, decimals(value * factor, spread * factor))


def count(n: int, noun: str) -> str:
    """How many of something: `1 request`, `2,000 requests`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def quantity(value: float, unit: str, spread: float = 0.0) -> str:
    """One value with its unit, as text."""
    if unit == YES_NO:
        return yes_or_no(value)
    return scale(value, unit, spread).quantity(value)


def interval_scale(low: float, high: float, unit: str) -> Scale:
    """Choose how to show a number that is known only as an interval: with three digits of its upper end."""
    factor, shown_unit = _handy_unit(high, unit)
    return Scale(factor, shown_unit, decimals(high * factor))


def interval(low: float, high: float, unit: str) -> str:
    """A number that is known only as an interval, with its unit, as text."""
    shown = interval_scale(low, high, unit)
    return f"{shown.span((low, high))}{NBSP}{shown.unit}"


def spread(values: Sequence[float]) -> float:
    """Greatest minus least; 0 where there is nothing to compare."""
    return max(values) - min(values) if values else 0.0


def decimals(value: float, spread: float = 0.0) -> int:
    """Digits after the point that `value` carries; negative where even its units do not count.

    The last digit shown is the leading digit of the spread (or the one after it, where it leads
    with 1 or 2). Without a spread, three significant digits.
    """
    if value == 0 or not math.isfinite(value):
        return 0
    magnitude = _exponent(value)
    if spread <= 0 or not math.isfinite(spread):
        return _SIGNIFICANT - 1 - magnitude
    last = _exponent(spread)
    if spread / 10**last < 3:
        last -= 1
    return min(-last, _MOST_SIGNIFICANT - 1 - magnitude)


def fixed(value: float, decimals: int) -> str:
    """`value` rounded to `decimals`, with separators between thousands."""
    if not math.isfinite(value):
        return str(value)
    rounded = round(value, decimals) or 0.0  # never "-0"
    return f"{rounded:,.{max(0, decimals)}f}"


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _handy_unit(value: float, unit: str) -> tuple[float, str]:
    size = abs(value)
    if unit == "bytes":
        return _byte_unit(size)
    if unit == "ratio":
        return 100.0, "%"
    if unit == "ms" and size >= 10_000:
        return 1e-3, "s"
    if unit == "ms" and 0 < size < 0.1:
        return 1e3, "µs"
    if unit in {"us", "µs"}:
        return (1e-3, "ms") if size >= 10_000 else (1.0, "µs")
    return 1.0, unit


def _byte_unit(size_bytes: float) -> tuple[float, str]:
    for step, name in _BYTE_UNITS:
        if size_bytes >= step:
            return 1 / step, name
    return 1.0, "bytes"
