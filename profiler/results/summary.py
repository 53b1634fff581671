"""`summary.json`: every metric of one run, recomputed from its other files by pure code."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from profiler.results.manifest import Status


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Distribution(_Part):
    """A metric with one value per request (or per gap). Quantiles interpolate linearly."""

    kind: Literal["distribution"] = "distribution"
    unit: str
    n: int
    mean: float
    min: float
    max: float
    quantiles: dict[str, float] = Field(description="p50, p90, p95, p99")
    indicative: list[str] = Field(
        default=[], description="Quantiles with fewer samples than a claim at 0.99 confidence needs."
    )
    per_repeat_mean: list[float] = []


class Scalar(_Part):
    """A metric with one value for the run; `value` is None with a `reason` where it was not measured."""

    kind: Literal["scalar"] = "scalar"
    unit: str
    value: float | None
    reason: str | None = None
    per_repeat: list[float] = []


class NotMeasured(_Part):
    """A distribution that has no value, and why."""

    kind: Literal["not-measured"] = "not-measured"
    unit: str
    reason: str


Metric = Distribution | Scalar | NotMeasured


class Summary(_Part):
    """The whole of `summary.json`."""

    format_version: int
    run_id: str
    status: Status
    status_reason: str | None
    workload: str = Field(description="ID@VERSION")
    requests_ok: int
    requests_failed: int
    outcomes: dict[str, int] = Field(description="Measured requests by outcome.")
    metrics: dict[str, Metric]
    warnings: list[str]
