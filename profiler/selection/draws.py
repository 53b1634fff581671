"""Draws of what runs may have been: one speed for each alternative, and all that follows from it. Pure.

Whatever makes a run slower than the next makes it slower in everything: its rate falls, its times grow, and a token
costs more, in money, joules and grams. So one deviation of the speed is drawn for each alternative, and every criterion
that rests on speed takes it from there; drawn one by one, such errors would cancel each other and the winner would look
surer than it is. What all alternatives have in common, such as the day's prices of one provider, is a common factor of
them all: it falls out of weighted products, and drawing it for each alone would invent a difference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import inf, sqrt
from random import Random


@dataclass(frozen=True)
class Quantity:
    """A criterion of one alternative, as a gain: ln(x / baseline), negative where x is worse than the baseline.

    `speed_sd` is the standard deviation of the gain that comes with the alternative's speed, `own_sd` that of its own,
    with so many degrees of freedom. `open_to` is what a model or a meter leaves open: the least and the most that the
    gain can be above `gain`, of which no distribution is known, so it is never drawn. Where something is the same for
    all alternatives and not known, such as the intensity of their grid, there is one pair for each of its ends.
    """

    gain: float
    speed_sd: float = 0.0
    own_sd: float = 0.0
    own_freedom: float = inf
    open_to: tuple[tuple[float, float], ...] = ((0.0, 0.0),)


@dataclass(frozen=True)
class Alternative:
    """What is ranked: a name, which no other has, and a quantity for each criterion.

    Alternatives of one `group` are on one machine: what a model of its power leaves open is the same for all of them.
    """

    name: str
    quantities: tuple[Quantity, ...]
    speed_freedom: float = inf
    group: str = ""

    @property
    def is_open(self) -> bool:
        """Whether a model or a meter leaves something of it open."""
        return any(low or high for each in self.quantities for low, high in each.open_to)


def drawn_gains(alternative: Alternative, count: int, seed: int) -> Iterator[tuple[float, ...]]:
    """Yield draws of the gains of an alternative, one for each criterion.

    They depend on the seed and the alternative's name only, so that no other alternative changes them.
    """
    random = Random(f"{seed}/{alternative.name}")  # noqa: S311 - draws must be repeatable, not secret
    is_speed_drawn = any(each.speed_sd for each in alternative.quantities)
    speeds = _student(alternative.speed_freedom, count, random) if is_speed_drawn else ()
    return zip(*(_column(each, speeds, count, random) for each in alternative.quantities), strict=True)


def _column(quantity: Quantity, speeds: Sequence[float], count: int, random: Random) -> Sequence[float]:
    gain, of_speed, own = quantity.gain, quantity.speed_sd, quantity.own_sd
    if own:
        alone = [gain + own * each for each in _student(quantity.own_freedom, count, random)]
        return [base + of_speed * speed for base, speed in zip(alone, speeds, strict=True)] if of_speed else alone
    return [gain + of_speed * speed for speed in speeds] if of_speed else list(repeat(gain, count))


def _student(freedom: float, count: int, random: Random) -> list[float]:
    """Draw from Student's t, as a normal over the root of a chi-square by its degrees of freedom."""
    if freedom == inf:
        return [random.gauss(0.0, 1.0) for _ in range(count)]
    return [
        random.gauss(0.0, 1.0) / sqrt(max(random.gammavariate(freedom / 2, 2 / freedom), 1e-300)) for _ in range(count)
    ]
