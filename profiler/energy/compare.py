"""Which of two machines used less energy, where that can be said at all: pure."""

from dataclasses import dataclass
from typing import Literal

from profiler.results.manifest import MeterClass
from profiler.stats.ranges import Range

Answer = Literal["less", "more", "the same", "undecidable"]


@dataclass(frozen=True)
class Claimed:
    """The energy (or the power, at equal speed) of one side, with its class and scope."""

    range: Range
    meter_class: MeterClass
    scope: str


@dataclass(frozen=True)
class Comparison:
    """What can be said of the first side against the second; `ratio` is the first over the second, least and most."""

    answer: Answer
    reason: str
    ratio: Range | None = None


def compare(first: Claimed, second: Claimed) -> Comparison:
    """Compare two energies for the same work.

    Undecidable across classes or scopes, and where intervals overlap: then either side could be the lower one.
    """
    for what, mine, other in (
        ("class", first.meter_class, second.meter_class),
        ("scope", first.scope, second.scope),
    ):
        if mine != other:
            return Comparison("undecidable", f"energy of one {what} ({mine}) against another ({other})")
    ratio = None
    if second.range.low > 0:
        ratio = Range(first.range.low / second.range.high, first.range.high / second.range.low)
    if first.range == second.range and first.range.is_exact:
        return Comparison("the same", "both are equal", ratio)
    if first.range.overlaps(second.range):
        return Comparison("undecidable", _overlap(first.range, second.range), ratio)
    answer: Answer = "less" if first.range.high < second.range.low else "more"
    return Comparison(answer, "the intervals do not overlap", ratio)


def _overlap(first: Range, second: Range) -> str:
    low, high = max(first.low, second.low), min(first.high, second.high)
    return f"the intervals overlap from {low:.3g} to {high:.3g}: either could be the lower one"
