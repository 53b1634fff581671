"""What may be asked of candidates on the command line, each option declared once.

This module loads nothing heavy: the command line is made from it. `selection/asked.py` makes the question of it.
"""

from dataclasses import dataclass
from pathlib import Path

from profiler.options import check, option
from profiler.workloads.slo_options import slo_option


def _metrics(incomplete: str) -> list[str]:
    """Return the metrics that begin like this, for the shell."""
    from profiler.metrics.catalogue import METRICS  # noqa: PLC0415 - heavy, and rarely wanted

    return [f"{name}=" for name in METRICS if name.startswith(incomplete)]


_SLOS = ("slo_ttft_ms", "slo_tpot_ms", "slo_e2e_ms")
_LISTED = "several with commas between them: any of them"


@dataclass(frozen=True)
class TargetOptions:
    """Limits on what was measured; `None` asks nothing."""

    ttft_p95: float | None = option(None, "Longest p95 of the time to first token, ms.", least=0)
    ttft_p99: float | None = option(None, "Longest p99 of the time to first token, ms.", least=0)
    tpot_p95: float | None = option(None, "Longest p95 of the time per output token, ms.", least=0)
    tpot_p99: float | None = option(None, "Longest p99 of the time per output token, ms.", least=0)
    e2e_p95: float | None = option(None, "Longest p95 of the end-to-end latency, ms.", least=0)
    e2e_p99: float | None = option(None, "Longest p99 of the end-to-end latency, ms.", least=0)
    per_user_tokens_per_s: float | None = option(None, "Least decode speed of one stream, median.", least=0)
    at_most: tuple[str, ...] = option(
        (), "Limit on any metric: ttft_ms.p90=300 (repeatable).", metavar="METRIC=X", complete=_metrics
    )
    at_least: tuple[str, ...] = option(
        (), "The same from below: decode_tokens_per_s.p5=15 (repeatable).", metavar="METRIC=X", complete=_metrics
    )
    slo_ttft_ms: float | None = slo_option("ttft_ms")
    slo_tpot_ms: float | None = slo_option("tpot_ms")
    slo_e2e_ms: float | None = slo_option("e2e_ms")
    attainment: float | None = option(
        None, "Share of the requests to meet every --slo-…. Default: 0.99.", least=0, most=1, needs=_SLOS
    )


@dataclass(frozen=True)
class FactOptions:
    """Constraints on facts; `None` asks nothing."""

    licence: str | None = option(None, f"Licence, such as apache-2.0; {_LISTED}.", metavar="ID[,ID…]")
    licence_class: str | None = option(
        None, f"permissive, restricted or non-commercial; {_LISTED}.", metavar="CLASS[,CLASS…]"
    )
    language: str | None = option(None, "Languages by code, all of them: en,es.", metavar="CODE[,CODE…]")
    context_at_least: int | None = option(None, "Least context, in tokens.", least=1)
    parameters_at_most: int | None = option(None, "Most parameters.", least=1)
    size_class: str | None = option(None, f"tiny, small, medium or large; {_LISTED}.", metavar="CLASS[,CLASS…]")
    architecture: str | None = option(None, f"Architecture, such as llama; {_LISTED}.", metavar="NAME[,NAME…]")
    training: str | None = option(
        None, f"base, instruct, chat, preference-tuned or embedding; {_LISTED}.", metavar="KIND[,KIND…]"
    )
    fine_tuning: str | None = option(None, "full, lora, qlora, hosted; all of them.", metavar="KIND[,KIND…]")
    energy_class: str | None = option(
        None, "Energy metered at least this well.", choices=("wall", "counter", "polled", "model")
    )
    facts: Path | None = option(None, "facts.yaml: what you know of the models.")


@dataclass(frozen=True)
class AskedOptions(FactOptions, TargetOptions):
    """Everything that may be asked of a candidate."""

    def __post_init__(self) -> None:
        """Raise `UsageError` for options that are out of range, or do not go together."""
        check(self)


PANELS = (("Targets", TargetOptions), ("Facts", FactOptions))
"""Groups of options with the heading of their part of the help."""
