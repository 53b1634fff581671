"""Results of inference-perf (`summary_lifecycle_metrics.json`, `stage_N_lifecycle_metrics.json`), as 0.7 writes them.

All of its times are in seconds; `median` stands where other percentiles have names such as `p90`.
"""

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.units import MS_PER_S

_RATES = ("output_tokens_per_s", "input_tokens_per_s", "total_tokens_per_s", "requests_per_s")
_LATENCIES = ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms")
_NOTES = (
    "Rates are those from the first request's start to the last one's end, ramp and drain included.",
    "Several tokens of one chunk have an ITL of 0 there; with Aforo ITL lies between two reads with tokens.",
)


class InferencePerf:
    """The files of inference-perf."""

    NAME: SourceTool = "inference-perf"
    MADE_BY = "inference-perf (summary_lifecycle_metrics.json)"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether every object is a report about the life of requests, as seen by the client."""
        return all("load_summary" in part and "latency" in source.inner(part, "successes") for part in parts)

    def read(self, parts: list[Object]) -> Said:
        """Take every report."""
        return Said(points=[_point(part) for part in parts], notes=_NOTES)


def _point(part: Object) -> ImportedPoint:
    load = source.inner(part, "load_summary")
    concurrency, rate_rps = source.count(load, "concurrency"), source.number(load, "requested_rate")
    name = f"c{concurrency}" if concurrency is not None else f"r{rate_rps:g}" if rate_rps is not None else "summary"
    finished = source.count(source.inner(part, "successes"), "count")
    return ImportedPoint(
        name=name,
        concurrency=concurrency,
        rate_rps=None if concurrency is not None else rate_rps,
        requests_ok=finished,
        requests_failed=source.count(source.inner(part, "failures"), "count"),
        duration_s=source.number(part, "benchmark_time_seconds"),
        metrics=_metrics(source.inner(part, "successes")) if finished != 0 else _nothing(),
    )


def _nothing() -> dict[str, ImportedMetric]:
    return source.nothing_finished(InferencePerf.NAME)


def _metrics(successes: Object) -> dict[str, ImportedMetric]:
    said = {}
    throughput, latency = source.inner(successes, "throughput"), source.inner(successes, "latency")
    for metric in _RATES:
        key = source.alias(metric, InferencePerf.NAME) or metric
        said[metric] = source.measured(metric, f"throughput.{key}", source.number(throughput, key))
    for metric in _LATENCIES:
        key = source.alias(metric, InferencePerf.NAME) or metric
        said[metric] = source.scaled(metric, f"latency.{key}", source.inner(latency, key), float(MS_PER_S))
    return source.every(InferencePerf.NAME, said)
