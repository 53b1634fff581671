"""Results of llama-benchy (`--format json`), as version 0.4.0 writes them: llama-bench's tests through an HTTP server.

Times are in milliseconds, speeds in tokens/s, each with all of its values. Its total generation speed is of the decode
phase alone, from the first token of any request to the last of all, and so is no output rate: it is left out.
"""

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.stats.quantiles import QUANTILES, quantile

_METRICS = ("ttft_ms", "decode_tokens_per_s", "prefill_tokens_per_s")
_NOTES = (
    "Its TTFT is e2e_ttft, to the first token; ttfr, to the first response, is left out. Its prefill speeds leave out "
    "the latency of the network, as it measured it.",
    "tg_throughput is of the decode phase alone, and so is no output rate.",
)


class LlamaBenchy:
    """The files of llama-benchy."""

    NAME: SourceTool = "llama-benchy"
    MADE_BY = "llama-benchy --format json --save-result FILE"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether it is one object with llama-benchy's tests."""
        tests = _tests(parts[0]) if len(parts) == 1 else []
        return bool(tests) and all("is_context_prefill_phase" in test and "response_size" in test for test in tests)

    def read(self, parts: list[Object]) -> Said:
        """Take every test."""
        (part,) = parts
        stamp = source.text(part, "timestamp")
        return Said(
            points=[_point(test) for test in _tests(part)],
            tool_version=source.text(part, "version"),
            measured_utc=stamp and stamp.replace(" ", "T"),
            model=source.text(part, "model"),
            notes=_NOTES,
        )


def _tests(part: Object) -> list[Object]:
    found = part.get("benchmarks")
    return [test for test in found if isinstance(test, dict)] if isinstance(found, list) else []


def _point(test: Object) -> ImportedPoint:
    prompt, made, depth = (source.count(test, f"{name}_size") for name in ("prompt", "response", "context"))
    concurrency = source.count(test, "concurrency")
    parts = [source.named({"pp": prompt, "tg": made}), source.named({"@ d": depth, "c": concurrency})]
    phase = ["context"] if test.get("is_context_prefill_phase") is True else []
    return ImportedPoint(
        name=" ".join(filter(None, [*parts, *phase])) or "test",
        concurrency=concurrency,
        metrics=source.every(LlamaBenchy.NAME, {metric: _measured(metric, test) for metric in _METRICS}),
    )


def _measured(metric: str, test: Object) -> ImportedMetric:
    key = source.alias(metric, LlamaBenchy.NAME) or metric
    found = source.inner(test, key)
    values = sorted(source.numbers(found, "values"))
    quantiles = {name: quantile(values, q) for name, q in QUANTILES.items()} if values else {}
    return source.measured(metric, f"{key}.mean", source.number(found, "mean"), quantiles, len(values) or None)
