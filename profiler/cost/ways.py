"""Ways to pay for a demand, and which is cheapest at which demand: pure.

Hosts and provisioned throughput come in whole units, each of which serves so many requests a day; an endpoint that
charges by the token costs the same for each request. So a day costs U × ⌈D / C⌉ × 24 h by the unit, p × D by the
request, and which is less changes at multiples of C and where p × D meets a step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf

from profiler.stats.estimates import Estimate

H_PER_DAY = 24.0
_MOST_STEPS = 200  # units up to which steps are followed
_SHOWN_UNITS = 4.0  # of the largest unit, at the least


@dataclass(frozen=True)
class Way:
    """One way to pay: by the unit and hour, by the request, or both.

    `capacity_per_day` is how many requests a day one unit serves (95 % interval); None where that is no limit.
    """

    name: str
    unit_per_hour: float = 0.0
    per_request: float = 0.0
    capacity_per_day: Estimate | None = None

    def least_per_day(self, requests_per_day: float) -> float:
        """What a day costs at the least: units serve as many requests as the upper end says."""
        return self._per_day(requests_per_day, None if self.capacity_per_day is None else self.capacity_per_day.high)

    def most_per_day(self, requests_per_day: float) -> float:
        """What a day costs at the most."""
        return self._per_day(requests_per_day, None if self.capacity_per_day is None else self.capacity_per_day.low)

    def per_day(self, requests_per_day: float) -> float:
        """What a day costs at the number that was measured."""
        return self._per_day(requests_per_day, None if self.capacity_per_day is None else self.capacity_per_day.middle)

    def units(self, requests_per_day: float) -> tuple[int, int, int]:
        """How many units a demand takes: as measured, at the least, at the most."""
        if self.capacity_per_day is None:
            return (1, 1, 1) if self.unit_per_hour else (0, 0, 0)
        ends = self.capacity_per_day.middle, self.capacity_per_day.high, self.capacity_per_day.low
        found, least, most = (units(requests_per_day, each) for each in ends)
        return found, least, most

    def per_request_at_capacity(self) -> Estimate | None:
        """What a request costs where every unit is used fully; None where units have no limit."""
        if self.capacity_per_day is None:
            return Estimate.exact(self.per_request) if not self.unit_per_hour else None
        day = self.unit_per_hour * H_PER_DAY
        capacity = self.capacity_per_day
        ends = capacity.middle, capacity.high, capacity.low
        value, low, high = (self.per_request + (day / each if each else inf) for each in ends)
        return Estimate(value, low, high, capacity.freedom)

    def _per_day(self, requests_per_day: float, capacity: float | None) -> float:
        count = 1 if capacity is None else units(requests_per_day, capacity)
        return count * self.unit_per_hour * H_PER_DAY + self.per_request * requests_per_day


@dataclass(frozen=True)
class Region:
    """Demands between `low` and `high` requests a day, and which way is cheapest there; None: it cannot be told.

    `possible` are the ways that may be cheapest, in their order; `high` is infinite where nothing changes any more.
    """

    low: float
    high: float
    cheapest: str | None
    possible: tuple[str, ...]


def units(requests_per_day: float, capacity: float) -> int:
    """Whole units for a demand, at least one; what a division leaves beyond the twelfth digit is none."""
    return max(1, ceil(float(f"{requests_per_day / capacity:.12g}")))


def horizon(ways: Sequence[Way]) -> float:
    """Return the demand (requests a day) up to which it is worth looking at whole units."""
    limited = [way.capacity_per_day.high for way in ways if way.capacity_per_day is not None]
    crossings = [
        way.unit_per_hour * H_PER_DAY / other.per_request
        for way in ways
        for other in ways
        if way.unit_per_hour and other.per_request
    ]
    wanted = max([_SHOWN_UNITS * max(limited, default=0.0), *(2 * each for each in crossings)], default=1.0)
    return min(wanted, _MOST_STEPS * min(limited, default=inf))


def regions(ways: Sequence[Way], most: float | None = None) -> list[Region]:
    """Return which way is cheapest from no demand up to `most` requests a day (default: `horizon`).

    A way is cheapest only where it is whatever the capacities are within their intervals.
    """
    ends = sorted({0.0, *_changes(ways, horizon(ways) if most is None else most)})
    found: list[Region] = []
    for low, high in pairwise(ends):
        possible = _possible(ways, (low + high) / 2)
        if found and found[-1].possible == possible:
            found[-1] = Region(found[-1].low, high, found[-1].cheapest, possible)
        else:
            found.append(Region(low, high, possible[0] if len(possible) == 1 else None, possible))
    return found


def break_evens(ours: Way, other: Way, most: float | None = None) -> tuple[float | None, float | None]:
    """Return from which demand on `ours` is cheaper than `other` for the first time, and from which on for good.

    Both in requests a day, at what was surely measured; None where that is nowhere up to `most`.
    """
    found = regions([ours, other], most)
    first = next((each.low for each in found if each.cheapest == ours.name), None)
    is_last = bool(found) and found[-1].cheapest == ours.name
    return first, found[-1].low if is_last else None


def _possible(ways: Sequence[Way], demand: float) -> tuple[str, ...]:
    least_of_most = min(way.most_per_day(demand) for way in ways)
    return tuple(way.name for way in ways if way.least_per_day(demand) <= least_of_most)


def _changes(ways: Sequence[Way], most: float) -> Iterator[float]:
    """Yield every demand up to `most` at which the order of the ways can change."""
    yield most
    for way in ways:
        for capacity in _ends(way):
            yield from _multiples(capacity, most)
        day = way.unit_per_hour * H_PER_DAY
        for other in ways:
            slope = other.per_request - way.per_request
            if day and slope > 0:
                yield from _multiples(day / slope, most)


def _ends(way: Way) -> tuple[float, ...]:
    return () if way.capacity_per_day is None else (way.capacity_per_day.low, way.capacity_per_day.high)


def _multiples(step: float, most: float) -> Iterator[float]:
    for count in range(1, 2 * _MOST_STEPS + 1):
        if step * count >= most:
            return
        yield float(f"{step * count:.12g}")
