"""How sure a number is that is made of groups of values which belong together, such as all answers to one question."""

from collections.abc import Callable, Mapping, Sequence
from math import fsum, sqrt
from statistics import fmean

from profiler.stats.intervals import t_975

FEWEST_GROUPS = 5
Sums = Mapping[str, float]


def added_up(groups: Sequence[Sums]) -> dict[str, float]:
    """Return sums of several groups added up, name by name."""
    names = dict.fromkeys(name for group in groups for name in group)
    return {name: fsum(group.get(name, 0.0) for group in groups) for name in names}


def jackknife_half_width(groups: Sequence[Sums], formula: Callable[[Sums], float]) -> float | None:
    """Return the half-width of the 95 % interval of what a formula makes of the sums of all groups.

    The formula is computed without each group in turn: variance (n − 1) / n · Σ (θ₍ᵢ₎ − mean)², and Student's t
    (B. Efron and C. Stein, "The jackknife estimate of variance", Annals of Statistics 9, 1981). Values within a group
    may resemble each other as they like. Always the same, as a bootstrap is not. `None` below five groups.
    """
    count, total = len(groups), added_up(groups)
    if count < FEWEST_GROUPS:
        return None
    without = [formula({name: sum_ - group.get(name, 0.0) for name, sum_ in total.items()}) for group in groups]
    mean = fmean(without)
    return t_975(count - 1) * sqrt((count - 1) / count * fsum((value - mean) ** 2 for value in without))
