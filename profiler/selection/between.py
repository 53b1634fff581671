"""Between two measured loads: what a load would bring that nobody measured. Pure.

Only inside the measured range, and on the throughput, never on the price: the price is its reciprocal, and a straight
line between two prices is none between the rates behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from profiler.selection.answers import FAILS, MEETS
from profiler.selection.operating import JudgedLoad, Operating
from profiler.selection.targets import Target


@dataclass(frozen=True)
class Interpolated:
    """A load between two measured ones at which the first target would just be kept; nothing of it was measured."""

    below: JudgedLoad  # measured, meets
    above: JudgedLoad  # measured, does not
    amount: float  # requests in flight, or requests/s
    rate: float  # tokens/s
    cost: float | None  # per 1M tokens, at the same price
    target: Target  # the one that is reached first

    @property
    def described(self) -> str:
        """The load in words."""
        return f"{self.amount:.4g} {self.below.load.unit}"


def interpolated(found: Operating, targets: Sequence[Target]) -> Interpolated | None:
    """Read how far beyond the operating point the load could go; None where that is measured, or brings nothing."""
    at = found.at
    above = None if at is None else next((one for one in found.loads if _is_next(at, one)), None)
    if at is None or above is None or above.standing == MEETS:
        return None
    reached = _reached(at, above, targets)
    if not reached or at.rate.value is None or above.rate.value is None:
        return None
    share, first = min(reached, key=lambda one: one[0])
    low, high = at.load.amount, above.load.amount
    amount = low + share * (high - low)
    amount = floor(amount) if at.load.point.concurrency is not None else amount
    rate = at.rate.value + (amount - low) / (high - low) * (above.rate.value - at.rate.value)
    if amount <= low or rate <= at.rate.value:
        return None
    return Interpolated(at, above, amount, rate, _cost(found, at, rate), first)


def _is_next(at: JudgedLoad, other: JudgedLoad) -> bool:
    return other.load.unit == at.load.unit and other.load.amount > at.load.amount > 0


def _reached(at: JudgedLoad, above: JudgedLoad, targets: Sequence[Target]) -> list[tuple[float, Target]]:
    """Return where on the way targets are reached; none where that is not known of one that the upper load fails."""
    shares = [_share(at, above, index) for index in range(len(targets))]
    if any(share is None and above.answers[index].standing == FAILS for index, share in enumerate(shares)):
        return []
    return [(share, target) for share, target in zip(shares, targets, strict=True) if share is not None]


def _cost(found: Operating, at: JudgedLoad, rate: float) -> float | None:
    """Return the cost at a rate: of what is paid by the hour its share, of what is paid by the token as it is."""
    if at.cost.value is None or at.rate.value is None or found.candidate.manifest.cost.token_price is not None:
        return at.cost.value
    return at.cost.value * at.rate.value / rate


def _share(at: JudgedLoad, above: JudgedLoad, index: int) -> float | None:
    """Return how far on the way from one load to the next a target is reached; None where it is not on the way."""
    one, other = at.answers[index], above.answers[index]
    if one.miss_ratio is None or other.miss_ratio is None or other.miss_ratio <= 0:
        return None
    return max(0.0, -one.miss_ratio / (other.miss_ratio - one.miss_ratio))
