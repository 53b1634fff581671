"""The registry: each metric is declared once, by a decorated function whose docstring is its formula.

A function that has no value raises `NotMeasuredError` with the reason; it never returns 0 for that.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from profiler.stats.ranges import Range

CURRENCY = "currency"  # in a unit: that of the price

Kind = Literal["per-request", "pooled", "per-run"]
Group = Literal["latency", "throughput", "resources", "energy", "cost", "trust"]
Better = Literal["lower", "higher", "neither"]
Basis = Literal["energy", "price", "grid", "embodied"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class NotMeasuredError(Exception):
    """This metric has no value here; the message is the reason."""


@dataclass(frozen=True)
class Estimate:
    """A value that needs more than a number: an interval, or a remark on how far it goes."""

    range: Range
    note: str | None = None
    unit: str | None = None  # of a metric in some currency: with the currency of this value


@dataclass(frozen=True)
class MetricSpec:
    """One declared metric.

    `compute` takes, by kind: per-request, a finished `RequestRecord`, and returns a float; pooled, the
    same, and returns a list of floats; per-run, `Observations`, and returns a float or an `Estimate`. `rests_on` names
    what besides the server's speed enters the number: two runs that differ in it are not comparable in this metric.
    `of_burst`: of the requests that the load began with, instead of those of the steady windows.
    """

    id: str
    kind: Kind
    unit: str
    group: Group
    better: Better
    formula: str
    aliases: Mapping[str, str]  # tool -> its name for the same thing
    compute: Callable[..., Any]
    rests_on: frozenset[Basis] = frozenset()
    of_burst: bool = False
    instead: str | None = None  # the metric that has taken its place; it stays for those who know it

    def is_unit(self, unit: str) -> bool:
        """Whether a value in this unit is one of this metric: `currency` stands for any of ISO 4217."""
        return re.fullmatch(re.escape(self.unit).replace(CURRENCY, "[A-Z]{3}"), unit) is not None or unit == self.unit


_registry: dict[str, MetricSpec] = {}


def metric(
    kind: Kind,
    *,
    unit: str,
    group: Group,
    better: Better,
    aliases: Mapping[str, str] | None = None,
    rests_on: Collection[Basis] = (),
    of_burst: bool = False,
    instead: str | None = None,
) -> Callable[[_Function], _Function]:
    """Declare a metric; its id is the function's name."""

    def declare(function: _Function) -> _Function:
        name = function.__name__
        if name in _registry:
            raise ValueError(f"metric {name} is declared twice")
        formula = " ".join((function.__doc__ or "").split())
        basis = frozenset(rests_on)
        _registry[name] = MetricSpec(
            name, kind, unit, group, better, formula, aliases or {}, function, basis, of_burst, instead
        )
        return function

    return declare


def declared() -> Mapping[str, MetricSpec]:
    """Return what has been declared so far, in order; `catalogue.METRICS` is all of it."""
    return _registry
