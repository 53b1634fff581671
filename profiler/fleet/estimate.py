"""What a plan takes at the longest, in time and money: an upper end by the limits of its workloads, no forecast."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from profiler.cost.options import CostOptions
from profiler.cost.prices import places
from profiler.cost.stated_prices import per_hour
from profiler.definitions.mistakes import Mistake
from profiler.errors import UsageError
from profiler.fleet.cells import Cell, Grid
from profiler.fleet.load import PLANS
from profiler.fleet.schema import Host
from profiler.options import overrides
from profiler.results.manifest import PriceFacts
from profiler.run.budget import budget_s
from profiler.run.options import Options
from profiler.search.strategy import load_count
from profiler.units import S_PER_H
from profiler.workloads import load
from profiler.workloads.schema import Saturate, SloSearch, Workload

AROUND_S = 60.0
"""Of a cell, beside its load: the server starts and stops, the report is written, all of it is collected."""


@dataclass(frozen=True)
class HostEstimate:
    """What the cells of one host take at the longest."""

    host: str
    cells: int
    at_most_s: float
    price: PriceFacts | None

    @property
    def at_most_money(self) -> float | None:
        """Price × time, in the price's currency; None without a price."""
        return None if self.price is None else self.price.per_hour * self.at_most_s / S_PER_H


@dataclass(frozen=True)
class Estimate:
    """What a plan takes at the longest."""

    hosts: Sequence[HostEstimate]
    at_most_s: float  # of all, as many hosts at once as may be
    of_cell_s: Mapping[str, float]  # by key

    @property
    def at_most_money(self) -> dict[str, float]:
        """The money of all hosts that have a price, by currency."""
        found: dict[str, float] = {}
        for each in self.hosts:
            if each.price is not None and each.at_most_money is not None:
                found[each.price.currency] = found.get(each.price.currency, 0.0) + each.at_most_money
        return found


class Times:
    """How long cells take at the longest; workloads are read once for all hosts."""

    def __init__(self, grid: Grid) -> None:
        """Take the cells of a plan."""
        self._grid = grid
        self._known: dict[tuple[str, int], float] = {}

    def of(self, cell: Cell) -> float:
        """Return the longest time of a cell, in seconds: never more than the plan's limit. Raises `UsageError`."""
        key = (cell.workload, id(cell.options))  # cells that differ in nothing else share their options
        if key not in self._known:
            here = self._grid.sent[cell.workload].here
            workload = load.load(here, overrides(cell.options)).workload
            self._known[key] = min(self._grid.fleet.plan.limits.cell_s, at_most_s(workload, cell.options))
        return self._known[key]


def at_most_s(workload: Workload, options: Options) -> float:
    """Return the longest time of a run: each load has its repeats and a warm-up, of `max_repeat_s` each."""
    of_load_s = (workload.repeats + (workload.warmup_requests > 0)) * workload.max_repeat_s
    tuning_s = budget_s(options.tune_budget) if options.tune else 0.0
    return AROUND_S + tuning_s + _loads(workload) * of_load_s


def _loads(workload: Workload) -> int:
    if isinstance(workload.load, SloSearch):
        return workload.load.max_points
    if isinstance(workload.load, Saturate):
        return 1 + math.ceil(math.log2(workload.load.max_concurrency))
    return load_count(workload) or 1


def estimate(grid: Grid) -> Estimate:
    """Return what a plan takes at the longest. Raises `UsageError`, with lines of the plan."""
    times, prices = Times(grid), prices_of(grid)
    of_cell_s = {cell.key: times.of(cell) for cell in grid.cells.values()}
    hosts = [
        HostEstimate(name, len(cells), math.fsum(of_cell_s[cell.key] for cell in cells), prices[name])
        for name, cells in grid.of_host.items()
    ]
    at_once = grid.fleet.plan.limits.hosts_at_once or len(hosts)
    return Estimate(hosts, _together_s([each.at_most_s for each in hosts], at_once), of_cell_s)


def _together_s(each_s: Sequence[float], at_once: int) -> float:
    """Return how long hosts take of which so many measure at the same time, in the order of the plan."""
    ends = [0.0] * min(at_once, len(each_s))
    for duration_s in each_s:
        heapq.heapreplace(ends, ends[0] + duration_s)
    return max(ends)


def prices_of(grid: Grid) -> dict[str, PriceFacts | None]:
    """Return the price of each host: stated, or listed for its instance type. Raises `FleetError` with the line."""
    plan, known, wrong = grid.fleet.plan, dict[str, PriceFacts | None](), []
    for place, host in enumerate(plan.hosts):
        try:
            price = known[host.name] = per_hour(_asked(host), places())
        except UsageError as error:
            wrong.append(Mistake(("hosts", place, "instance"), str(error)))
            continue
        if price and plan.limits.money is not None and price.currency != plan.limits.currency:
            sentence = f"its price is in {price.currency}, the limit in {plan.limits.currency}; nothing is converted."
            wrong.append(Mistake(("hosts", place, "instance"), sentence))
    if wrong:
        raise PLANS.refusal(grid.fleet.path, wrong)
    return known


def _asked(host: Host) -> CostOptions:
    return CostOptions(
        price=host.price,
        price_kind=host.price_kind,
        currency=host.currency,
        instance=host.instance,
        region=host.region,
    )
