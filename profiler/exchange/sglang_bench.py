"""Results of SGLang's `bench_serving` (`--output-file`): one JSON object a line, one for each load.

Keys: `sglang/benchmark/serving.py` of SGLang 0.5, which computes them over the whole benchmark, ramp and drain
included. Its own are `…_e2e_latency_ms` and `total_throughput`.
"""

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool

_REQUIRED = {"completed", "duration", "mean_e2e_latency_ms", "request_throughput"}
_RATES = ("output_tokens_per_s", "input_tokens_per_s", "total_tokens_per_s", "requests_per_s")
_LATENCIES = ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms")
_TOLD_APART_BY = (
    *("model", "backend", "dataset_name", "random_input_len", "random_output_len", "random_range_ratio"),
    *("sharegpt_output_len", "max_concurrency", "tag"),
)
_NOTES = (
    "Rates are those of the whole benchmark, ramp and drain included.",
    "Its E2E latency ends with the stream; with Aforo with the last token. It does not say how many requests failed.",
)


class SglangBench:
    """The files of SGLang's benchmark."""

    NAME: SourceTool = "sglang bench"
    MADE_BY = "python -m sglang.bench_serving --output-file"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether every part has the keys that SGLang alone writes."""
        return all(part.keys() >= _REQUIRED for part in parts)

    def read(self, parts: list[Object]) -> Said:
        """Take every result."""
        told = [{**part, "model": _model(part)} for part in parts]
        names = source.told_apart([_name(part) for part in parts], told, _TOLD_APART_BY)
        return Said(
            points=[_point(part, name) for name, part in zip(names, parts, strict=True)],
            model=source.joined(_model(part) for part in parts),
            engine=source.joined(source.text(part, "backend") for part in parts),
            notes=_NOTES,
        )


def _model(part: Object) -> str | None:
    info = source.inner(part, "server_info")
    return source.text(info, "served_model_name") or source.text(info, "model_path")


def _name(part: Object) -> str:
    concurrency, rate_rps = source.count(part, "max_concurrency"), source.number(part, "request_rate")
    load = f"c{concurrency}" if concurrency is not None else "all-at-once"
    return load if rate_rps is None else f"r{rate_rps:g}"


def _point(part: Object, name: str) -> ImportedPoint:
    finished = source.count(part, "completed")
    return ImportedPoint(
        name=name,
        concurrency=source.count(part, "max_concurrency"),
        rate_rps=source.number(part, "request_rate"),
        requests_ok=finished,
        duration_s=source.number(part, "duration"),
        metrics=_metrics(part) if finished != 0 else source.nothing_finished(SglangBench.NAME),
    )


def _metrics(part: Object) -> dict[str, ImportedMetric]:
    said = {}
    for metric in _RATES:
        key = source.alias(metric, SglangBench.NAME) or metric
        said[metric] = source.measured(metric, key, source.number(part, key))
    for metric in _LATENCIES:
        key = f"{source.alias(metric, SglangBench.NAME)}_ms"
        quantiles = {name: source.number(part, f"{name}_{key}") for name in ("p90", "p95", "p99")}
        quantiles["p50"] = source.number(part, f"median_{key}")
        said[metric] = source.measured(metric, f"mean_{key}", source.number(part, f"mean_{key}"), quantiles)
    return source.every(SglangBench.NAME, said)
