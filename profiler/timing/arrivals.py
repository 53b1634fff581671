"""Arrival processes of an open loop: when requests are due. Pure functions of rate, duration and seed."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Literal

from profiler.units import NS_PER_S

Arrivals = Literal["constant", "poisson", "gamma"]


def arrival_times_ns(
    arrivals: Arrivals, rate_rps: float, requests: int, max_duration_ns: int, seed: int, burstiness: float = 1.0
) -> list[int]:
    """Return when each request is due, from 0 on, at most `requests` of them and none after `max_duration_ns`.

    `constant` spaces them evenly. `poisson` draws exponential gaps. `gamma` draws gaps with the shape
    `burstiness` and the same mean: 1 is Poisson, below 1 burstier, above 1 more regular; the gaps' coefficient
    of variation is 1/√burstiness (as in vLLM's serving benchmark).
    """
    random = Random(f"{seed}/arrivals")  # noqa: S311 - arrivals must be repeatable, not secret
    times: list[int] = []
    for due_ns in _constant(rate_rps) if arrivals == "constant" else _drawn(arrivals, rate_rps, burstiness, random):
        if len(times) >= requests or due_ns >= max_duration_ns:
            return times
        times.append(due_ns)
    return times


def _constant(rate_rps: float) -> Iterator[int]:
    return (round(position * NS_PER_S / rate_rps) for position in count())


def _drawn(arrivals: Arrivals, rate_rps: float, burstiness: float, random: Random) -> Iterator[int]:
    shape = burstiness if arrivals == "gamma" else 1.0
    due_s = 0.0
    while True:
        yield round(due_s * NS_PER_S)
        due_s += random.gammavariate(shape, 1 / (shape * rate_rps))
