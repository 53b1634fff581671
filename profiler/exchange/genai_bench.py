"""Results of genai-bench (one file for each load, `{scenario}_{task}_…_time_60s.json`), as version 0.0.5 writes them.

Its latencies are in seconds, or in milliseconds where `_time_unit` says so; rates are per second in either case.
"""

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.units import MS_PER_S

_FACTORS = {"s": float(MS_PER_S), "ms": 1.0}  # from its unit of time to ours
_RATES = ("output_tokens_per_s", "input_tokens_per_s", "total_tokens_per_s", "requests_per_s")
_LATENCIES = ("ttft_ms", "tpot_ms", "e2e_ms")
_SPEEDS = ("decode_tokens_per_s", "prefill_tokens_per_s")
_OF_OUTPUT = {
    "ttft_ms",
    "tpot_ms",
    "decode_tokens_per_s",
    "prefill_tokens_per_s",
    "output_tokens_per_s",
    "total_tokens_per_s",
}
"""What it sets to 0, or to E2E, where no tokens come back: of embeddings, say."""
_NOTES = (
    "Rates are those of the whole benchmark, ramp and drain included; latencies leave out what --warmup-ratio and "
    "--cooldown-ratio cut off.",
    "Its TPOT is (E2E − TTFT) / (tokens − 1), where E2E ends with the stream and not with the last token.",
)


class GenAiBench:
    """The files of genai-bench."""

    NAME: SourceTool = "genai-bench"
    MADE_BY = "genai-bench benchmark (the file of a load)"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether every object holds what was aggregated over its own requests."""
        return all("stats" in source.inner(part, "aggregated_metrics") for part in parts)

    def read(self, parts: list[Object]) -> Said:
        """Take every load."""
        return Said(points=[_point(part) for part in parts], notes=_NOTES)


def _point(part: Object) -> ImportedPoint:
    found = source.inner(part, "aggregated_metrics")
    by_batch = source.text(found, "iteration_type") == "batch_size"
    concurrency, batch = source.count(found, "num_concurrency"), source.count(found, "batch_size")
    name = source.named({"b": batch} if by_batch else {"c": concurrency}) or "load"
    finished = source.count(found, "num_completed_requests")
    scenario = source.text(found, "scenario")
    return ImportedPoint(
        name=f"{name} {scenario}" if scenario else name,
        concurrency=concurrency,
        requests_ok=finished,
        requests_failed=source.count(found, "num_error_requests"),
        duration_s=source.number(found, "run_duration"),
        metrics=_metrics(found, _FACTORS.get(str(part.get("_time_unit", "s")))) if finished != 0 else _nothing(),
    )


def _nothing() -> dict[str, ImportedMetric]:
    return source.nothing_finished(GenAiBench.NAME)


def _metrics(found: Object, to_ms: float | None) -> dict[str, ImportedMetric]:
    """Read every metric; latencies in a unit that is not known are not measured."""
    said = {}
    without = _OF_OUTPUT if not source.number(source.inner(found, "stats", "num_output_tokens"), "mean") else set()
    for metric in _RATES:
        key = source.alias(metric, GenAiBench.NAME) or metric
        said[metric] = source.measured(metric, key, source.number(found, key))
    for metric in (*_LATENCIES, *_SPEEDS):
        key = source.alias(metric, GenAiBench.NAME) or metric
        factor = to_ms if metric in _LATENCIES else 1.0
        said[metric] = source.scaled(metric, f"stats.{key}", source.inner(found, "stats", key), factor)
    return source.every(GenAiBench.NAME, {name: metric for name, metric in said.items() if name not in without})
