"""Profiles as YAML files: what has to be met, what counts, how much, and why."""

from functools import cache
from math import inf
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from profiler.content import content
from profiler.definitions.kind import Kind
from profiler.definitions.mistakes import Mistake
from profiler.errors import ProfileError, UsageError
from profiler.metrics.catalogue import METRICS
from profiler.selection.answers import Bound
from profiler.selection.counting import measured_twice
from profiler.selection.fact_constraints import FactConstraint, energy_class, fact_constraint
from profiler.selection.gains import SHARES
from profiler.selection.targets import Target
from profiler.selection.weights import Weights, centroid, normalised
from profiler.summaries.estimates import parse_metric
from profiler.verdict.contrast import Metric

Text = Annotated[str, Field(min_length=1)]
_Limit = Annotated[float, Field(ge=0, le=1e15)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Constraint(_Strict):
    """What a candidate has to keep, whatever else speaks for it: a limit on a metric, or a fact about its model."""

    metric: Text | None = Field(default=None, description="What is limited, such as ttft_ms.p95: 'aforo metrics'.")
    at_most: _Limit | None = Field(default=None, description="The most of it, in its unit.")
    at_least: _Limit | None = Field(default=None, description="The least of it, in its unit.")
    fact: Text | None = Field(default=None, description="Or a fact instead of a metric, such as licence_class.")
    wanted: Annotated[list[Text], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Values of a fact that are words, such as [permissive]."
    )
    why: Text = Field(description="Why it has to be so.")

    @property
    def target(self) -> Target:
        """The limit on a metric. Raises `UsageError` for an unknown one."""
        bound: Bound = "at least" if self.at_most is None else "at most"
        return Target(parse_metric(self.metric or ""), bound, self.at_most or self.at_least or 0.0)

    @property
    def of_fact(self) -> FactConstraint:
        """The constraint on a fact. Raises `UsageError` for an unknown fact or value."""
        number = self.at_most if self.at_least is None else self.at_least
        return fact_constraint(self.fact or "", (self.wanted or []) if number is None else int(number))


class Criterion(_Strict):
    """What counts, and how much."""

    metric: Text = Field(description="What counts, such as cost_per_1m_output_tokens or ttft_ms.p95: 'aforo metrics'.")
    weight: Annotated[float, Field(ge=0, le=1e9)] | None = Field(
        default=None,
        description="How much it counts beside the others, in any unit; left out with 'weights: order'.",
    )
    baseline: Annotated[float, Field(gt=0, le=1e15)] | None = Field(
        default=None, description="The value that counts as 1, in the metric's unit; or --baseline names a run."
    )
    floor: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="Of a share: the loss (1 − share) below which less is no better."
    )
    why: Text = Field(description="Why it counts that much.")

    @property
    def parsed(self) -> Metric:
        """Metric and quantile. Raises `UsageError` for unknown ones."""
        return parse_metric(self.metric)

    @property
    def title(self) -> str:
        """What the field calls it, with its quantile: TTFT p95."""
        name, part = self.parsed
        return " ".join(filter(None, [METRICS[name].short_label, part]))


class Profile(_Strict):
    """What is wanted of a host, a model and their settings."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)] = Field(
        description="Short name: lower-case letters, digits, '.', '_' and '-'."
    )
    version: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="Raised with every change of its meaning.")
    title: Text = Field(description="What it is for, in a few words.")
    description: Text = Field(description="Who would use it, and what it takes for granted.")
    workload: Text | None = Field(default=None, description="The kind of load that its limits are meant for.")
    constraints: Annotated[list[Constraint], Field(min_length=0, max_length=50)] = Field(
        default=[], description="What has to be met; a candidate that fails one is out."
    )
    criteria: Annotated[list[Criterion], Field(min_length=1, max_length=20)] = Field(
        description="What the score is made of, the most important first where 'weights' is order."
    )
    weights: Literal["stated", "order"] = Field(
        default="stated", description="Whether the weights are stated, or only the order of the criteria is known."
    )
    weight_factor: Annotated[float, Field(ge=1, le=100)] = Field(
        default=2.0, description="How far off each stated weight may be: so many times as large or as small."
    )

    @property
    def own_weights(self) -> Weights:
        """The weights as stated; of an order the mean of all weights in it."""
        if self.weights == "order":
            return centroid(range(1, len(self.criteria) + 1))
        return normalised([criterion.weight or 0.0 for criterion in self.criteria])


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a profile; to be read, not changed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
    schema["title"] = "Aforo profile"
    return schema


def _contradictions(profile: Profile) -> list[Mistake]:
    found = [
        Mistake(("constraints", number), sentence)
        for number, one in enumerate(profile.constraints)
        if (sentence := _wrong_constraint(one))
    ]
    for number, criterion in enumerate(profile.criteria):
        if sentence := _wrong_criterion(criterion):
            found.append(Mistake(("criteria", number), sentence))
    return found or [*_wrong_weights(profile), *_counted_twice(profile)]


def _wrong_constraint(one: Constraint) -> str | None:
    limits = [one.at_most, one.at_least]
    if (one.metric is None) == (one.fact is None):
        return "a constraint is on a metric or on a fact: expected one of 'metric' and 'fact'."
    try:
        if one.metric is not None:
            if one.wanted is not None or limits.count(None) != 1:
                return f"the constraint on {one.metric} needs 'at_most' or 'at_least', one of them and nothing else."
            _ = one.target
        elif one.fact == "energy_class":
            return _wrong_energy_class(one)
        else:
            return _wrong_fact(one)
    except UsageError as error:
        return str(error)
    return None


def _wrong_fact(one: Constraint) -> str | None:
    if [one.at_most, one.at_least, one.wanted].count(None) != 2:
        return f"the constraint on {one.fact} needs one of 'wanted' (a list of words), 'at_least' and 'at_most'."
    relation = one.of_fact.relation
    key = relation.replace(" ", "_") if relation in {"at least", "at most"} else "wanted"
    return None if getattr(one, key) is not None else f"the constraint on {one.fact} is given by {key!r}."


def _wrong_energy_class(one: Constraint) -> str | None:
    if one.wanted is None or len(one.wanted) != 1:
        return "the constraint on energy_class needs 'wanted' with the least class, such as [counter]."
    energy_class("none", one.wanted[0])
    return None


def _wrong_criterion(criterion: Criterion) -> str | None:
    try:
        name, _ = criterion.parsed
    except UsageError as error:
        return str(error)
    spec = METRICS[name]
    if spec.better == "neither":
        return f"of {name} neither less nor more is better. 'aforo metrics' lists all."
    if spec.unit in SHARES and criterion.floor is None:
        return (
            f"{name} is a share. One that is near all is a constraint ('at_least'); to count it all the same, as its "
            "loss, 1 − share, give a 'floor' below which less loss is no better, such as 0.01."
        )
    if criterion.baseline is not None and criterion.baseline > SHARES.get(spec.unit, inf):
        return f"{name} is a share of at most {SHARES[spec.unit]:g}, and its baseline is {criterion.baseline:g}."
    if spec.unit not in SHARES and criterion.floor is not None:
        return f"'floor' is for shares, and {name} is in {spec.unit}. Leave it out."
    return None


def _wrong_weights(profile: Profile) -> list[Mistake]:
    """A weight for each criterion, or for none where only their order is known."""
    if profile.weights == "order":
        given = [number for number, each in enumerate(profile.criteria) if each.weight is not None]
        sentence = "a weight stands beside 'weights: order'. Leave one of them out."
        return [Mistake(("criteria", number, "weight"), sentence) for number in given]
    missing = [number for number, each in enumerate(profile.criteria) if each.weight is None]
    if missing:
        sentence = "the key 'weight' is missing. Give one, or 'weights: order' for all criteria."
        return [Mistake(("criteria", number), sentence) for number in missing]
    if not any(each.weight for each in profile.criteria):
        return [Mistake(("criteria",), "all weights are 0, so nothing counts. Expected one above 0.")]
    return []


def _counted_twice(profile: Profile) -> list[Mistake]:
    """One thing under two names, among the criteria that count at all."""
    counting = [(number, each) for number, each in enumerate(profile.criteria) if each.weight != 0]
    return [
        Mistake(
            ("criteria", later),
            f"{one.metric} and {other.metric} measure one thing, {thing}, which would count twice. Leave one out.",
        )
        for index, (later, one) in enumerate(counting)
        for _, other in counting[:index]
        if (thing := measured_twice(one.parsed[0], other.parsed[0]))
    ]


PROFILES = Kind("profile", Profile, json_schema, _contradictions, lambda: content("reports") / "profiles", ProfileError)


def available() -> list[Profile]:
    """Return the shipped profiles, by id."""
    return [PROFILES.read(path) for path in PROFILES.shipped().values()]


def load(reference: str) -> Profile:
    """Return the shipped profile with this id, or the one in this .yaml file.

    Raises `ProfileError`, with file, line and key for everything that is wrong.
    """
    return PROFILES.read(PROFILES.locate(reference))
