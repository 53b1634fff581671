"""Results of AIPerf (`profile_export_aiperf.json`), as version 0.13.0 writes them."""

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool

_READ_AS = "0.13.0"
_METRICS = (
    *("ttft_ms", "itl_ms", "tpot_ms", "e2e_ms", "decode_tokens_per_s", "prefill_tokens_per_s"),
    *("output_tokens_per_s", "total_tokens_per_s", "requests_per_s", "goodput_rps"),
)
_IN_MS = {"ttft_ms", "itl_ms", "tpot_ms", "e2e_ms"}
_NOTES = ("Rates are those of the whole benchmark, ramp and drain included.",)


class AiPerf:
    """The files of AIPerf."""

    NAME: SourceTool = "aiperf"
    MADE_BY = "aiperf profile (profile_export_aiperf.json)"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether it is one object that names AIPerf's version."""
        return len(parts) == 1 and "aiperf_version" in parts[0] and "input_config" in parts[0]

    def read(self, parts: list[Object]) -> Said:
        """Take the only result."""
        (part,) = parts
        version = source.text(part, "aiperf_version")
        other = (source.read_as(_READ_AS, version),)
        cancelled = ("The benchmark was cancelled before its end.",) if part.get("was_cancelled") is True else ()
        return Said(
            points=[_point(part)],
            tool_version=version,
            measured_utc=source.text(part, "start_time"),
            model=_model(part),
            notes=(*_NOTES, *(() if version == _READ_AS else other), *cancelled),
        )


def _point(part: Object) -> ImportedPoint:
    phases = source.inner(part, "input_config").get("phases")
    profiling = [phase for phase in phases if isinstance(phase, dict)] if isinstance(phases, list) else []
    load: Object = profiling[-1] if profiling else source.inner(part, "input_config", "loadgen")  # of older versions
    concurrency = source.count(load, "concurrency")
    rate_rps = source.number(load, "rate") or source.number(load, "request_rate")
    name = f"r{rate_rps:g}" if rate_rps is not None else f"c{concurrency}" if concurrency is not None else "benchmark"
    finished = source.count(source.inner(part, "request_count"), "avg")
    failed = source.count(source.inner(part, "error_request_count"), "avg")
    finished = 0 if finished is None and failed else finished
    return ImportedPoint(
        name=name,
        concurrency=concurrency,
        rate_rps=rate_rps,
        requests_ok=finished,
        requests_failed=failed or 0,
        duration_s=source.number(source.inner(part, "benchmark_duration"), "avg"),
        metrics=_metrics(part) if finished != 0 else source.nothing_finished(AiPerf.NAME),
    )


def _metrics(part: Object) -> dict[str, ImportedMetric]:
    said = {}
    for metric in _METRICS:
        key = source.alias(metric, AiPerf.NAME) or metric
        found = source.inner(part, key)
        if metric in _IN_MS and found.get("unit") not in {"ms", None}:
            said[metric] = source.measured(metric, f"{key}.avg in ms", None)
            continue
        quantiles = {name: source.number(found, name) for name in ("p50", "p90", "p95", "p99")}
        n = source.count(found, "count")
        said[metric] = source.measured(metric, f"{key}.avg", source.number(found, "avg"), quantiles, n)
    return source.every(AiPerf.NAME, said)


def _model(part: Object) -> str | None:
    """Name every model; versions before phases keep plain names with the endpoint."""
    items = source.inner(part, "input_config", "models").get("items")
    names = [source.text(item, "name") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    older = source.inner(part, "input_config", "endpoint").get("model_names")
    older = older if isinstance(older, list) else [older]
    return source.joined([*names, *(name for name in older if isinstance(name, str))])
