"""All metrics: importing this module declares them, in the order in which they are shown."""

from collections.abc import Mapping

from profiler.metrics import (  # noqa: F401 - importing declares
    cost,
    energy,
    engine_word,
    latency,
    lengths,
    load,
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
        "A metric that could not be measured is `null` with a reason, never 0. Quantiles interpolate linearly",
        "(definition 7 of Hyndman and Fan); one with fewer samples than a claim at 0.99 confidence needs (p50 11,",
        "p90 64, p95 130, p99 662) is shown as *indicative*. Where a run has over a million values of a metric",
        "(fewer in each repeat, where there are several), its quantiles come from buckets at most 0.0061 % wide,",
        "and the summary says so.",
        "",
        "Speeds, where the lowest values are the worst, have p5 and p1 as well: their slow tail.",
        "",
        "**Which requests.** Latencies, rates, energy, cost and the sums behind the numbers on trust are of the",
        "requests sent in the steady windows, whenever they finish. A closed loop of several slots is steady after",
        "one request for each slot (with a ramp: after the last slot has begun and one more for each) until one",
        "for each slot before the end, or until the next phase where the load goes on; a single slot from its",
        "first request to its last byte. An open loop is steady after the longest time that one of the first tenth",
        "of its requests takes, until the last arrival. Where no repeat was ever steady, latencies are of all",
        "measured requests, and there are no rates. `first_burst_ttft_ms` is of the requests that the load began",
        "with; `error_ratio` is of all measured requests.",
        "",
        "**Several repeats.** Distributions hold the requests of all repeats together. A rate or another quotient",
        "is that of the sums over all repeats, not the mean of the repeats' values; those are in `per_repeat`.",
        "Samples and counters of the host are those within, or around, the steady windows of all repeats.",
        "",
        "**Failed requests** have no latency and bring no tokens. They took their slot and their time, so they are",
        "part of the durations that rates rest on, and of the denominators of `error_ratio` and",
        "`slo_attainment_ratio`.",
        "",
        "**Tokens** are in the server's count where it gives one, else events with text: of a server that puts",
        "four tokens into each event, 16 events are 64 tokens. Reasoning that is made and not streamed is part of",
        "the output tokens and of their rate; the time per token is of those that were streamed.",
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
