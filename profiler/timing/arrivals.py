"""Arrival processes of an open loop: when requests are due. Pure functions of rate, counts and seed."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import Literal

from profiler.units import NS_PER_S

Arrivals = Literal["constant", "poisson", "gamma"]


def arrival_times_ns(
    arrivals: Arrivals, rate_rps: float, blocks: Sequence[int], seed: int, burstiness: float = 1.0
) -> list[int]:
    """Return when each request is due, from 0 on, for blocks of so many requests that follow one another.

    `constant` spaces them evenly. `poisson` draws exponential gaps. `gamma` draws gaps with the shape
    `burstiness` and the same mean: 1 is Poisson, below 1 burstier, above 1 more regular; the gaps' coefficient
    of variation is 1/√burstiness (as in vLLM's serving benchmark).

    A block of n requests takes exactly n / rate, from its first one to the first one of the next: drawn gaps are scaled
    (as vLLM does). Exponential gaps with a given sum are those of a Poisson process of which is known that so many
    arrive in that time. Otherwise two repeats would be offered rates that differ by 1/√n, and the interval of the rate
    would be that of the draw, not of the server.
    """
    random = Random(f"{seed}/arrivals")  # noqa: S311 - arrivals must be repeatable, not secret
    times: list[int] = []
    for before, count in zip(accumulate(blocks, initial=0), blocks, strict=False):
        shares = (
            _even(count) if arrivals == "constant" else _drawn(count, burstiness if arrivals == "gamma" else 1, random)
        )
        times += [round((before + share * count) * NS_PER_S / rate_rps) for share in shares]
    return times


def _even(count: int) -> Iterator[float]:
    return (position / count for position in range(count))


def _drawn(count: int, shape: float, random: Random) -> Iterator[float]:
    """Yield where in a block each request lies, from 0 on; the last gap reaches to 1."""
    reached = list(accumulate((random.gammavariate(shape, 1 / shape) for _ in range(count)), initial=0.0))
    return (at / reached[-1] if reached[-1] else 0.0 for at in reached[:-1])
