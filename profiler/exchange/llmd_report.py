"""Benchmark reports of llm-d-benchmark (YAML or JSON), versions 0.1, 0.2 and 0.2.1: one load, measured by another tool.

Every latency says its unit, so seconds and milliseconds are told apart there, never by the version.
"""

from collections.abc import Sequence

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.units import MS_PER_S

_TO_MS = {"s": float(MS_PER_S), "s/token": float(MS_PER_S), "ms": 1.0, "ms/token": 1.0}
_LATENCIES = ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms")
_RATES = {  # by our names: the keys of version 0.1, and those of 0.2
    "output_tokens_per_s": ("output_tokens_per_sec", "output_token_rate"),
    "input_tokens_per_s": ("input_tokens_per_sec", "input_token_rate"),
    "total_tokens_per_s": ("total_tokens_per_sec", "total_token_rate"),
    "requests_per_s": ("requests_per_sec", "request_rate"),
}
_V02 = ("results", "request_performance", "aggregate")


class LlmdReport:
    """The files of llm-d's benchmark report."""

    NAME: SourceTool = "llm-d benchmark"
    MADE_BY = "llm-d-benchmark (benchmark_report…yaml)"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether every object has a scenario beside what was seen of its requests."""
        return all("scenario" in part and "latency" in _seen(part) and "version" in part for part in parts)

    def read(self, parts: list[Object]) -> Said:
        """Take every report."""
        first = parts[0]
        load = source.inner(first, "scenario", "load")
        standard = source.inner(load, "standardized")
        tool = source.text(standard, "tool") or source.text(load, "name") or "a tool that it does not name"
        version = source.text(standard, "tool_version")
        component = _served_by(first)
        return Said(
            points=[_point(part) for part in parts],
            tool_version=source.text(first, "version"),
            model=_model(first, component),
            engine=source.text(component, "tool") or source.text(_engine_v01(first), "name"),
            host=_accelerators(component),
            notes=(f"Measured by {tool}{f' {version}' if version else ''}: its numbers mean what they mean there.",),
        )


def _seen(part: Object) -> Object:
    return source.inner(part, *_V02) or source.inner(part, "metrics")


def _point(part: Object) -> ImportedPoint:
    seen, load = _seen(part), source.inner(part, "scenario", "load", "standardized")
    concurrency, rate_rps = source.count(load, "concurrency"), source.number(load, "rate_qps")
    stage = source.count(load, "stage")
    name = f"r{rate_rps:g}" if rate_rps is not None else f"c{concurrency}" if concurrency is not None else "report"
    total, failed, begun = (
        source.count(source.inner(seen, "requests"), key) for key in ("total", "failures", "incomplete")
    )
    finished = None if total is None else total - (failed or 0) - (begun or 0)
    return ImportedPoint(
        name=name if stage is None else f"{name} stage {stage}",
        concurrency=concurrency,
        rate_rps=rate_rps,
        requests_ok=finished,
        requests_failed=failed,
        duration_s=source.number(source.inner(part, "metrics", "time"), "duration"),
        metrics=source.nothing_finished(LlmdReport.NAME) if finished == 0 else _metrics(seen),
    )


def _metrics(seen: Object) -> dict[str, ImportedMetric]:
    said = {}
    throughput, latency = source.inner(seen, "throughput"), source.inner(seen, "latency")
    for metric, keys in _RATES.items():
        said[metric] = _rate(metric, throughput, keys)
    for metric in _LATENCIES:
        key = source.alias(metric, LlmdReport.NAME) or metric
        found = source.inner(latency, key)
        said[metric] = source.scaled(metric, f"latency.{key}", found, _TO_MS.get(source.text(found, "units") or ""))
    return source.every(LlmdReport.NAME, said)


def _rate(metric: str, throughput: Object, keys: Sequence[str]) -> ImportedMetric:
    old, new = keys
    value = source.number(throughput, old)
    if value is not None:
        return source.measured(metric, f"throughput.{old}", value)
    return source.measured(metric, f"throughput.{new}", source.number(source.inner(throughput, new), "mean"))


def _served_by(part: Object) -> Object:
    """Return what is said of the first component that serves a model, in version 0.2."""
    stack = source.inner(part, "scenario").get("stack")
    found = [source.inner(each, "standardized") for each in stack] if isinstance(stack, list) else []
    return next((each for each in found if each.get("kind") == "inference_engine"), {})


def _engine_v01(part: Object) -> Object:
    engines = source.inner(part, "scenario", "platform").get("engine")
    return engines[0] if isinstance(engines, list) and engines and isinstance(engines[0], dict) else {}


def _model(part: Object, component: Object) -> str | None:
    return source.text(source.inner(component, "model"), "name") or source.text(
        source.inner(part, "scenario", "model"), "name"
    )


def _accelerators(component: Object) -> str | None:
    accelerator = source.inner(component, "accelerator")
    name, count = source.text(accelerator, "model"), source.count(accelerator, "count")
    return f"{count} × {name}" if name and count and count > 1 else name
