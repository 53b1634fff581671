"""All metrics: importing this module declares them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import get_args

# isort: off
from profiler.metrics import (  # noqa: F401 - importing declares, in the order in which metrics are shown
    latency,
    throughput,
    lengths,
    engine_reported,
    resources,
    cards,
    roofline,
    energy,
    cost,
    quality,
    correct_answers,
    load,
    trust,
)

# isort: on
from profiler.metrics.registry import Group, MetricSpec, declared
from profiler.metrics.shown import VALUE, Shown
from profiler.results.tokens import Tokens

GROUPS: tuple[Group, ...] = get_args(Group)
METRICS: Mapping[str, MetricSpec] = {
    spec.id: spec for group in GROUPS for spec in declared().values() if spec.group == group
}
"""Group by group, and within one in the order of declaration."""


def placed(where: Callable[[Shown], object], tokens: Tokens | None = None) -> list[MetricSpec]:
    """Return the metrics that have a place in a table, in its order; only those for runs about `tokens`, if given."""
    found = [spec for spec in METRICS.values() if where(spec.shown)]
    kept = [spec for spec in found if tokens is None or spec.shown.of in {None, tokens.kind}]
    return sorted(kept, key=lambda spec: spec.shown.order)


def listed() -> dict[str, tuple[str, str | None]]:
    """Return what a list of runs has of each: by the name of a column, the metric and a quantile of it."""
    columns = {}
    for spec in placed(lambda shown: shown.brief):
        quantile = None if spec.shown.brief == VALUE else spec.shown.brief
        columns[spec.id if quantile is None else f"{spec.id}.{quantile}"] = (spec.id, quantile)
    return columns


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
        "**Window** is the part of a run that a metric looks at, **repeats** says how several are put together, and",
        "**failed requests** what these do to it: in the columns of those names.",
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
    for group in GROUPS:
        lines += ["", f"## {group.capitalize()}", ""]
        lines += [
            "| id | label | unit | better | values | window | repeats | failed requests | formula | aliases |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_row(spec) for spec in METRICS.values() if spec.group == group]
    return "\n".join(lines) + "\n"


def as_data(spec: MetricSpec) -> dict[str, object]:
    """Return a declaration for JSON, without the functions."""
    left_out = {"compute", "share_of", "shown", "population"}
    stated = {name: value for name, value in vars(spec).items() if name not in left_out}
    known = {"kind": spec.kind, "rests_on": sorted(spec.rests_on), "aliases": dict(spec.aliases)}
    return {**stated, **known, **asdict(spec.population)}


def _row(spec: MetricSpec) -> str:
    aliases = ", ".join(f"{tool}: `{name}`" for tool, name in spec.aliases.items()) or "–"
    over = spec.population
    cells = [f"`{spec.id}`", spec.label, spec.unit, spec.better, spec.kind, over.window, over.repeats, over.failed]
    cells += [spec.formula.replace("|", "\\|"), aliases]
    return f"| {' | '.join(cells)} |"
