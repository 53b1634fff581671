"""Claims as YAML files: what one may say, and loading one by its id or its path."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from profiler.content import content
from profiler.definitions.kind import Kind
from profiler.definitions.mistakes import Mistake
from profiler.errors import ClaimError, UsageError
from profiler.metrics.catalogue import METRICS
from profiler.summaries.estimates import parse_metric

Text = Annotated[str, Field(min_length=1)]
Likeness = Literal["vcpus", "memory"]


_EITHER = (
    "Expected either direction, size_percent and baseline (so much less or more than another), or at_most or at_least "
    "(a limit in the metric's unit)."
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Side(_Strict):
    """Which runs are meant: those that are all that is given here. `*` in a pattern stands for anything."""

    name: Text = Field(description="What the claim calls it.")
    architecture: Literal["arm64", "x86_64"] | None = Field(default=None, description="Instruction set of the host.")
    processor: Text | None = Field(
        default=None, description="Pattern of its CPU's generation or model, such as '*Graviton3*'."
    )
    instance_type: Text | None = Field(default=None, description="Pattern of its instance type, such as 'c7g.*'.")
    host: Text | None = Field(default=None, description="Pattern of the host's name.")
    engine: Text | None = Field(default=None, description="Pattern of the engine's name, such as 'llama-server'.")
    quantisation: Text | None = Field(default=None, description="Pattern of the model's quantisation.")

    @property
    def criteria(self) -> dict[str, str]:
        """What is asked of a run."""
        return {key: value for key, value in self.model_dump(exclude={"name"}).items() if value is not None}


class ClaimSource(_Strict):
    """Who claims it, and where."""

    title: Text = Field(description="Document that it stands in.")
    date: Text | None = Field(default=None, description="When it was published, or read.")
    url: Text | None = Field(default=None, description="Where it can be read.")


class Claim(_Strict):
    """One machine is so much better than another in one metric, or keeps a limit by itself."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)] = Field(
        description="Short name: lower-case letters, digits, '.', '_' and '-'."
    )
    version: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="Raised with every change of its meaning.")
    statement: Text = Field(description="The claim in a sentence.")
    metric: Text = Field(description="What is compared, such as output_tokens_per_s or ttft_ms.p95: 'aforo metrics'.")
    direction: Literal["less", "more"] | None = Field(
        default=None, description="Whether the subject has less of it than the baseline."
    )
    size_percent: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        default=None, description="How much less or more, in percent of the baseline."
    )
    at_most: Annotated[float, Field(gt=0, le=1e15)] | None = Field(
        default=None, description="Without a baseline: the most that the subject has of it, in the metric's unit."
    )
    at_least: Annotated[float, Field(gt=0, le=1e15)] | None = Field(
        default=None, description="Without a baseline: the least that the subject has of it, in the metric's unit."
    )
    unit: Text | None = Field(
        default=None, description="Unit of the limit, where it has to be said, such as EUR/1M tokens."
    )
    form: Literal["up-to", "at-least"] = Field(
        default="at-least", description="Whether some pair of hosts and settings has to reach the size, or every one."
    )
    subject: Side = Field(description="The side that is claimed to be better.")
    baseline: Side | None = Field(
        default=None, description="The side that it is compared with; left out where a limit is claimed."
    )
    comparable: Annotated[list[Likeness], Field(min_length=1, max_length=2)] | None = Field(
        default=None, description="In what the hosts of a pair have to be alike."
    )
    reading: Text | None = Field(default=None, description="How the words of the claim are taken.")
    source: ClaimSource = Field(description="Where the claim comes from.")

    @property
    def size_ratio(self) -> float:
        """The size as a share of the baseline; 0 of a limit."""
        return (self.size_percent or 0.0) / 100

    @property
    def is_limit(self) -> bool:
        """Whether a limit is claimed of the subject alone, without a baseline."""
        return self.baseline is None


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a claim; to be read, not changed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Claim.model_json_schema()}
    schema["title"] = "Aforo claim"
    return schema


def _contradictions(claim: Claim) -> list[Mistake]:
    found = []
    try:
        name, _ = parse_metric(claim.metric)
    except UsageError as error:
        found.append(Mistake(("metric",), str(error)))
    else:
        if METRICS[name].better == "neither":
            found.append(Mistake(("metric",), f"of {name} neither less nor more is better. 'aforo metrics' lists all."))
    found += _contradicting_sizes(claim)
    sides = [("subject", claim.subject), *([("baseline", claim.baseline)] if claim.baseline else [])]
    for key, side in sides:
        if not side.criteria:
            known = ", ".join(name for name in Side.model_fields if name != "name")
            found.append(Mistake((key,), f"{key!r} does not say which runs it means. Give one of: {known}."))
    return found


def _contradicting_sizes(claim: Claim) -> list[Mistake]:
    """A claim is a size against a baseline, or a limit without one: not half of either, not both."""
    relative = {"direction": claim.direction, "size_percent": claim.size_percent, "baseline": claim.baseline}
    limits = [key for key in ("at_most", "at_least") if getattr(claim, key) is not None]
    missing = [key for key, value in relative.items() if value is None]
    given = [key for key in relative if key not in missing]
    if limits and (given or len(limits) > 1):
        return [Mistake((limits[0],), f"{limits[0]!r} stands beside {(given or limits[1:])[0]!r}. {_EITHER}")]
    if limits:
        return []
    if missing:
        return [Mistake((), f"{_quoted(missing)} missing. {_EITHER}")]
    if claim.unit is not None:
        return [Mistake(("unit",), "'unit' is that of a limit, and a share of a baseline has none. Leave it out.")]
    if claim.direction == "less" and (claim.size_percent or 0) >= 100:
        sentence = f"'size_percent' is {claim.size_percent:g}: nothing can be 100 % less. Expected a number below 100."
        return [Mistake(("size_percent",), sentence)]
    return []


def _quoted(names: list[str]) -> str:
    return f"{', '.join(map(repr, names))} {'is' if len(names) == 1 else 'are'}"


CLAIMS = Kind("claim", Claim, json_schema, _contradictions, lambda: content("reports") / "claims", ClaimError)


def available() -> list[Claim]:
    """Return the shipped claims, by id."""
    return [CLAIMS.read(path) for path in CLAIMS.shipped().values()]


def load(reference: str) -> Claim:
    """Return the shipped claim with this id, or the one in this .yaml file.

    Raises `ClaimError`, with file, line and key for everything that is wrong.
    """
    return CLAIMS.read(CLAIMS.locate(reference))
