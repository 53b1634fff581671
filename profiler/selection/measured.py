"""`measured.json`: every measured number of every candidate at every load, for selection tools of others.

The JSON Schema is exported from these classes. Within a version keys are only added; a key that changes its meaning, or
goes, takes a new `format_version`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from profiler.errors import UsageError
from profiler.files import parse_json, read_bytes
from profiler.metrics.registry import Basis, Better, Group
from profiler.models.licences import LicenceClass
from profiler.results.energy_facts import MeterClass
from profiler.results.format_version import require_readable
from profiler.results.summary import Level
from profiler.selection.facts import SizeClass

FORMAT_VERSION = 1
SCHEMA_ID = f"urn:aforo:measured-scores:{FORMAT_VERSION}"
_LARGEST_BYTES = 256 * 1024 * 1024

Covers = Literal["between runs", "within the run", "exact", "open", "none"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, protected_namespaces=())


class Number(_Part):
    """One number with its 95 % interval.

    `value` is null where only an interval is known, as for energy by a model: it must not be ranked by its middle.
    `low` and `high` are null where no interval is known.
    """

    unit: str = Field(description="Money names its currency, such as USD/1M tokens.")
    better: Better = Field(description="Which direction is better.")
    group: Group
    value: float | None
    low: float | None = None
    high: float | None = None
    interval: Covers = Field(
        description="What the interval covers. between runs: how much runs of this setting differ. within the run: how "
        "sure the only run is of itself. exact: there is no doubt. open: what a meter or a model leaves open, no "
        "matter of chance. none: it has none."
    )
    freedom: float | None = Field(default=None, description="Degrees of freedom of the interval, Student's t.")
    rests_on: list[Basis] = Field(
        default=[], description="What besides the server's speed enters it: energy, price, grid, embodied carbon."
    )
    meter_class: MeterClass | None = Field(
        default=None, description="Of numbers that rest on energy: how it was metered. Classes must not be mixed."
    )
    meter_scope: str | None = Field(default=None, description="What the meter sees: CPU packages, GPU boards …")
    provenance: str = Field(description="Where the number comes from, in words.")
    note: str | None = Field(default=None, description="Why it has no interval, where that is known.")


class MeasuredModel(_Part):
    """The model, and what is known of it."""

    name: str
    quantisation: str | None
    sha256: str | None
    is_synthetic: bool = Field(description="Random weights: of its numbers only speed, energy and price mean anything.")
    parameters: int | None
    size_class: SizeClass | None
    architecture: str | None
    context_tokens: int | None
    licence: str | None
    licence_class: LicenceClass
    languages: list[str]
    training: str | None
    fine_tuning: list[str]
    facts_from: dict[str, str] = Field(description="Who says each fact: a file of the model, or facts.yaml.")


class MeasuredHost(_Part):
    """The machine that served."""

    name: str
    architecture: str | None
    processor: str | None
    logical_cpus: int | None
    memory_bytes: int | None
    gpus: list[str]
    provider: str | None
    instance_type: str | None
    region: str | None


class MeasuredEngine(_Part):
    """The model server."""

    name: str
    version: str | None
    settings: dict[str, Any] = Field(description="By title; null: the engine's default.")


class MeasuredPrice(_Part):
    """What an hour of the machine costs."""

    per_hour: float
    currency: str
    kind: str
    source: str
    date: str | None


class MeasuredTokenPrice(_Part):
    """What the endpoint charges for a million tokens."""

    input_per_1m: float
    output_per_1m: float
    cached_input_per_1m: float | None = Field(description="null: as any other input.")
    currency: str
    source: str
    date: str | None


class MeasuredLoad(_Part):
    """What was put on the server."""

    name: str = Field(description="c8, r2.5 or replay.")
    amount: float = Field(description="Requests in flight, or requests/s; 0 of a replay.")
    unit: str


class MeasuredVerdict(_Part):
    """May the numbers be believed? The worst of the runs behind them."""

    level: Level | None = Field(description="null: not judged.")
    rules: list[str] = Field(default=[], description="Rules that a run did not keep.")


class Measured(_Part):
    """One load of one candidate: a model on a host, served by an engine, under a workload."""

    candidate: str = Field(description="Name of the candidate within this file; its loads share it.")
    label: str
    model: MeasuredModel
    host: MeasuredHost
    engine: MeasuredEngine
    workload: str = Field(description="ID@VERSION. Numbers of different workloads are not comparable.")
    load: MeasuredLoad
    price: MeasuredPrice | None
    token_price: MeasuredTokenPrice | None = Field(
        default=None, description="Of an endpoint that charges by the token."
    )
    runs: list[str] = Field(description="Ids of the runs behind the numbers: repeats of each other.")
    verdict: MeasuredVerdict
    metrics: dict[str, Number] = Field(
        description="By metric, with the quantile of a distribution: ttft_ms.p95, ttft_ms.mean, output_tokens_per_s."
    )
    not_measured: dict[str, str] = Field(description="Metrics without a number, and why.")


class MeasuredFile(_Part):
    """The whole file."""

    format: Literal["aforo-measured-scores"] = "aforo-measured-scores"
    format_version: Literal[1] = 1
    made_by: str = Field(description="Aforo and its version.")
    measured: list[Measured]


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the file as it is written; to be read, not changed."""
    document = MeasuredFile.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **document,
        "title": "Aforo measured scores",
    }


def json_schema_text() -> str:
    """Return the JSON Schema as the text of `reports/measured.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def as_text(file: MeasuredFile) -> str:
    """Return the text of a file; every number as it is, unrounded."""
    return file.model_dump_json(indent=2) + "\n"


def read_measured(path: Path) -> MeasuredFile:
    """Read a file of measured scores. Raises `UsageError`."""
    try:
        document = parse_json(read_bytes(path, _LARGEST_BYTES))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict) or document.get("format") != "aforo-measured-scores":
        raise UsageError(f"{path} holds no measured scores. Expected what 'aforo export-scores' writes.")
    require_readable(path, document.get("format_version"), FORMAT_VERSION)
    try:
        return MeasuredFile.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: {key}: {first['msg']}. The file is damaged; write it anew.") from error
