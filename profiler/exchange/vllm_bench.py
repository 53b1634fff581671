"""Results of `vllm bench serve --save-result`: one JSON object, or several one after the other (`--append-result`).

Keys: `vllm/benchmarks/serve.py` of vLLM, which computes them over the whole benchmark, ramp and drain included.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from profiler.aggregation.request import output_tokens, prompt_tokens
from profiler.exchange import source
from profiler.exchange.runs import Opened
from profiler.exchange.source import Object, Said
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import PerRequest, PerRun, Pooled
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.results.records import Outcome, RequestRecord
from profiler.results.summary import Distribution, PointSummary, Scalar
from profiler.units import ns_to_s
from profiler.workloads.phases import is_measured

_TOOL: SourceTool = "vllm bench"
_KNOWN = [spec for spec in METRICS.values() if _TOOL in spec.aliases]
_OF_REQUESTS = [spec for spec in _KNOWN if isinstance(spec, PerRequest | Pooled)]
LATENCIES = tuple(spec.id for spec in _OF_REQUESTS)
RATES = tuple(spec.id for spec in _KNOWN if isinstance(spec, PerRun))
DATE = "%Y%m%d-%H%M%S"
_REQUIRED = {"request_throughput", "completed", "duration"}
_TOLD_APART_BY = ("model_id", "backend", "max_concurrency", "burstiness", "num_prompts", "total_input_tokens", "label")
_OF_SGLANG = "mean_e2e_latency_ms"  # whose script began as this one, so that its files have these keys, too
_NOTES = (
    "Rates are those of the whole benchmark, ramp and drain included.",
    "Its ITL lies between two events, the last one without text included; with Aforo between two reads with tokens.",
)


class VllmBench:
    """The files of `vllm bench serve`."""

    NAME: SourceTool = _TOOL
    MADE_BY = "vllm bench serve --save-result"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether every part has the keys that name it."""
        return all(part.keys() >= _REQUIRED and _OF_SGLANG not in part for part in parts)

    def read(self, parts: list[Object]) -> Said:
        """Take every result."""
        names = source.told_apart([_name(part) for part in parts], parts, _TOLD_APART_BY)
        return Said(
            points=[_point(part, name) for name, part in zip(names, parts, strict=True)],
            measured_utc=_date(source.text(parts[0], "date")),
            model=source.joined(source.text(part, "model_id") for part in parts),
            engine=source.joined(source.text(part, "backend") for part in parts),
            notes=_NOTES,
        )


def _name(part: Object) -> str:
    concurrency, rate_rps = source.count(part, "max_concurrency"), source.number(part, "request_rate")
    if rate_rps is not None:
        return f"r{rate_rps:g}"
    return f"c{concurrency}" if concurrency is not None else "all-at-once"


def _point(part: Object, name: str) -> ImportedPoint:
    finished = source.count(part, "completed")
    return ImportedPoint(
        name=name,
        concurrency=source.count(part, "max_concurrency"),
        rate_rps=source.number(part, "request_rate"),
        requests_ok=finished,
        requests_failed=source.count(part, "failed"),
        duration_s=source.number(part, "duration"),
        metrics=_metrics(part) if finished != 0 else source.nothing_finished(VllmBench.NAME),
    )


def _metrics(part: Object) -> dict[str, ImportedMetric]:
    said = {}
    for metric in RATES:
        key = source.alias(metric, VllmBench.NAME) or metric
        said[metric] = source.measured(metric, key, source.number(part, key))
    for metric in LATENCIES:
        key = f"{source.alias(metric, VllmBench.NAME)}_ms"
        quantiles = {name: source.number(part, f"{name}_{key}") for name in ("p50", "p90", "p95", "p99")}
        quantiles["p50"] = source.number(part, f"median_{key}") or quantiles["p50"]
        said[metric] = source.measured(metric, f"mean_{key}", source.number(part, f"mean_{key}"), quantiles)
    return source.every(VllmBench.NAME, said)


@dataclass
class Spread:
    """Sums over values, for their standard deviation."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one value."""
        self.n += 1
        self.total += value
        self.squares += value * value

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the population, as numpy's `std`; None without values."""
        return math.sqrt(max(0.0, self.squares / self.n - (self.total / self.n) ** 2)) if self.n else None


@dataclass
class Added:
    """What is added up over the measured requests of one load, for the keys that a summary does not have."""

    input_tokens: int = 0
    output_tokens: int = 0
    spreads: dict[str, Spread] = field(default_factory=lambda: defaultdict(Spread))

    def take(self, request: RequestRecord) -> None:
        """Add one finished request."""
        self.input_tokens += prompt_tokens(request) or 0
        self.output_tokens += output_tokens(request)
        for spec in _OF_REQUESTS:
            for value in spec.values(request):
                self.spreads[spec.id].add(value)


def results(run: Opened) -> list[dict[str, object]]:
    """Return the result of each load under vLLM's keys, null where it was not measured. Raises `RunFolderError`."""
    added: dict[str | None, Added] = defaultdict(Added)
    for point, request in run.requests():
        if is_measured(request.phase) and request.outcome is Outcome.OK:
            added[point].take(request)
    return [_result(run, point, added[point.point.name or None]) for point in run.points()]


def _result(run: Opened, point: PointSummary, added: Added) -> dict[str, object]:
    head, load = run.run, point.point
    phases = [phase for phase in head.phases if is_measured(phase.name) and phase.point in {None, load.name}]
    said: dict[str, object] = {
        "date": datetime.fromisoformat(head.started_utc).strftime(DATE),
        "endpoint_type": head.engine.name,
        "backend": head.engine.name,
        "label": head.workload_name,
        "model_id": head.model.name,
        "tokenizer_id": None,
        "num_prompts": point.requests_ok + point.requests_failed,
        "request_rate": "inf" if load.rate_rps is None else load.rate_rps,
        "burstiness": None,
        "max_concurrency": load.concurrency,
        "duration": sum(ns_to_s(phase.end_ns - phase.start_ns) for phase in phases if phase.end_ns is not None),
        "completed": point.requests_ok,
        "failed": point.requests_failed,
        "total_input_tokens": added.input_tokens,
        "total_output_tokens": added.output_tokens,
    }
    for metric in RATES:
        rate = point.metrics.get(metric)
        said[METRICS[metric].aliases[VllmBench.NAME]] = rate.value if isinstance(rate, Scalar) else None
    for metric in LATENCIES:
        said |= _latency(metric, point, added)
    ours = {"run_id": head.run_id, "point": load.name, "version": head.tool_version, "verdict": None}
    ours["verdict"] = point.verdict.level if point.verdict else None
    return {**said, **{f"aforo_{name}": value for name, value in ours.items()}}


def _latency(metric: str, point: PointSummary, added: Added) -> dict[str, object]:
    key = f"{METRICS[metric].aliases[VllmBench.NAME]}_ms"
    found = point.metrics.get(metric)
    seen = found if isinstance(found, Distribution) else None
    quantiles = seen.quantiles if seen else {}
    return {
        f"mean_{key}": seen.mean if seen else None,
        f"median_{key}": quantiles.get("p50"),
        f"std_{key}": added.spreads[metric].deviation,
        **{f"{name}_{key}": quantiles.get(name) for name in ("p50", "p90", "p95", "p99")},
    }


def _date(said: str | None) -> str | None:
    """Read the date, which is local time without a zone."""
    try:
        return datetime.strptime(said or "", DATE).isoformat()
    except ValueError:
        return None
