"""How surely one candidate at its operating point is cheaper than every other. Pure.

No draws: Boole's inequality adds up the ways in which the statement can be wrong, however they hang together. It is
wrong where the leader's own load does not meet a target, or where a load of another candidate both meets every target
and is cheaper. What is said is therefore a lower bound; with few rivals, or rivals that are far away, it is close.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from profiler.selection.candidate import Candidate
from profiler.selection.operating import JudgedLoad, Operating
from profiler.stats.distributions import student_cdf, two_sided_t
from profiler.stats.estimates import Estimate
from profiler.verdict.contrast import Contrast, Rules, contrast

CERTAIN = 0.95
"""From which probability on it is said that one is cheapest."""


@dataclass(frozen=True)
class Rival:
    """Another candidate beside the leader.

    `ratio` is the cost of its operating point / that of the leader; None where it has none, or they cannot be compared.
    `risk` is the probability, at most, that one of its loads meets the targets and is cheaper: None where it cannot be
    told, and `reason` says why.
    """

    operating: Operating
    ratio: Estimate | None
    value: float | None  # of the ratio, to be shown only, where it has no interval
    risk: float | None
    reason: str = ""

    @property
    def chance(self) -> float | None:
        """The probability, at least, that the leader is cheaper; None where it cannot be told."""
        return None if self.risk is None else max(0.0, 1 - self.risk)


def rival(leader: Candidate, at: JudgedLoad, other: Operating, rules: Rules) -> Rival:
    """Set a candidate beside the leader at its operating point."""
    found = [(one, contrast(one.load.runs, at.load.runs, (leader.tokens.cost, None), rules)) for one in other.loads]
    own = next((ratio for one, ratio in found if one is other.at), None)
    risks = [_risk(one, ratio) for one, ratio in found]
    unknown = [ratio.reason for (_, ratio), risk in zip(found, risks, strict=True) if risk is None]
    risk = None if unknown else min(1.0, sum(filter(None, risks)))
    reason = unknown[0] if unknown else ""
    return Rival(other, own.ratio if own else None, own.value if own else None, risk, reason)


def certainty(at: JudgedLoad, rivals: Iterable[Rival]) -> float | None:
    """Return the probability, at least, that the leader meets the targets and no rival is cheaper; None if unknown."""
    misses = [1 - answer.chance for answer in at.answers if answer.chance is not None]
    risks = [one.risk for one in rivals]
    if None in risks or len(misses) < len(at.answers):
        return None
    return max(0.0, 1 - sum(misses) - sum(filter(None, risks)))


def _risk(one: JudgedLoad, ratio: Contrast) -> float | None:
    """Return the probability, at most, that a load meets every target and is cheaper than the leader's."""
    meets = [answer.chance for answer in one.answers if answer.chance is not None]
    cheaper = None if ratio.state != "known" or ratio.ratio is None else chance_below(ratio.ratio)
    known = [*meets, *([] if cheaper is None else [cheaper])]
    if cheaper is None and min(known, default=1.0) > _NO_RISK:
        return None
    return min(known)


_NO_RISK = 0.001  # that a load meets the targets: below, it does not matter what it costs


def chance_below(ratio: Estimate, limit: float = 1.0) -> float | None:
    """Return the probability that a ratio is below a limit, by Student's t of its logarithm.

    None for an interval without a distribution that has the limit within it.
    """
    if ratio.value is None or ratio.freedom is None or ratio.low <= 0:
        return 1.0 if ratio.high < limit else 0.0 if ratio.low > limit else None
    error = log(ratio.high / ratio.low) / 2 / two_sided_t(0.95, ratio.freedom)
    if error <= 0:
        return float(ratio.value < limit) if ratio.value != limit else 0.5
    return student_cdf(log(limit / ratio.value) / error, ratio.freedom)


def leader_of(choices: Sequence[Operating]) -> Operating | None:
    """Return the candidate whose operating point has the least cost; None where none has both."""
    priced = [one for one in choices if one.at is not None and one.at.cost.value is not None]
    return min(priced, key=lambda one: one.at.cost.value if one.at and one.at.cost.value else 0.0, default=None)
