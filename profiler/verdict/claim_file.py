"""Claims as YAML files: what one may say, and loading one by its id or its path."""

from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from profiler.content import content
from profiler.errors import ClaimError, UsageError, WorkloadError
from profiler.metrics.catalogue import METRICS
from profiler.metrics.estimates import parse_metric
from profiler.workloads import yaml_source
from profiler.workloads.mistakes import Mistake, mistakes

Text = Annotated[str, Field(min_length=1)]
Likeness = Literal["vcpus", "memory"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Side(_Strict):
    """Which runs are meant: those that are all that is given here. `*` in a pattern stands for anything."""

    name: Text = Field(description="What the claim calls it.")
    architecture: Literal["arm64", "x86_64"] | None = Field(default=None, description="Instruction set of the host.")
    processor: Text | None = Field(
        default=None, description="Pattern of its processor's generation or model, such as '*Graviton3*'."
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
    """One machine is so much better than another in one metric."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)] = Field(
        description="Short name: lower-case letters, digits, '.', '_' and '-'."
    )
    version: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="Raised with every change of its meaning.")
    statement: Text = Field(description="The claim in a sentence.")
    metric: Text = Field(description="What is compared, such as output_tokens_per_s or ttft_ms.p95: 'aforo metrics'.")
    direction: Literal["less", "more"] = Field(description="Whether the subject has less of it than the baseline.")
    size_percent: Annotated[float, Field(gt=0, le=100_000)] = Field(
        description="How much less or more, in percent of the baseline."
    )
    form: Literal["up-to", "at-least"] = Field(
        description="Whether some pair of runs has to reach the size, or every one."
    )
    subject: Side = Field(description="The side that is claimed to be better.")
    baseline: Side = Field(description="The side that it is compared with.")
    comparable: Annotated[list[Likeness], Field(min_length=1, max_length=2)] | None = Field(
        default=None, description="In what the hosts of a pair have to be alike."
    )
    reading: Text | None = Field(default=None, description="How the words of the claim are taken.")
    source: ClaimSource = Field(description="Where the claim comes from.")

    @property
    def size_ratio(self) -> float:
        """The size as a share of the baseline."""
        return self.size_percent / 100


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a claim; to be read, not changed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Claim.model_json_schema()}
    schema["title"] = "Aforo claim"
    return schema


def available() -> list[Claim]:
    """Return the shipped claims, by id."""
    return [_read(path) for _, path in sorted(_shipped().items())]


def load(reference: str) -> Claim:
    """Return the shipped claim with this id, or the one in this .yaml file.

    Raises `ClaimError`, with file, line and key for everything that is wrong.
    """
    if reference.endswith((".yaml", ".yml")) or "/" in reference:
        return _read(Path(reference))
    shipped = _shipped()
    if reference in shipped:
        return _read(shipped[reference])
    near = get_close_matches(reference, shipped, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ClaimError(
        f"Unknown claim {reference!r}.{hint} Shipped ones: {', '.join(sorted(shipped))}. "
        "A file of your own is named by its path, ending in .yaml."
    )


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in (content("reports") / "claims").glob("*.yaml")}


def _read(path: Path) -> Claim:
    try:
        source = yaml_source.read(path)
        claim, found = _validated(source.values)
        if claim is None or found:
            raise yaml_source.refusal(path, [(source.line(mistake.path), mistake.sentence) for mistake in found])
    except WorkloadError as error:
        raise ClaimError(str(error)) from None
    return claim


def _validated(values: dict[str, object]) -> tuple[Claim | None, list[Mistake]]:
    """Return the claim, and all that is wrong with it."""
    try:
        claim = Claim.model_validate(values)
    except ValidationError as error:
        return None, mistakes(error, json_schema())
    return claim, _contradictions(claim)


def _contradictions(claim: Claim) -> list[Mistake]:
    found = []
    try:
        name, _ = parse_metric(claim.metric)
    except UsageError as error:
        found.append(Mistake(("metric",), str(error)))
    else:
        if METRICS[name].better == "neither":
            found.append(Mistake(("metric",), f"of {name} neither less nor more is better. 'aforo metrics' lists all."))
    if claim.direction == "less" and claim.size_percent >= 100:
        sentence = f"'size_percent' is {claim.size_percent:g}: nothing can be 100 % less. Expected a number below 100."
        found.append(Mistake(("size_percent",), sentence))
    for key, side in (("subject", claim.subject), ("baseline", claim.baseline)):
        if not side.criteria:
            known = ", ".join(name for name in Side.model_fields if name != "name")
            found.append(Mistake((key,), f"{key!r} does not say which runs it means. Give one of: {known}."))
    return found
