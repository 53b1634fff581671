"""Results of GuideLLM (`--output kind=json`, benchmarks.json), as version 0.8.1 writes them."""

from datetime import UTC, datetime

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.units import MS_PER_S

_READ_AS = "0.8.1"
_NOTES = (
    "Its inter_token_latency_ms is one value per request, (last token − first token) / (tokens − 1), weighted by "
    "tokens: TPOT here. Its time_per_output_token_ms includes the first token, and is left out.",
)
_PER_REQUEST = {"ttft_ms": 1.0, "tpot_ms": 1.0, "e2e_ms": float(MS_PER_S)}  # to the unit of ours
_RATES = ("output_tokens_per_s", "total_tokens_per_s", "requests_per_s")


class GuideLlm:
    """The files of GuideLLM."""

    NAME: SourceTool = "guidellm"
    MADE_BY = 'guidellm run --output \'{"kind": "json"}\''

    def recognises(self, parts: list[Object]) -> bool:
        """Whether it is one object with GuideLLM's benchmarks."""
        found = parts[0].get("benchmarks")
        is_list = len(parts) == 1 and isinstance(found, list) and bool(found)
        return is_list and all("time_to_first_token_ms" in source.inner(each, "metrics") for each in found or [])

    def read(self, parts: list[Object]) -> Said:
        """Take every benchmark."""
        benchmarks = parts[0]["benchmarks"]
        version = source.text(source.inner(parts[0], "metadata"), "guidellm_version")
        other = (source.read_as(_READ_AS, version),)
        return Said(
            points=[_point(benchmark) for benchmark in benchmarks],
            tool_version=version,
            measured_utc=_utc(source.number(benchmarks[0], "start_time")),
            model=source.joined(_model(benchmark) for benchmark in benchmarks),
            notes=_NOTES if version == _READ_AS else _NOTES + other,
        )


def _model(benchmark: Object) -> str | None:
    """Return what was asked for; versions before 0.4 say it of their worker."""
    backend, worker = source.inner(benchmark, "config", "backend"), source.inner(benchmark, "worker")
    return source.text(backend, "model") or source.text(worker, "backend_model")


def _point(benchmark: Object) -> ImportedPoint:
    strategy = source.inner(benchmark, "config", "strategy") or source.inner(benchmark, "args", "strategy")
    concurrency, rate_rps = source.count(strategy, "streams"), source.number(strategy, "rate")
    kind = source.text(strategy, "type_") or "benchmark"
    load = f"c{concurrency}" if concurrency is not None else f"r{rate_rps:g}" if rate_rps is not None else kind
    totals = source.inner(benchmark, "metrics", "request_totals") or source.inner(benchmark, "request_totals")
    finished, errored = source.count(totals, "successful"), source.count(totals, "errored")
    return ImportedPoint(
        name=load,
        concurrency=concurrency,
        rate_rps=rate_rps,
        requests_ok=finished,
        requests_failed=errored,
        duration_s=source.number(benchmark, "duration"),
        metrics=_metrics(source.inner(benchmark, "metrics"))
        if finished != 0
        else source.nothing_finished(GuideLlm.NAME),
    )


def _metrics(metrics: Object) -> dict[str, ImportedMetric]:
    said = {}
    for metric in _RATES:
        key = source.alias(metric, GuideLlm.NAME) or metric
        mean = source.number(source.inner(metrics, key, "successful"), "mean")
        said[metric] = source.measured(metric, f"{key}.successful.mean", mean)
    for metric, factor in _PER_REQUEST.items():
        key = source.alias(metric, GuideLlm.NAME) or metric
        found = source.inner(metrics, key, "successful")
        percentiles = source.inner(found, "percentiles")
        quantiles = {name: _times(source.number(percentiles, name), factor) for name in percentiles}
        mean = _times(source.number(found, "mean"), factor)
        n = source.count(found, "count")
        said[metric] = source.measured(metric, f"{key}.successful.mean", mean, quantiles, n)
    return source.every(GuideLlm.NAME, said)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _utc(posix_s: float | None) -> str | None:
    try:
        return None if posix_s is None else datetime.fromtimestamp(posix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None
