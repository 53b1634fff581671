"""Does a number keep a limit? Meets, fails, or cannot be told, by its interval; and what would tell. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Literal

from profiler.stats.distributions import student_cdf, two_sided_t
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE
from profiler.summaries.estimates import Unknown

Standing = Literal["meets", "fails", "cannot be told"]
Bound = Literal["at most", "at least"]

MEETS: Standing = "meets"
FAILS: Standing = "fails"
CANNOT_BE_TOLD: Standing = "cannot be told"
_MOST_TIMES = 100  # as many measurements: beyond, no one would make them


@dataclass(frozen=True)
class Answer:
    """What is said of one constraint, and why.

    `chance` is the probability that the constraint is kept, where chance has a part in it; None where it cannot be
    told, or where only a model's interval is known. `miss_ratio` is by how much the number is beyond its limit, as a
    share of the limit; not above 0 where it is within. `tell` says what would tell, where it cannot be told.
    """

    standing: Standing
    constraint: str  # in words: TTFT p95 at most 500 ms
    seen: Estimate | None = None
    value: float | None = None
    unit: str = ""
    chance: float | None = None
    miss_ratio: float | None = None
    reason: str = ""
    tell: str = ""


def standing_of(found: Estimate, bound: Bound, limit: float) -> Standing:
    """Say where a 95 % interval lies: wholly within the limit, wholly beyond it, or on both sides."""
    if bound == "at most":
        return MEETS if found.high <= limit else FAILS if found.low > limit else CANNOT_BE_TOLD
    return MEETS if found.low >= limit else FAILS if found.high < limit else CANNOT_BE_TOLD


def together(standings: Iterable[Standing]) -> Standing:
    """Return what holds of all of them: one that fails decides, then one that cannot be told."""
    seen = set(standings)
    return FAILS if FAILS in seen else CANNOT_BE_TOLD if CANNOT_BE_TOLD in seen else MEETS


def answer(found: Estimate | Unknown, bound: Bound, limit: float, constraint: str, unit: str = "") -> Answer:
    """Set a number beside its limit; one without an interval cannot be told."""
    if isinstance(found, Unknown):
        tell = "" if found.value is None else found.reason
        miss = None if found.value is None else miss_ratio(found.value, bound, limit)
        return Answer(CANNOT_BE_TOLD, constraint, None, found.value, unit, None, miss, found.reason, tell)
    standing = standing_of(found, bound, limit)
    return Answer(
        standing,
        constraint,
        found,
        found.value,
        unit,
        chance(found, bound, limit),
        None if found.value is None else miss_ratio(found.value, bound, limit),
        tell=_what_would_tell(found, limit) if standing == CANNOT_BE_TOLD else "",
    )


def miss_ratio(value: float, bound: Bound, limit: float) -> float | None:
    """Return by how much a number is beyond its limit, as a share of the limit; negative where it is within."""
    if not limit:
        return None
    return (value - limit if bound == "at most" else limit - value) / abs(limit)


def chance(found: Estimate, bound: Bound, limit: float) -> float | None:
    """Return the probability that a limit is kept: Student's t on the side of the interval that faces the limit.

    The probability is that of a flat prior, which is the confidence at which a one-sided interval would just keep the
    limit. None for an interval without a distribution whose ends lie on both sides of the limit.
    """
    if found.is_exact or found.freedom is None or found.value is None:
        standing = standing_of(found, bound, limit)
        return None if standing == CANNOT_BE_TOLD else float(standing == MEETS)
    half_width = found.high - found.value if limit > found.value else found.value - found.low
    if half_width <= 0:
        return float(standing_of(Estimate.exact(found.value), bound, limit) == MEETS)
    below = student_cdf((limit - found.value) / half_width * two_sided_t(CONFIDENCE, found.freedom), found.freedom)
    return below if bound == "at most" else 1 - below


def _what_would_tell(found: Estimate, limit: float) -> str:
    """Say how much longer to measure until the interval, at this value, lies on one side of the limit."""
    if found.value is None or found.freedom is None:
        return "a meter in place of the model, or a wider limit"
    distance = abs(limit - found.value)
    half_width = found.high - found.value if limit > found.value else found.value - found.low
    times = (half_width / distance) ** 2 if distance else float("inf")
    if times > _MOST_TIMES:
        return "the number is at its limit: no reasonable length of measuring would tell; measure the next lower load"
    return f"about {max(2, ceil(times))} times as many requests or runs"
