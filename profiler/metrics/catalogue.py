"""All metrics: importing this module declares them, in the order in which they are shown."""

from collections.abc import Mapping

from profiler.metrics import (  # noqa: F401 - importing declares
    cost,
    energy,
    engine_word,
    latency,
    lengths,
    resources,
    roofline,
    throughput,
    trust,
)
from profiler.metrics.registry import MetricSpec, declared

METRICS: Mapping[str, MetricSpec] = declared()


def markdown() -> str:
    """Return the reference page of all metrics."""
    lines = [
        "# Metrics",
        "",
        "Generated from the registry by `aforo metrics --markdown`; do not edit.",
        "",
        "A metric that could not be measured is `null` with a reason, never 0. Quantiles interpolate linearly;",
        "one with fewer samples than a claim at 0.99 confidence needs (p50 11, p90 64, p95 130, p99 662) is shown",
        "as *indicative*. Where a run has over a million values of a metric (fewer in each repeat, where there are",
        "several), its quantiles come from buckets at most 0.0061 % wide, and the summary says so.",
    ]
    for group in ("latency", "throughput", "resources", "energy", "cost", "trust"):
        lines += ["", f"## {group.capitalize()}", ""]
        lines += [
            "| id | unit | better | values | formula | known elsewhere as |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(spec) for spec in METRICS.values() if spec.group == group]
    return "\n".join(lines) + "\n"


def _row(spec: MetricSpec) -> str:
    aliases = ", ".join(f"{tool}: `{name}`" for tool, name in spec.aliases.items()) or "–"
    formula = spec.formula.replace("|", "\\|")
    return f"| `{spec.id}` | {spec.unit} | {spec.better} | {spec.kind} | {formula} | {aliases} |"
