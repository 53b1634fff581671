"""What a list needs of `run.json` and `summary.json`, decoded without the rest: ten thousand in seconds.

The whole of both is `Manifest` and `Summary`; what is decoded here is never written.
"""

import os
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from profiler.errors import RunFolderError
from profiler.files import open_regular
from profiler.results.format_version import require_readable
from profiler.results.manifest import FORMAT_VERSION

RUN_FILE = "run.json"
SUMMARY_FILE = "summary.json"
_CHUNK_BYTES = 256 * 1024


class ModelHead(msgspec.Struct, kw_only=True):
    """Of the model."""

    name: str
    source: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    is_synthetic: bool | None = None
    architecture: str | None = None
    parameters: int | None = None
    quantisation: str | None = None


class EngineHead(msgspec.Struct, kw_only=True):
    """Of the engine."""

    name: str
    version: str | None = None
    url: str = ""
    is_remote: bool = False
    is_elsewhere: bool = False  # the same, as earlier versions wrote it
    threads: int | None = None
    slots: int | None = None

    def __post_init__(self) -> None:
        """Take either name."""
        self.is_remote = self.is_remote or self.is_elsewhere


class WorkloadHead(msgspec.Struct, kw_only=True):
    """Of the workload."""

    id: str | None = None
    version: int | None = None


class CpuHead(msgspec.Struct, kw_only=True):
    """Of the host's processor."""

    model_name: str | None = None
    generation: str | None = None
    usable_cpus: int | None = None


class CloudHead(msgspec.Struct, kw_only=True):
    """Of the host's place in a cloud."""

    provider: str | None = None
    instance_type: str | None = None
    region: str | None = None


class HostHead(msgspec.Struct, kw_only=True):
    """Of the host; facts that have another shape are left out."""

    name: str | None = None
    machine: str | None = None
    cpu: CpuHead = msgspec.field(default_factory=CpuHead)
    cloud: CloudHead = msgspec.field(default_factory=CloudHead)


class PriceHead(msgspec.Struct, kw_only=True):
    """What an hour of the host costs."""

    per_hour: float
    currency: str
    kind: str | None = None


class CostHead(msgspec.Struct, kw_only=True):
    """Of price and carbon."""

    price: PriceHead | None = None


class FleetHead(msgspec.Struct, kw_only=True):
    """Of the plan for several hosts that asked for it."""

    fleet: str | None = None
    plan_sha256: str | None = None
    host: str | None = None
    transport: str | None = None
    cell: str | None = None
    order: int | None = None
    round: int | None = None
    collected_utc: str | None = None


class PhaseHead(msgspec.Struct, kw_only=True):
    """A stretch of the run."""

    name: str
    point: str | None = None
    start_ns: int
    end_ns: int | None = None


class PointName(msgspec.Struct, kw_only=True):
    """A load that the run put on the server."""

    name: str | None = None
    concurrency: int | None = None
    rate_rps: float | None = None


class RunHead(msgspec.Struct, kw_only=True):
    """Of the manifest."""

    format_version: Any = None
    tool_version: str | None = None
    run_id: str
    status: str
    status_reason: str | None = None
    started_utc: str
    ended_utc: str | None = None
    seed: int | None = None
    model: ModelHead
    engine: EngineHead
    workload: WorkloadHead
    host_facts: msgspec.Raw = msgspec.field(name="host", default=msgspec.Raw(b"{}"))
    cost: CostHead = msgspec.field(default_factory=CostHead)
    fleet: FleetHead | None = None
    points: list[PointName] = []
    phases: list[PhaseHead] = []

    @property
    def only_point(self) -> PointName:
        """The load of a plain run, as far as it is named; of several, none."""
        return self.points[0] if len(self.points) == 1 else PointName()

    @property
    def host(self) -> HostHead:
        """The facts about the machine that served, as far as known and of the shape of this version."""
        if self.engine.is_remote:
            return HostHead(name=urlsplit(self.engine.url).hostname)
        try:
            return msgspec.json.decode(self.host_facts, type=HostHead)
        except msgspec.MsgspecError:
            return HostHead()

    @property
    def workload_name(self) -> str:
        """ID@VERSION, as the summary has it."""
        return f"{self.workload.id}@{self.workload.version}"


class MetricHead(msgspec.Struct, kw_only=True):
    """Of a metric: `value` of one with a single value, `quantiles` of one with many."""

    value: float | None = None
    interval: tuple[float, float] | None = None
    unit: str | None = None
    quantiles: dict[str, float] = {}
    quantile_intervals: dict[str, tuple[float, float]] = {}


class VerdictHead(msgspec.Struct, kw_only=True):
    """Of the verdict."""

    level: str


class SummaryHead(msgspec.Struct, kw_only=True):
    """Of the summary."""

    format_version: Any = None
    requests_ok: int
    requests_failed: int
    metrics: dict[str, MetricHead] = {}
    verdict: VerdictHead | None = None


_Document = TypeVar("_Document", RunHead, SummaryHead)
_RUN = msgspec.json.Decoder(RunHead)
_SUMMARY = msgspec.json.Decoder(SummaryHead)


def read_run(folder: Path) -> RunHead:
    """Read `run.json`. Raises `FileNotFoundError` where there is none, `RunFolderError`."""
    return _decode(f"{folder}/{RUN_FILE}", _RUN)


def read_summary(folder: Path) -> SummaryHead:
    """Read the numbers of `summary.json`. Raises `FileNotFoundError` where there is none, `RunFolderError`."""
    return _decode(f"{folder}/{SUMMARY_FILE}", _SUMMARY)


def _read(path: str) -> bytes:
    """Read a file with a few system calls where it is small: ten thousand times that counts."""
    handle = open_regular(path)
    try:
        parts = [os.read(handle, _CHUNK_BYTES)]
        while len(parts[-1]) == _CHUNK_BYTES:
            parts.append(os.read(handle, _CHUNK_BYTES))
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        os.close(handle)


def _decode(path: str, decoder: "msgspec.json.Decoder[_Document]") -> _Document:
    try:
        document = decoder.decode(_read(path))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RunFolderError(f"{path} is damaged: {error}.") from error
    require_readable(path, document.format_version, FORMAT_VERSION)
    return document
