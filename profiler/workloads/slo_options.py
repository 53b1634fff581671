"""SLOs on the command line: declared once, for whichever verb takes them."""

from typing import Any

from profiler.options import option

_TEXTS = {"ttft_ms": "time to first token", "tpot_ms": "time per output token", "e2e_ms": "end-to-end latency"}


def slo_option(latency: str) -> Any:
    """Declare `--slo-ttft-ms` and the like as a field of a dataclass."""
    return option(None, f"SLO: {_TEXTS[latency]}, ms.", key=f"slo.{latency}")
