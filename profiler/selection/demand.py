"""How many hosts a demand takes, at the load where each keeps the targets. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

from profiler.cost.ways import units
from profiler.errors import UsageError
from profiler.selection.candidate import Load
from profiler.selection.operating import Operating
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown
from profiler.units import MS_PER_S

Unit = Literal["requests/s", "users"]
_WRITTEN = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(requests?/s|rps|/s|users?)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Demand:
    """So many requests per second, or so many users at a time, each with one request in flight."""

    amount: float
    unit: Unit

    def __str__(self) -> str:
        """The demand in words."""
        return f"{self.amount:g} {self.unit}"


@dataclass(frozen=True)
class Fleet:
    """Hosts that a demand takes: whole ones, with the least and the most by the interval of what one serves.

    `per_hour` is what they cost together, in `currency`; None where the price is not by the hour.
    """

    hosts: int
    low: int
    high: int
    capacity: Estimate  # of one host, in the unit of the demand
    per_hour: float | None
    currency: str


def demand(text: str) -> Demand:
    """Read `50`, `50 requests/s` or `200 users`; a number alone is requests/s. Raises `UsageError`."""
    found = _WRITTEN.fullmatch(text)
    if found is None or float(found[1]) <= 0:
        raise UsageError(f"--demand {text!r}: expected a number above 0, such as '50 requests/s' or '200 users'.")
    return Demand(float(found[1]), "users" if (found[2] or "").lower().startswith("user") else "requests/s")


def fleet(found: Operating, wanted: Demand) -> Fleet | Unknown:
    """Return how many hosts of a candidate serve a demand at its operating point."""
    if found.at is None:
        return Unknown("no measured load meets every target")
    capacity = _capacity(found, found.at.load, wanted.unit)
    if isinstance(capacity, Unknown):
        return capacity
    if capacity.value is None or capacity.low <= 0:
        return Unknown("how much one host serves is not known well enough")
    hosts, low, high = (units(wanted.amount, each) for each in (capacity.value, capacity.high, capacity.low))
    price = found.candidate.manifest.cost.price
    per_hour = None if price is None else price.per_hour * hosts
    return Fleet(hosts, low, high, capacity, per_hour, "" if price is None else price.currency)


def _capacity(found: Operating, load: Load, unit: Unit) -> Estimate | Unknown:
    """Return what one host serves at a load: the requests in flight are its users, by Little's law in an open loop."""
    if unit == "users" and load.point.concurrency is not None:
        return Estimate.exact(load.amount)
    rate = _interval(found.number(("requests_per_s", None)))
    if unit == "requests/s" or isinstance(rate, Unknown):
        return rate
    time_ms = _interval(found.number(("e2e_ms", None)))
    if isinstance(time_ms, Unknown) or rate.value is None or time_ms.value is None:
        return Unknown("how long a request takes is not known")
    ends = [
        r * t / MS_PER_S for r, t in ((rate.value, time_ms.value), (rate.low, time_ms.low), (rate.high, time_ms.high))
    ]
    return Estimate(*ends)


def _interval(found: Estimate | Unknown) -> Estimate | Unknown:
    """Return a number without an interval as if it were exact: what it says of the number of hosts is shown as such."""
    if isinstance(found, Unknown) and found.value is not None:
        return Estimate.exact(found.value)
    return found
