"""From a number with its interval to a gain over the baseline: ln(x / baseline), positive where x is better. Pure."""

from collections.abc import Sequence
from math import inf, log, sqrt

from profiler.metrics.registry import MetricSpec
from profiler.selection.draws import Quantity
from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import CONFIDENCE

SHARES = {"ratio": 1.0, "points": 100.0}
"""Units of shares, and what all of it is."""


def gain(value: float, spec: MetricSpec, baseline: float, floor: float | None = None) -> float:
    """Return ln(x / baseline) in the good direction; of a share, that of its loss. Raises `ValueError` at 0 and below.

    `floor` is the loss below which less is no better; None for what is no share.
    """
    own, base = (value, baseline) if floor is None else (loss(value, spec, floor), loss(baseline, spec, floor))
    if own <= 0:
        raise ValueError(f"{value:g} is not above 0, so it has no ratio to a baseline")
    return log(own / base) * (1 if spec.better == "higher" and floor is None else -1)


def loss(share: float, spec: MetricSpec, floor: float) -> float:
    """Return what a share lacks to all, as a ratio, or the share itself where less is better; at least `floor`."""
    ratio = share / SHARES[spec.unit]
    return max(floor, 1 - ratio if spec.better == "higher" else ratio)


def quantity(
    found: Estimate,
    spec: MetricSpec,
    baseline: float,
    floor: float | None = None,
    speed_sd: float = 0.0,
    at_ends: Sequence[Estimate] = (),
) -> Quantity:
    """Return a number as a gain with its doubt. Raises `ValueError` for one without a logarithm.

    `speed_sd` is the standard deviation of ln(rate) of the same runs: what rests on speed has it from there, and energy
    has more of its own. `at_ends` are the number at each end of what is the same for all candidates and not known.
    """
    if is_open(found):
        return _open(found, spec, baseline, floor, speed_sd, at_ends or (found,))
    middle = found.low if found.value is None else found.value
    own_sd = 0.0 if found.is_exact else _log_sd(found, spec, baseline, floor)
    pairs = ((0.0, 0.0),) * max(1, len(at_ends))
    freedom = found.freedom or inf
    at = gain(middle, spec, baseline, floor)
    if not spec.is_of_speed:
        return Quantity(at, 0.0, own_sd, freedom, pairs)
    if "energy" not in spec.rests_on:
        return Quantity(at, own_sd, open_to=pairs)
    shared = min(own_sd, speed_sd)
    return Quantity(at, shared, sqrt(own_sd**2 - shared**2), freedom, pairs)


def is_open(found: Estimate) -> bool:
    """Whether a number is an interval without a distribution."""
    return found.freedom is None and not found.is_exact


def _open(
    found: Estimate,
    spec: MetricSpec,
    baseline: float,
    floor: float | None,
    speed_sd: float,
    at_ends: Sequence[Estimate],
) -> Quantity:
    if floor is None and found.low <= 0:
        raise ValueError(f"it lies anywhere from {found.low:g} to {found.high:g}, so it has no ratio to a baseline")
    ends = sorted(gain(end, spec, baseline, floor) for end in (found.low, found.high))
    middle = sum(ends) / 2 if found.value is None else gain(found.value, spec, baseline, floor)
    pairs = [sorted(gain(end, spec, baseline, floor) - middle for end in (one.low, one.high)) for one in at_ends]
    return Quantity(middle, speed_sd * spec.is_of_speed, open_to=tuple((low, high) for low, high in pairs))


def _log_sd(found: Estimate, spec: MetricSpec, baseline: float, floor: float | None) -> float:
    """Return the standard deviation of the gain, from the 95 % interval of the number."""
    reach = two_sided_t(CONFIDENCE, found.freedom or inf)
    ends = [gain(end, spec, baseline, floor) for end in (found.low, found.high) if end > 0 or floor is not None]
    if len(ends) > 1:
        return abs(ends[1] - ends[0]) / 2 / reach
    middle = gain(found.low if found.value is None else found.value, spec, baseline, floor)
    return abs(ends[0] - middle) / reach  # cut at 0: as wide as its other half
