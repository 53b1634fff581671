"""Runs as tables: what `aforo query` asks, and what `aforo export` writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from profiler.errors import RunFolderError
from profiler.metrics.catalogue import METRICS
from profiler.metrics.estimates import estimate
from profiler.metrics.registry import NotMeasuredError, PerRequest
from profiler.metrics.request import output_tokens, prompt_tokens
from profiler.metrics.summarize import QUANTILES
from profiler.results.folder import RunFolder
from profiler.results.imported import Imported, read_imported
from profiler.results.index import RunHead, SummaryHead, read_run, read_summary
from profiler.results.listing import Found, find
from profiler.results.manifest import Point
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.results.summary import Distribution, PointSummary, Scalar
from profiler.stats.estimates import Estimate
from profiler.workloads.phases import is_measured

Row = dict[str, object]
_BEYOND_FLOATS = 1 << 1023
_PER_REQUEST = [spec for spec in METRICS.values() if isinstance(spec, PerRequest)]


@dataclass(frozen=True)
class Column:
    """A column: its name, its type in SQL, what it means."""

    name: str
    sql_type: str
    meaning: str


@dataclass(frozen=True)
class Opened:
    """One run folder with the heads of its files; without a summary it has no metrics."""

    folder: Path
    run: RunHead
    summary: SummaryHead | None

    def points(self) -> list[PointSummary]:
        """Return every load with its metrics; a plain run has one. Raises `RunFolderError`."""
        summary = RunFolder(self.folder).read_summary()
        only = self.run.only_point
        plain = PointSummary(
            point=Point(name=only.name or "", concurrency=only.concurrency, rate_rps=only.rate_rps),
            requests_ok=summary.requests_ok,
            requests_failed=summary.requests_failed,
            outcomes=summary.outcomes,
            metrics=summary.metrics,
            verdict=summary.verdict,
        )
        return summary.points or [plain]

    def requests(self) -> Iterator[tuple[str | None, RequestRecord]]:
        """Yield every request with the name of its load. Raises `RunFolderError`."""
        only = self.run.only_point.name
        names = {phase.name: phase.point or only for phase in self.run.phases}
        for request in RunFolder(self.folder).read_requests():
            yield names.get(request.phase, only), request


@dataclass(frozen=True)
class Runs:
    """All runs and imports below a folder that can be read; `notes` has a sentence for each of the others."""

    opened: list[Opened] = field(default_factory=list)
    imported: list[Imported] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """A table: `rows` takes all runs, and where a note goes on what is left out."""

    name: str
    meaning: str
    columns: Sequence[Column]
    rows: Callable[[Runs], Iterator[Row]]


def within_64_bits(row: Row) -> list[str]:
    """Make floats of the whole numbers that no 64-bit column holds, such as a seed of 2⁶⁴; return their columns."""
    found = {name: value for name, value in row.items() if isinstance(value, int) and not -(2**63) <= value < 2**63}
    for name, value in found.items():
        row[name] = float(value) if abs(value) < _BEYOND_FLOATS else None
    return list(found)


def open_runs(root: Path) -> Runs:
    """Open every run below a folder. Raises `UsageError` where there is no such folder."""
    return opened(find(root))


def opened(found: Found) -> Runs:
    """Open runs that were found; of two with the same id the first one counts."""
    runs, seen = Runs(), dict[str, Path]()
    for folder in found.folders:
        try:
            _open(folder, runs, seen)
        except FileNotFoundError:
            runs.notes.append(f"{folder} is left out: it has no run.json, without which the rest cannot be read.")
        except RunFolderError as error:
            runs.notes.append(str(error))
    return runs


def _open(folder: Path, runs: Runs, seen: dict[str, Path]) -> None:
    try:
        one = open_run(folder)
    except FileNotFoundError:
        runs.imported.append(read_imported(folder))
        return
    if (first := seen.setdefault(one.run.run_id, folder)) != folder:
        runs.notes.append(f"{folder} is left out: it is the same run as {first}.")
        return
    if one.summary is None:
        runs.notes.append(f"{folder} has no summary, and so no metrics: aforo summarize {folder}")
    runs.opened.append(one)


def open_run(folder: Path) -> Opened:
    """Open one run folder. Raises `FileNotFoundError`, `RunFolderError`."""
    run = read_run(folder)
    try:
        return Opened(folder, run, read_summary(folder))
    except FileNotFoundError:
        return Opened(folder, run, None)


def _run_rows(runs: Runs) -> Iterator[Row]:
    for one in runs.opened:
        run, host, price, summary = one.run, one.run.host, one.run.cost.price, one.summary
        yield {
            "run_id": run.run_id,
            "folder": str(one.folder),
            "started_utc": run.started_utc,
            "ended_utc": run.ended_utc,
            "status": run.status,
            "verdict": summary.verdict.level if summary and summary.verdict else None,
            "host": host.name,
            "machine": host.machine,
            "cpu": host.cpu.generation or host.cpu.model_name,
            "usable_cpus": host.cpu.usable_cpus,
            "provider": host.cloud.provider,
            "instance_type": host.cloud.instance_type,
            "region": host.cloud.region,
            "engine": run.engine.name,
            "engine_version": run.engine.version,
            "threads": run.engine.threads,
            "slots": run.engine.slots,
            "model": run.model.name,
            "model_source": run.model.source,
            "model_sha256": run.model.sha256,
            "is_synthetic": run.model.is_synthetic,
            "parameters": run.model.parameters,
            "quantisation": run.model.quantisation,
            "workload": run.workload.id,
            "workload_version": run.workload.version,
            "requests_ok": summary.requests_ok if summary else None,
            "requests_failed": summary.requests_failed if summary else None,
            "price_per_hour": price.per_hour if price else None,
            "currency": price.currency if price else None,
            "price_kind": price.kind if price else None,
            "seed": run.seed,
            "tool_version": run.tool_version,
        }


def _metric_rows(runs: Runs) -> Iterator[Row]:
    for one in runs.opened:
        try:
            points = one.points() if one.summary is not None else []
        except RunFolderError as error:
            runs.notes.append(str(error))
            continue
        for point in points:
            load = {
                "run_id": one.run.run_id,
                "point": point.point.name or None,
                "concurrency": point.point.concurrency,
                "rate_rps": point.point.rate_rps,
                "verdict": point.verdict.level if point.verdict else None,
            }
            for name in point.metrics:
                yield {**load, "metric": name, **_numbers(point, name)}


def _numbers(point: PointSummary, name: str) -> Row:
    """Return the numbers of one metric, with the same interval as everywhere else."""
    metric = point.metrics[name]
    many = metric if isinstance(metric, Distribution) else None
    known = estimate(point, name)
    interval = (known.low, known.high) if isinstance(known, Estimate) else (None, None)
    quantiles = many.quantiles if many else {}
    return {
        "unit": metric.unit,
        "value": metric.value if isinstance(metric, Scalar) else None,
        "mean": many.mean if many else None,
        **{quantile: quantiles.get(quantile) for quantile in QUANTILES},
        "min": many.min if many else None,
        "max": many.max if many else None,
        "n": many.n if many else None,
        "low": interval[0],
        "high": interval[1],
        "indicative": many.indicative if many else [],
        "reason": None if many else getattr(metric, "reason", None),
        "note": getattr(metric, "note", None),
    }


def _request_rows(runs: Runs) -> Iterator[Row]:
    for one in runs.opened:
        try:
            for point, request in one.requests():
                yield {"run_id": one.run.run_id, "point": point, **_request(request)}
        except RunFolderError as error:
            runs.notes.append(f"The rest of these requests is left out: {error}")


def _request(request: RequestRecord) -> Row:
    return {
        "index": request.index,
        "phase": request.phase,
        "is_measured": is_measured(request.phase),
        "outcome": request.outcome,
        "detail": request.detail,
        "http_status": request.http_status,
        "scheduled_ns": request.scheduled_ns,
        "sent_ns": request.sent_ns,
        "finished_ns": request.finished_ns,
        "prompt_tokens": prompt_tokens(request),
        "output_tokens": output_tokens(request),
        "finish_reason": request.finish_reason,
        **_times(request),
    }


def _times(request: RequestRecord) -> Mapping[str, float | None]:
    """Compute every metric that has one value per request, by its declaration."""
    found: dict[str, float | None] = dict.fromkeys((spec.id for spec in _PER_REQUEST), None)
    if request.outcome is Outcome.OK:
        for spec in _PER_REQUEST:
            try:
                found[spec.id] = spec.compute(request)
            except NotMeasuredError:
                continue
    return found


def _sample_rows(runs: Runs) -> Iterator[Row]:
    names = [column.name for column in SAMPLES.columns if column.name not in {"run_id", "energy_j"}]
    for one in runs.opened:
        try:
            for sample in RunFolder(one.folder).read_samples():
                yield {"run_id": one.run.run_id, **_sample(sample, names)}
        except RunFolderError as error:
            runs.notes.append(f"These samples are left out: {error}")


def _sample(sample: Sample, names: Sequence[str]) -> Row:
    energy_j = {reading.channel: reading.energy_j for reading in sample.energy}
    return {**{name: getattr(sample, name) for name in names}, "energy_j": energy_j}


def _imported_rows(runs: Runs) -> Iterator[Row]:
    for one in runs.imported:
        about = {
            "import_id": one.import_id,
            "tool": one.tool,
            "tool_version": one.tool_version,
            "measured_utc": one.measured_utc,
            "model": one.model,
            "engine": one.engine,
            "host": one.host,
        }
        for point in one.points:
            load = {"point": point.name, "concurrency": point.concurrency, "rate_rps": point.rate_rps}
            for name, metric in point.metrics.items():
                quantiles = {each: metric.quantiles.get(each) for each in QUANTILES}
                numbers = {"unit": metric.unit, "value": metric.value, **quantiles, "n": metric.n}
                said = {"reason": metric.reason, "called": metric.called}
                yield {**about, **load, "metric": name, **numbers, **said}


_RUN_ID = Column("run_id", "VARCHAR", "Name of the run.")
_POINT = Column("point", "VARCHAR", "Name of the load, such as c8 or r2.5.")
_LOAD = (
    Column("concurrency", "BIGINT", "Requests in flight, of a load with a fixed number."),
    Column("rate_rps", "DOUBLE", "Mean arrivals per second, of a load with a rate."),
)
_PERCENTILES = tuple(Column(name, "DOUBLE", f"{name} of many values.") for name in QUANTILES)

RUNS = Table(
    "runs",
    "One row per run.",
    (
        _RUN_ID,
        Column("folder", "VARCHAR", "Where it is."),
        Column("started_utc", "TIMESTAMP", "Start."),
        Column("ended_utc", "TIMESTAMP", "End."),
        Column("status", "VARCHAR", "complete, interrupted, failed or running."),
        Column("verdict", "VARCHAR", "VALID, VALID with warnings or INVALID; null without a summary."),
        Column("host", "VARCHAR", "Name of the machine."),
        Column("machine", "VARCHAR", "x86_64 or aarch64."),
        Column("cpu", "VARCHAR", "Processor generation, or model."),
        Column("usable_cpus", "BIGINT", "Processors that could be used."),
        Column("provider", "VARCHAR", "aws, gcp or azure."),
        Column("instance_type", "VARCHAR", "Such as c7g.4xlarge."),
        Column("region", "VARCHAR", "Such as us-east-1."),
        Column("engine", "VARCHAR", "Model server."),
        Column("engine_version", "VARCHAR", "Its version."),
        Column("threads", "BIGINT", "Its threads."),
        Column("slots", "BIGINT", "Requests that it serves at a time."),
        Column("model", "VARCHAR", "Name of the model."),
        Column("model_source", "VARCHAR", "Path, hf:REPO/FILE, synthetic:SHAPE/QUANT or URL."),
        Column("model_sha256", "VARCHAR", "Hash of its file."),
        Column("is_synthetic", "BOOLEAN", "Random weights: speed only."),
        Column("parameters", "BIGINT", "Number of weights."),
        Column("quantisation", "VARCHAR", "Such as Q8_0."),
        Column("workload", "VARCHAR", "Id of the workload."),
        Column("workload_version", "BIGINT", "Its version."),
        Column("requests_ok", "BIGINT", "Measured requests that finished."),
        Column("requests_failed", "BIGINT", "Measured requests that did not."),
        Column("price_per_hour", "DOUBLE", "What an hour of the machine costs."),
        Column("currency", "VARCHAR", "ISO 4217."),
        Column("price_kind", "VARCHAR", "on-demand, spot or reserved."),
        Column("seed", "BIGINT", "Of prompts and arrivals."),
        Column("tool_version", "VARCHAR", "Version of Aforo."),
    ),
    _run_rows,
)
METRIC_ROWS = Table(
    "metrics",
    "One row per run, load and metric; see 'aforo metrics' for what each means.",
    (
        _RUN_ID,
        _POINT,
        *_LOAD,
        Column("verdict", "VARCHAR", "Of this load."),
        Column("metric", "VARCHAR", "Id, such as ttft_ms."),
        Column("unit", "VARCHAR", "Unit of all numbers of the row."),
        Column("value", "DOUBLE", "Of a metric with one value; null where only an interval is known."),
        Column("mean", "DOUBLE", "Of a metric with many values."),
        *_PERCENTILES,
        Column("min", "DOUBLE", "Least of many values."),
        Column("max", "DOUBLE", "Greatest of many values."),
        Column("n", "BIGINT", "Number of values."),
        Column("low", "DOUBLE", "Lower end of the 95 % interval of value or mean, where one is known."),
        Column("high", "DOUBLE", "Upper end."),
        Column("indicative", "VARCHAR[]", "Percentiles with too few values behind them."),
        Column("reason", "VARCHAR", "Why there is no value."),
        Column("note", "VARCHAR", "How far the number goes."),
    ),
    _metric_rows,
)
REQUESTS = Table(
    "requests",
    "One row per request, warm-up and cool-down included (is_measured = false).",
    (
        _RUN_ID,
        _POINT,
        Column("index", "BIGINT", "Position in the run."),
        Column("phase", "VARCHAR", "Such as warmup, repeat-1 or cooldown."),
        Column("is_measured", "BOOLEAN", "Whether it enters the metrics."),
        Column("outcome", "VARCHAR", "ok, or how it failed."),
        Column("detail", "VARCHAR", "A sentence where it failed."),
        Column("http_status", "BIGINT", "HTTP status."),
        Column("scheduled_ns", "BIGINT", "When it was due, CLOCK_MONOTONIC."),
        Column("sent_ns", "BIGINT", "When it was sent."),
        Column("finished_ns", "BIGINT", "When its outcome was known."),
        Column("prompt_tokens", "BIGINT", "Length of the prompt."),
        Column("output_tokens", "BIGINT", "Tokens made."),
        Column("finish_reason", "VARCHAR", "As the server says."),
        *(Column(spec.id, "DOUBLE", spec.formula) for spec in _PER_REQUEST),
    ),
    _request_rows,
)
SAMPLES = Table(
    "samples",
    "Utilisation, twice a second.",
    (
        _RUN_ID,
        Column("t_ns", "BIGINT", "When, CLOCK_MONOTONIC."),
        Column("server_cpu_cores", "DOUBLE", "Cores that the server keeps busy."),
        Column("server_rss_bytes", "BIGINT", "Memory of the server."),
        Column("host_cpu_ratio", "DOUBLE", "Share of all cores busy."),
        Column("host_steal_ratio", "DOUBLE", "Share taken by the hypervisor."),
        Column("client_cpu_cores", "DOUBLE", "Cores that the load driver keeps busy."),
        Column("cpu_frequency_mhz", "DOUBLE", "Mean of a few processors."),
        Column("throttle_events", "BIGINT", "Slowed by heat or power, since the host started."),
        Column("tcp_retransmissions", "BIGINT", "Segments sent again, since the host started."),
        Column("tcp_needless_retransmissions", "BIGINT", "Of these, the ones sent without a loss of data, likewise."),
        Column("energy_j", "MAP(VARCHAR, DOUBLE)", "By channel of a meter, since it was opened."),
    ),
    _sample_rows,
)
IMPORTED = Table(
    "imported",
    "Results of other tools ('aforo import'): nobody has checked how they were measured. One row per test and metric.",
    (
        Column("import_id", "VARCHAR", "Name of the folder."),
        Column("tool", "VARCHAR", "What made the file."),
        Column("tool_version", "VARCHAR", "Its version, where the file tells."),
        Column("measured_utc", "VARCHAR", "When, as the file says."),
        Column("model", "VARCHAR", "As the file says."),
        Column("engine", "VARCHAR", "As the file says."),
        Column("host", "VARCHAR", "As the file says."),
        Column("point", "VARCHAR", "Load or test."),
        *_LOAD,
        Column("metric", "VARCHAR", "The id of ours that it is nearest to."),
        Column("unit", "VARCHAR", "Unit of all numbers of the row."),
        Column("value", "DOUBLE", "The value, or the mean of many."),
        *_PERCENTILES,
        Column("n", "BIGINT", "Number of values, where the file tells."),
        Column("reason", "VARCHAR", "Why there is no value."),
        Column("called", "VARCHAR", "What the file calls it."),
    ),
    _imported_rows,
)
TABLES: Mapping[str, Table] = {table.name: table for table in (RUNS, METRIC_ROWS, REQUESTS, SAMPLES, IMPORTED)}


def schema() -> str:
    """Return all tables and columns as text."""
    parts = []
    for table in TABLES.values():
        width = max(len(column.name) for column in table.columns)
        kinds = max(len(column.sql_type) for column in table.columns)
        parts.append(f"{table.name}: {table.meaning}")
        parts += [f"  {each.name:{width}}  {each.sql_type:{kinds}}  {each.meaning}" for each in table.columns]
        parts.append("")
    return "\n".join(parts).rstrip()
