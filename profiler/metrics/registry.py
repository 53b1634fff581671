"""The registry: each metric is declared once, by a decorated function whose docstring is its formula.

Decorators say what the function takes and returns: `per_request` (one number of a finished request), `pooled` (several
numbers of a finished request), `per_run` (one number of all that was observed), `per_answer` (one number of all scored
answers, with an interval over items) and `per_correct_answer` (an amount per request, to be divided by the share of
correct answers). A further kind is one more subclass of `MetricSpec` and its decorator. Every table of labels,
headlines and columns is made from these declarations. A function that has no value raises `NotMeasuredError` with the
reason; it never returns 0 for that.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Required, TypedDict, TypeVar, Unpack

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.observations import Observations
from profiler.aggregation.reads import Reads
from profiler.aggregation.totals import Totals
from profiler.metrics.population import FINISHED_REQUESTS, FIRST_BURST, Population
from profiler.metrics.shown import NOWHERE, Shown
from profiler.results.records import RequestRecord
from profiler.stats.pieces import Pieces
from profiler.stats.ranges import Range

__all__ = [
    "CURRENCY",
    "NO_VALUE",
    "Basis",
    "Better",
    "Group",
    "Judgement",
    "Measurement",
    "MetricSpec",
    "NotMeasuredError",
    "PerAnswer",
    "PerCorrectAnswer",
    "PerRequest",
    "PerRun",
    "Pooled",
    "declared",
    "per_answer",
    "per_correct_answer",
    "per_request",
    "per_run",
    "pooled",
]

NO_VALUE = "no finished request has a value for it"
CURRENCY = "currency"  # in a unit: that of the price

Kind = Literal["per-request", "pooled", "per-run", "per-answer", "per-correct-answer"]
Group = Literal["latency", "throughput", "resources", "energy", "cost", "quality", "trust"]
Better = Literal["lower", "higher", "neither"]
Basis = Literal["energy", "price", "worth", "grid", "embodied"]  # worth: of an output token in input tokens
Work = Literal["decode", "prefill", "requests"]


@dataclass(frozen=True)
class Measurement:
    """A value that needs more than a number: an interval, or a remark on how far it goes."""

    range: Range
    note: str | None = None
    unit: str | None = None  # of a metric in some currency: with the currency of this value


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """What is declared of every metric, whatever its kind.

    `rests_on` names what besides the server's speed enters the number. `work` says which work of the server enters it:
    "decode" neither the prompt nor the length of the response, "prefill" the prompt alone, "requests" whole requests,
    or prompt tokens against them. Two runs that differ in what enters a metric are not comparable in it
    (`verdict.fairness`).
    """

    kind: ClassVar[Kind]

    id: str
    label: str
    unit: str
    group: Group
    better: Better
    formula: str
    population: Population
    short: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)  # tool -> its name for the same thing
    rests_on: frozenset[Basis] = frozenset()
    work: Work | None = None
    shown: Shown = NOWHERE
    instead: str | None = None  # the metric that has taken its place; it stays for those who know it

    @property
    def short_label(self) -> str:
        """What a column is headed by: the field's abbreviation, or the label where there is none."""
        return self.short or self.label

    @property
    def is_of_speed(self) -> bool:
        """Whether the server's speed enters the number: a run that is slower is worse in it."""
        return self.group in {"latency", "throughput"} or bool(self.rests_on & {"energy", "price"})

    def is_unit(self, unit: str) -> bool:
        """Whether a value in this unit is one of this metric: `currency` stands for any of ISO 4217."""
        return self._in_unit(unit) is not None or unit == self.unit

    def currency_of(self, unit: str) -> str:
        """Return the currency in the unit of a value; empty where it has none, or none that is known."""
        found = self._in_unit(unit)
        return "".join(found.groups()) if found is not None else ""

    def _in_unit(self, unit: str) -> re.Match[str] | None:
        return re.fullmatch(re.escape(self.unit).replace(CURRENCY, "([A-Z]{3})"), unit)


@dataclass(frozen=True, kw_only=True)
class PerRequest(MetricSpec):
    """One number of each finished request. `of_burst`: of those that the load began with, not of the steady windows.

    `absent` says why there is none where no request has a value.
    """

    kind = "per-request"
    compute: Callable[[RequestRecord], float]
    of_burst: bool = False
    absent: str = NO_VALUE

    def values(self, request: RequestRecord) -> list[float]:
        """Return the value of a finished request in a list; an empty one where it has none."""
        try:
            return [self.compute(request)]
        except NotMeasuredError:
            return []


@dataclass(frozen=True, kw_only=True)
class Pooled(MetricSpec):
    """Several numbers of each finished request, which all count alike."""

    kind = "pooled"
    compute: Callable[[Reads], Pieces]

    def values(self, request: RequestRecord) -> list[float]:
        """Return the values of a finished request."""
        return list(self.compute(Reads.of([request])).values)


@dataclass(frozen=True, kw_only=True)
class PerRun(MetricSpec):
    """One number of a run, of a load of it, or of a repeat. `share_of`: it is a share of so many requests."""

    kind: ClassVar[Kind] = "per-run"
    compute: Callable[[Observations], float | Measurement]
    share_of: Callable[[Totals], int] | None = None


@dataclass(frozen=True, kw_only=True)
class PerCorrectAnswer(PerRun):
    """An amount for each finished request, to be divided by the share of correct answers."""

    kind = "per-correct-answer"


class Judgement(NamedTuple):
    """A number of all scored answers with its 95 % interval over items, or the reason why it has none."""

    value: float
    interval: tuple[float, float] | None
    freedom: int | None
    note: str
    no_interval: str | None = None


@dataclass(frozen=True, kw_only=True)
class PerAnswer(MetricSpec):
    """One number of all scored answers of a load, or of a repeat."""

    kind = "per-answer"
    compute: Callable[[Observations], Judgement]


class _About(TypedDict, total=False):
    """What every decorator takes besides the label."""

    unit: Required[str]
    group: Required[Group]
    better: Required[Better]
    short: str
    aliases: Mapping[str, str]
    rests_on: Collection[Basis]
    work: Work
    shown: Shown
    instead: str


_registry: dict[str, MetricSpec] = {}

_OfRequest = TypeVar("_OfRequest", bound=Callable[[RequestRecord], float])
_OfTokens = TypeVar("_OfTokens", bound=Callable[[Reads], Pieces])
_OfRun = TypeVar("_OfRun", bound=Callable[[Observations], float | Measurement])
_OfAnswers = TypeVar("_OfAnswers", bound=Callable[[Observations], Judgement])


def per_request(
    label: str, *, of_burst: bool = False, absent: str = NO_VALUE, **about: Unpack[_About]
) -> Callable[[_OfRequest], _OfRequest]:
    """Declare a metric with one value for each finished request; its id is the function's name."""

    def declare(function: _OfRequest) -> _OfRequest:
        population = FIRST_BURST if of_burst else FINISHED_REQUESTS
        common = _common(function, label, population, about)
        _add(PerRequest(**common, compute=function, of_burst=of_burst, absent=absent))
        return function

    return declare


def pooled(label: str, **about: Unpack[_About]) -> Callable[[_OfTokens], _OfTokens]:
    """Declare a metric with several values for each finished request; its id is the function's name."""

    def declare(function: _OfTokens) -> _OfTokens:
        _add(Pooled(**_common(function, label, FINISHED_REQUESTS, about), compute=function))
        return function

    return declare


def per_run(
    label: str,
    *,
    over: Population,
    share_of: Callable[[Totals], int] | None = None,
    **about: Unpack[_About],
) -> Callable[[_OfRun], _OfRun]:
    """Declare a metric with one value for a run, computed `over` a part of it; its id is the function's name."""

    def declare(function: _OfRun) -> _OfRun:
        _add(PerRun(**_common(function, label, over, about), compute=function, share_of=share_of))
        return function

    return declare


def per_correct_answer(label: str, *, over: Population, **about: Unpack[_About]) -> Callable[[_OfRun], _OfRun]:
    """Declare an amount for each correct answer; the function returns that for each request. Its id is its name."""

    def declare(function: _OfRun) -> _OfRun:
        _add(PerCorrectAnswer(**_common(function, label, over, about), compute=function))
        return function

    return declare


def per_answer(label: str, *, over: Population, **about: Unpack[_About]) -> Callable[[_OfAnswers], _OfAnswers]:
    """Declare a metric with one value for all scored answers; its id is the function's name."""

    def declare(function: _OfAnswers) -> _OfAnswers:
        _add(PerAnswer(**_common(function, label, over, about), compute=function))
        return function

    return declare


def declared() -> Mapping[str, MetricSpec]:
    """Return what has been declared so far, in order; `catalogue.METRICS` is all of it."""
    return _registry


def _common(function: Callable[..., object], label: str, population: Population, about: _About) -> dict[str, Any]:
    """Return the fields that all kinds have in common."""
    formula = " ".join((function.__doc__ or "").split())
    basis = frozenset(about.get("rests_on", ()))
    return {
        **about,
        "id": function.__name__,
        "label": label,
        "formula": formula,
        "population": population,
        "rests_on": basis,
    }


def _add(spec: MetricSpec) -> None:
    if spec.id in _registry:
        raise ValueError(f"metric {spec.id} is declared twice")
    _registry[spec.id] = spec
