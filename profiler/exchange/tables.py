"""Runs as tables: what `aforo query` asks, and what `aforo export` writes. Each column is declared with its value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from profiler.aggregation.request import output_tokens, prompt_tokens
from profiler.errors import RunFolderError
from profiler.exchange.runs import Opened, Runs
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import PerRequest
from profiler.results.folder import RunFolder
from profiler.results.imported import Imported, ImportedMetric, ImportedPoint
from profiler.results.records import CardReading, Outcome, RequestRecord, Sample
from profiler.results.summary import Distribution, Metric, PointSummary, Scalar
from profiler.stats.estimates import Estimate
from profiler.stats.quantiles import QUANTILES
from profiler.summaries.estimates import estimate
from profiler.workloads.phases import is_measured

Row = dict[str, object]
Item = TypeVar("Item")  # what a row is made from
_BEYOND_FLOATS = 1 << 1023


@dataclass(frozen=True)
class Column(Generic[Item]):
    """A column: its name, its type in SQL, what it means, and how its value is read of what a row is made from."""

    name: str
    sql_type: str
    meaning: str
    value: Callable[[Item], object]


@dataclass(frozen=True)
class Table(Generic[Item]):
    """A table: `items` yields what rows are made from, and puts a note into the runs for what is left out."""

    name: str
    meaning: str
    items: Callable[[Runs], Iterator[Item]]
    columns: Sequence[Column[Item]]

    def rows(self, runs: Runs) -> Iterator[Row]:
        """Yield the rows of all runs."""
        for item in self.items(runs):
            yield {column.name: column.value(item) for column in self.columns}


def within_64_bits(row: Row) -> list[str]:
    """Make floats of the whole numbers that no 64-bit column holds, such as a seed of 2⁶⁴; return their columns."""
    found = {name: value for name, value in row.items() if isinstance(value, int) and not -(2**63) <= value < 2**63}
    for name, value in found.items():
        row[name] = float(value) if abs(value) < _BEYOND_FLOATS else None
    return list(found)


@dataclass(frozen=True)
class MetricItem:
    """One metric of one load of a run."""

    run_id: str
    load: PointSummary
    name: str

    @property
    def metric(self) -> Metric:
        """What the summary has of it."""
        return self.load.metrics[self.name]

    @property
    def value(self) -> float | None:
        """The number of a metric with a single one."""
        return self.metric.value if isinstance(self.metric, Scalar) else None

    @property
    def many(self) -> Distribution | None:
        """The numbers of a metric with many."""
        return self.metric if isinstance(self.metric, Distribution) else None

    @cached_property
    def interval(self) -> tuple[float | None, float | None]:
        """The same interval as everywhere else."""
        known = estimate(self.load, self.name)
        return (known.low, known.high) if isinstance(known, Estimate) else (None, None)


class RequestItem(NamedTuple):
    """One request of a run, and its load."""

    run_id: str
    load: str | None
    request: RequestRecord


class SampleItem(NamedTuple):
    """One sample of a run."""

    run_id: str
    sample: Sample


class CardItem(NamedTuple):
    """One GPU in one sample of a run."""

    run_id: str
    sample: Sample
    reading: CardReading


class ImportedItem(NamedTuple):
    """One metric of one load of an import."""

    about: Imported
    load: ImportedPoint
    name: str
    metric: ImportedMetric


def _runs(runs: Runs) -> Iterator[Opened]:
    return iter(runs.opened)


def _metrics(runs: Runs) -> Iterator[MetricItem]:
    for one in runs.opened:
        try:
            points = one.points() if one.summary is not None else []
        except RunFolderError as error:
            runs.notes.append(str(error))
            continue
        for point in points:
            yield from (MetricItem(one.run.run_id, point, name) for name in point.metrics)


def _requests(runs: Runs) -> Iterator[RequestItem]:
    for one in runs.opened:
        try:
            yield from (RequestItem(one.run.run_id, load, request) for load, request in one.requests())
        except RunFolderError as error:
            runs.notes.append(f"The rest of these requests is left out: {error}")


def _samples(runs: Runs) -> Iterator[SampleItem]:
    for one in runs.opened:
        try:
            yield from (SampleItem(one.run.run_id, sample) for sample in RunFolder(one.folder).read_samples())
        except RunFolderError as error:
            runs.notes.append(f"These samples are left out: {error}")


def _cards(runs: Runs) -> Iterator[CardItem]:
    return (CardItem(run_id, sample, card) for run_id, sample in _samples(runs) for card in sample.cards)


def _imported(runs: Runs) -> Iterator[ImportedItem]:
    for one in runs.imported:
        for point in one.points:
            yield from (ImportedItem(one, point, name, metric) for name, metric in point.metrics.items())


def _at(path: str, sql_type: str, meaning: str, name: str | None = None) -> Column[Any]:
    """A column that reads an attribute, however deep; its name is the attribute's unless given."""
    return Column(name or path.rpartition(".")[2], sql_type, meaning, attrgetter(path))


def _quantile(name: str) -> Callable[[MetricItem], float | None]:
    return lambda item: item.many.quantiles.get(name) if item.many else None


def _imported_quantile(name: str) -> Callable[[ImportedItem], float | None]:
    return lambda item: item.metric.quantiles.get(name)


def _of_request(spec: PerRequest) -> Callable[[RequestItem], float | None]:
    """A metric with one value per request, by its declaration."""

    def value(item: RequestItem) -> float | None:
        return next(iter(spec.values(item.request)), None) if item.request.outcome is Outcome.OK else None

    return value


_PERCENTILE = "{} of many values."

_FLEET = (  # of the plan for several hosts that asked for the run, else null
    ("fleet", "VARCHAR", "Id of the plan that asked for it, where one for several hosts did."),
    ("plan_sha256", "VARCHAR", "Digest of that plan."),
    ("host", "VARCHAR", "What that plan calls the host."),
    ("transport", "VARCHAR", "How the host was reached: local, ssh, ray."),
    ("cell", "VARCHAR", "What that plan calls the measurement."),
    ("order", "BIGINT", "Its place among those of its host, as planned."),
    ("round", "BIGINT", "Round of measuring all of them."),
    ("collected_utc", "TIMESTAMP", "When it was collected from its host."),
)


def _of_fleet(name: str, sql_type: str, meaning: str) -> Column[Opened]:
    """A column of what the plan says, named so that it does not meet another column."""
    called = name if name in {"fleet", "plan_sha256", "transport", "cell", "collected_utc"} else f"fleet_{name}"
    return Column(called, sql_type, meaning, lambda one: getattr(one.run.fleet, name) if one.run.fleet else None)


RUNS: Table[Opened] = Table(
    "runs",
    "One row per run.",
    _runs,
    (
        _at("run.run_id", "VARCHAR", "Name of the run."),
        Column("folder", "VARCHAR", "Where it is.", lambda one: str(one.folder)),
        _at("run.started_utc", "TIMESTAMP", "Start."),
        _at("run.ended_utc", "TIMESTAMP", "End."),
        _at("run.status", "VARCHAR", "complete, interrupted, failed or running."),
        _at("verdict", "VARCHAR", "VALID, VALID with warnings or INVALID; null without a summary."),
        *(_of_fleet(*about) for about in _FLEET),
        _at("run.host.name", "VARCHAR", "Name of the machine.", "host"),
        _at("run.host.machine", "VARCHAR", "x86_64 or aarch64."),
        Column(
            "cpu",
            "VARCHAR",
            "CPU generation, or model.",
            lambda one: one.run.host.cpu.generation or one.run.host.cpu.model_name,
        ),
        _at("run.host.cpu.usable_cpus", "BIGINT", "CPUs that could be used."),
        _at("run.host.cloud.provider", "VARCHAR", "aws, gcp or azure."),
        _at("run.host.cloud.instance_type", "VARCHAR", "Such as c7g.4xlarge."),
        _at("run.host.cloud.region", "VARCHAR", "Such as us-east-1."),
        _at("run.engine.name", "VARCHAR", "Model server.", "engine"),
        _at("run.engine.version", "VARCHAR", "Its version.", "engine_version"),
        _at("run.engine.threads", "BIGINT", "Its threads."),
        _at("run.engine.slots", "BIGINT", "Requests that it serves at a time."),
        _at("run.model.name", "VARCHAR", "Name of the model.", "model"),
        _at("run.model.source", "VARCHAR", "Path, hf:REPO/FILE, synthetic:SHAPE/QUANT or URL.", "model_source"),
        _at("run.model.sha256", "VARCHAR", "Hash of its file.", "model_sha256"),
        _at("run.model.is_synthetic", "BOOLEAN", "Random weights: speed only."),
        _at("run.model.parameters", "BIGINT", "Number of weights."),
        _at("run.model.quantisation", "VARCHAR", "Such as Q8_0."),
        _at("run.workload.id", "VARCHAR", "Id of the workload.", "workload"),
        _at("run.workload.version", "BIGINT", "Its version.", "workload_version"),
        Column(
            "requests_ok",
            "BIGINT",
            "Measured requests that finished.",
            lambda one: one.summary.requests_ok if one.summary else None,
        ),
        Column(
            "requests_failed",
            "BIGINT",
            "Measured requests that did not.",
            lambda one: one.summary.requests_failed if one.summary else None,
        ),
        Column(
            "price_per_hour",
            "DOUBLE",
            "What an hour of the machine costs.",
            lambda one: one.run.cost.price.per_hour if one.run.cost.price else None,
        ),
        Column(
            "currency", "VARCHAR", "ISO 4217.", lambda one: one.run.cost.price.currency if one.run.cost.price else None
        ),
        Column(
            "price_kind",
            "VARCHAR",
            "on-demand, spot, reserved or owned.",
            lambda one: one.run.cost.price.kind if one.run.cost.price else None,
        ),
        _at("run.seed", "BIGINT", "Of prompts and arrivals."),
        _at("run.tool_version", "VARCHAR", "Version of Aforo."),
    ),
)
METRIC_ROWS: Table[MetricItem] = Table(
    "metrics",
    "One row per run, load and metric; see 'aforo metrics' for what each means.",
    _metrics,
    (
        _at("run_id", "VARCHAR", "Name of the run."),
        Column("point", "VARCHAR", "Name of the load, such as c8 or r2.5.", lambda item: item.load.point.name or None),
        _at("load.point.concurrency", "BIGINT", "Requests in flight, of a load with a fixed number."),
        _at("load.point.rate_rps", "DOUBLE", "Mean arrivals per second, of a load with a rate."),
        _at("load.point.depth_tokens", "BIGINT", "Context before each prompt, in a sweep over depths."),
        _at("load.point.shots", "BIGINT", "Worked examples before each prompt."),
        Column(
            "verdict", "VARCHAR", "Of this load.", lambda item: item.load.verdict.level if item.load.verdict else None
        ),
        _at("name", "VARCHAR", "Id, such as ttft_ms.", "metric"),
        _at("metric.unit", "VARCHAR", "Unit of all numbers of the row."),
        _at("value", "DOUBLE", "Of a metric with one value; null where only an interval is known."),
        Column("mean", "DOUBLE", "Of a metric with many values.", lambda item: item.many.mean if item.many else None),
        *(Column(name, "DOUBLE", _PERCENTILE.format(name), _quantile(name)) for name in QUANTILES),
        Column("min", "DOUBLE", "Least of many values.", lambda item: item.many.min if item.many else None),
        Column("max", "DOUBLE", "Greatest of many values.", lambda item: item.many.max if item.many else None),
        Column("n", "BIGINT", "Number of values.", lambda item: item.many.n if item.many else None),
        Column(
            "low",
            "DOUBLE",
            "Lower end of the 95 % confidence interval of value or mean, where one is known.",
            lambda item: item.interval[0],
        ),
        Column("high", "DOUBLE", "Upper end.", lambda item: item.interval[1]),
        Column(
            "indicative",
            "VARCHAR[]",
            "Percentiles with too few values behind them.",
            lambda item: item.many.indicative if item.many else [],
        ),
        Column("reason", "VARCHAR", "Why there is no value.", lambda item: getattr(item.metric, "reason", None)),
        Column("note", "VARCHAR", "How far the number goes.", lambda item: getattr(item.metric, "note", None)),
    ),
)
REQUESTS: Table[RequestItem] = Table(
    "requests",
    "One row per request, warm-up and cool-down included (is_measured = false).",
    _requests,
    (
        _at("run_id", "VARCHAR", "Name of the run."),
        _at("load", "VARCHAR", "Name of the load, such as c8 or r2.5.", "point"),
        _at("request.index", "BIGINT", "Position in the run."),
        _at("request.phase", "VARCHAR", "Such as warmup, repeat-1 or cooldown."),
        Column(
            "is_measured", "BOOLEAN", "Whether it enters the metrics.", lambda item: is_measured(item.request.phase)
        ),
        _at("request.outcome", "VARCHAR", "ok, or how it failed."),
        _at("request.detail", "VARCHAR", "A sentence where it failed."),
        _at("request.http_status", "BIGINT", "HTTP status."),
        _at("request.scheduled_ns", "BIGINT", "When it was due, CLOCK_MONOTONIC."),
        _at("request.sent_ns", "BIGINT", "When it was sent."),
        _at("request.finished_ns", "BIGINT", "When its outcome was known."),
        Column("prompt_tokens", "BIGINT", "Length of the prompt.", lambda item: prompt_tokens(item.request)),
        Column("output_tokens", "BIGINT", "Tokens made.", lambda item: output_tokens(item.request)),
        _at("request.finish_reason", "VARCHAR", "As the server says."),
        *(
            Column(spec.id, "DOUBLE", spec.formula, _of_request(spec))
            for spec in METRICS.values()
            if isinstance(spec, PerRequest)
        ),
    ),
)
SAMPLES: Table[SampleItem] = Table(
    "samples",
    "Utilisation, twice a second.",
    _samples,
    (
        _at("run_id", "VARCHAR", "Name of the run."),
        _at("sample.t_ns", "BIGINT", "When, CLOCK_MONOTONIC."),
        _at("sample.server_cpu_cores", "DOUBLE", "Cores that the server keeps busy."),
        _at("sample.server_rss_bytes", "BIGINT", "Memory of the server."),
        _at("sample.host_cpu_ratio", "DOUBLE", "Share of all cores busy."),
        _at("sample.host_steal_ratio", "DOUBLE", "Share taken by the hypervisor."),
        _at("sample.client_cpu_cores", "DOUBLE", "Cores that the load driver keeps busy."),
        _at("sample.cpu_frequency_mhz", "DOUBLE", "Mean of a few CPUs."),
        _at("sample.throttle_events", "BIGINT", "Slowed by heat or power, since the host started."),
        _at("sample.tcp_retransmissions", "BIGINT", "Segments sent again, since the host started."),
        _at(
            "sample.tcp_needless_retransmissions",
            "BIGINT",
            "Of these, the ones sent without a loss of data, likewise.",
        ),
        Column(
            "energy_j",
            "MAP(VARCHAR, DOUBLE)",
            "By channel of a meter, since it was opened.",
            lambda item: {reading.channel: reading.energy_j for reading in item.sample.energy},
        ),
    ),
)
CARDS: Table[CardItem] = Table(
    "cards",
    "GPUs in use, twice a second; null is what a driver does not tell.",
    _cards,
    (
        _at("run_id", "VARCHAR", "Name of the run."),
        _at("sample.t_ns", "BIGINT", "When, CLOCK_MONOTONIC."),
        _at("reading.card", "VARCHAR", "Which one, such as nvml:0."),
        _at("reading.busy_ratio", "DOUBLE", "Share of the time in which it computed something."),
        _at("reading.memory_used_bytes", "BIGINT", "Memory in use by all processes and the driver."),
        _at("reading.memory_total_bytes", "BIGINT", "Memory that it has."),
        _at("reading.temperature_c", "DOUBLE", "Temperature, °C."),
        _at("reading.sm_clock_mhz", "DOUBLE", "Clock of its multiprocessors."),
        _at("reading.memory_clock_mhz", "DOUBLE", "Clock of its memory."),
        _at("reading.power_w", "DOUBLE", "Power of the moment."),
        _at("reading.slowed_by", "MAP(VARCHAR, VARCHAR)", "What held its clocks down: heat, power or other, by name."),
        _at("reading.other_processes", "BIGINT", "Processes beside the server's that may compute on it."),
    ),
)
IMPORTED: Table[ImportedItem] = Table(
    "imported",
    "Results of other tools ('aforo import'): nobody has checked how they were measured. One row per test and metric.",
    _imported,
    (
        _at("about.import_id", "VARCHAR", "Name of the folder."),
        _at("about.tool", "VARCHAR", "What made the file."),
        _at("about.tool_version", "VARCHAR", "Its version, where the file tells."),
        _at("about.measured_utc", "VARCHAR", "When, as the file says."),
        _at("about.model", "VARCHAR", "As the file says."),
        _at("about.engine", "VARCHAR", "As the file says."),
        _at("about.host", "VARCHAR", "As the file says."),
        _at("load.name", "VARCHAR", "Load or test.", "point"),
        _at("load.concurrency", "BIGINT", "Requests in flight, of a load with a fixed number."),
        _at("load.rate_rps", "DOUBLE", "Mean arrivals per second, of a load with a rate."),
        _at("name", "VARCHAR", "The id of ours that it is nearest to.", "metric"),
        _at("metric.unit", "VARCHAR", "Unit of all numbers of the row."),
        _at("metric.value", "DOUBLE", "The value, or the mean of many."),
        *(Column(name, "DOUBLE", _PERCENTILE.format(name), _imported_quantile(name)) for name in QUANTILES),
        _at("metric.n", "BIGINT", "Number of values, where the file tells."),
        _at("metric.reason", "VARCHAR", "Why there is no value."),
        _at("metric.called", "VARCHAR", "What the file calls it."),
    ),
)
TABLES: Mapping[str, Table[Any]] = {
    table.name: table for table in (RUNS, METRIC_ROWS, REQUESTS, SAMPLES, CARDS, IMPORTED)
}


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
