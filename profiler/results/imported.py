"""`imported.json`: the result of another tool, kept apart from runs because nobody has checked how it was measured.

A folder with it has no `run.json`, so that nothing which reads runs can take it for one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from profiler.errors import RunFolderError
from profiler.files import parse_json, read_bytes
from profiler.results.format_version import require_readable

IMPORTED_FILE = "imported.json"
NO_TRUST = "imported: no trust block"
IMPORT_FORMAT_VERSION = 1

SourceTool = Literal[
    "vllm bench",
    "guidellm",
    "aiperf",
    "llama-bench",
    "llama-benchy",
    "inference-perf",
    "genai-bench",
    "sglang bench",
    "llm-d benchmark",
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ImportedMetric(_Part):
    """What a file says of one metric; `value` is None with a `reason` where it says nothing."""

    unit: str
    value: float | None = Field(description="The value, or the mean where there are many.")
    quantiles: dict[str, float] = Field(default={}, description="p50, p90, p95, p99: those that the file has.")
    n: int | None = Field(default=None, description="Number of values behind a mean, where the file tells.")
    reason: str | None = None
    called: str | None = Field(default=None, description="What the file calls it.")


class ImportedPoint(_Part):
    """One load, or one test, that the file has results of."""

    name: str
    concurrency: int | None = None
    rate_rps: float | None = None
    requests_ok: int | None = None
    requests_failed: int | None = None
    duration_s: float | None = None
    metrics: dict[str, ImportedMetric]


class Imported(_Part):
    """The whole of `imported.json`."""

    format_version: int = IMPORT_FORMAT_VERSION
    import_id: str
    imported_utc: str
    verdict: None = Field(default=None, description=NO_TRUST)
    tool: SourceTool
    tool_version: str | None = Field(description="Of the other tool, where its file tells.")
    file: str = Field(description="Name of the file, which is kept beside this one.")
    sha256: str
    measured_utc: str | None = Field(default=None, description="ISO 8601; local time where the file gives no zone.")
    model: str | None = None
    engine: str | None = None
    host: str | None = None
    points: list[ImportedPoint] = Field(min_length=1)
    notes: list[str] = Field(default=[], description="Where its numbers mean something else than ours.")


def read_imported(folder: Path) -> Imported:
    """Read `imported.json`. Raises `FileNotFoundError` where there is none, `RunFolderError`."""
    path = folder / IMPORTED_FILE
    try:
        document = parse_json(read_bytes(path))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise RunFolderError(f"{path} is damaged: {error}.") from error
    if isinstance(document, Mapping):
        require_readable(path, document.get("format_version"), IMPORT_FORMAT_VERSION)
    try:
        return Imported.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RunFolderError(f"{path}: {key}: {first['msg']}. The file is damaged.") from error
