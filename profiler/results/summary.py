"""`summary.json`: every metric of one run, recomputed from its other files by pure code."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, WrapSerializer

from profiler.results.manifest import MeterClass, Point, Status
from profiler.results.metric_names import in_both_names, in_new_names


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


Interval = tuple[float, float]


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
    mean_half_width: float | None = Field(
        default=None, description="Half-width of the mean's 95 % interval, by batch means; None below 20 values."
    )
    per_repeat_mean: list[float] = []
    quantile_intervals: dict[str, Interval] = Field(
        default={},
        description="95 % intervals of the quantiles: over repeats by Student's t, or by order statistics in a single "
        "repeat; without those for which there are too few values.",
    )
    approximation: str | None = Field(
        default=None,
        description="How quantiles were computed where there are too many values to keep; n, mean, min "
        "and max are exact all the same.",
    )


class Scalar(_Part):
    """A metric with one value for the run; `value` is None with a `reason` where it was not measured.

    A number known only as an interval (energy by a model, say) has `low` and `high` and no `value`: it cannot be
    ranked. With a `value` they are the least and the most that its meter leaves open, and lie within `interval`.
    """

    kind: Literal["scalar"] = "scalar"
    unit: str
    value: float | None
    reason: str | None = None
    per_repeat: list[float] = []
    interval: Interval | None = Field(
        default=None,
        description="95 % interval of `value` by Student's t: over repeats, or of rates, energy and cost over ten "
        "slices of the steady window of a single repeat, or over five where there are few requests.",
    )
    interval_freedom: float | None = Field(
        default=None, description="Degrees of freedom that `interval` rests on; older summaries: 9, or repeats − 1."
    )
    no_interval: str | None = Field(default=None, description="Why a value has no interval, where that is known.")
    low: float | None = None
    high: float | None = None
    note: str | None = Field(default=None, description="How far the number goes: class, scope, a window too short.")


class NotMeasured(_Part):
    """A distribution that has no value, and why."""

    kind: Literal["not-measured"] = "not-measured"
    unit: str
    reason: str


Metric = Distribution | Scalar | NotMeasured


def _in_both_names(metrics: dict[str, Metric], write: SerializerFunctionWrapHandler) -> dict[str, Any]:
    written: dict[str, Any] = write(in_both_names(metrics))
    return written


Metrics = Annotated[dict[str, Metric], AfterValidator(in_new_names), WrapSerializer(_in_both_names)]
"""By id; those of earlier versions are read, and written beside the new ones."""


Level = Literal["VALID", "VALID with warnings", "INVALID"]


class Failure(_Part):
    """Failed requests of one kind."""

    outcome: str = Field(description="As in requests.jsonl.")
    http_status: int | None = Field(default=None, description="Of those with outcome http_error.")
    count: int
    text: str = Field(description="What the server or the network stack reported, as one line; may be empty.")


class Finding(_Part):
    """A rule that a run did not keep."""

    rule: str
    level: Level
    seen: float | None = Field(description="In the unit of the metric; None where the rule is not about a number.")
    limit: float | None
    unit: str
    sentence: str = Field(description="What was seen and what the limit is.")
    why: str
    remedy: str
    is_limit_set: bool = Field(default=False, description="Whether the limit was set by --limit.")


class Unchecked(_Part):
    """A rule that could not be applied, and why."""

    rule: str
    reason: str


class Verdict(_Part):
    """May this run be believed?"""

    level: Level
    findings: list[Finding] = []
    unchecked: list[Unchecked] = []
    limits: dict[str, float] = Field(default={}, description="Limits of rules that were set for this run by --limit.")


class EnergyAccount(_Part):
    """What one class of meters saw in one scope over the steady windows. Accounts are never summed."""

    meter_class: MeterClass
    scope: str
    gross_j: Interval | None = Field(description="Least and most; the same where a meter leaves nothing open.")
    idle_j: Interval | None = Field(description="What the idle machine would have used in the same time.")
    net_j: Interval | None = Field(description="Gross − idle.")
    coverage_ratio: float = Field(description="Part of the steady windows that readings cover.")
    provenance: str
    parts: dict[str, Interval] = Field(description="Gross, by channel of the meter or by estimate.")
    notes: list[str] = []
    too_short_for_claims: bool = Field(
        default=False, description="Whether the steady windows are shorter than its meters take for a claim."
    )


class LanguageSummary(_Part):
    """What requests in one language took, in the steady windows."""

    language: str = Field(description="As the data file calls it.")
    requests: int
    tokens_per_word: float | None = Field(description="Prompt; null: no spaces between words, or no tokens known.")
    tokens_per_character: float | None = Field(
        description="Prompt, without what a chat template adds where a tokenizer could be asked, else with it."
    )
    characters: int = Field(description="Of prompts and responses.")
    ttft_p50_ms: float | None
    cost_per_1k_characters: float | None = Field(default=None, description="Its share of the time × the price.")
    currency: str | None = None
    energy_j_per_1k_characters: Interval | None = Field(
        default=None, description="Its share of the time × the energy; least and most."
    )


class PointSummary(_Part):
    """What was measured at one point of a sweep or a search."""

    point: Point
    requests_ok: int
    requests_failed: int
    outcomes: dict[str, int] = Field(description="Measured requests by outcome.")
    failures: list[Failure] = Field(default=[], description="Kinds of failures, the commonest first; at most five.")
    metrics: Metrics
    energy: list[EnergyAccount] = Field(default=[], description="The most trustworthy first.")
    languages: list[LanguageSummary] = Field(default=[], description="By name; empty where rows tell none.")
    verdict: Verdict | None = None


class Conclusion(_Part):
    """What a sweep or a search ended in."""

    kind: Literal["knee", "slo-limit", "tuned"]
    metric: str = Field(description="What the point was chosen by.")
    unit: str = Field(description="Of `low` and `high`: in flight (requests), or requests/s.")
    point: str | None = Field(description="Name of the point; None where no measured point qualifies.")
    low: float | None = Field(default=None, description="Highest load that was seen to qualify.")
    high: float | None = Field(default=None, description="Lowest load that was seen not to.")
    settings: dict[str, str] = Field(default={}, description="Of the server, where these were searched.")
    is_found: bool | None = Field(
        default=None,
        description="Where settings were searched: whether they are surely the best; else it cannot be told.",
    )
    sentence: str


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
    failures: list[Failure] = Field(default=[], description="Kinds of failures, the commonest first; at most five.")
    metrics: Metrics = Field(description="Of the only point, or of the one named by `headline`.")
    energy: list[EnergyAccount] = Field(default=[], description="The most trustworthy first.")
    languages: list[LanguageSummary] = Field(default=[], description="By name; empty where rows tell none.")
    verdict: Verdict | None = None
    points: list[PointSummary] = Field(default=[], description="Of a sweep or a search; empty for a plain run.")
    headline: str | None = Field(default=None, description="Name of the point that `metrics` stands for.")
    conclusion: Conclusion | None = None
    capacity: str | None = Field(
        default=None,
        description="How many users the server serves and how fast, in one sentence; older summaries: null.",
    )
    warnings: list[str]
