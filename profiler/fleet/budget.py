"""Limits of time and money while a plan is at work: no cell is begun that may go beyond them."""

import threading
from collections.abc import Mapping

from profiler.fleet.cells import Cell
from profiler.fleet.estimate import Estimate
from profiler.fleet.schema import Limits
from profiler.fleet.state import Ended, Outcome, State
from profiler.number_format import quantity
from profiler.timing.clock import Clock
from profiler.units import S_PER_H, ns_to_s

_TELLING: frozenset[Outcome] = frozenset({"VALID", "INVALID", "over limit"})
"""What tells how long a cell takes; one that failed at once does not."""


class Budget:
    """Begins when it is made; is asked before each cell. Money is price × the time of all cells of all calls.

    A cell is expected to take as long as the longest so far of the same model and workload on its host that was
    not cut short; before the first one, as long as it may take at all.
    """

    def __init__(
        self, limits: Limits, estimate: Estimate, cells: Mapping[str, Cell], state: State, clock: Clock
    ) -> None:
        """Take limits and prices of a plan, and what earlier calls have spent of them."""
        self._limits, self._clock = limits, clock
        self._at_most_s = estimate.of_cell_s
        self._per_hour = {each.host: each.price.per_hour if each.price else 0.0 for each in estimate.hosts}
        self._start_ns = clock.monotonic_ns()
        self._one_at_a_time = threading.Lock()
        self._begun_ns: dict[str, tuple[Cell, int, float]] = {}  # under way: since when, and what is expected
        self._longest_s: dict[tuple[str, str, str], float] = {}
        self._spent = 0.0
        self._cells = cells
        for ended in (each for several in state.ended.values() for each in several):
            self._count(ended)

    def refusal(self, cell: Cell) -> str | None:
        """Say why a cell must not be begun; None where it may, and then it counts as begun."""
        with self._one_at_a_time:
            expected_s = self._expected_s(cell)
            sentence = self._too_long(expected_s) or self._too_dear(cell, expected_s)
            if sentence is None:
                self._begun_ns[cell.host] = cell, self._clock.monotonic_ns(), expected_s
            return sentence

    def held_s(self, host: str) -> float:
        """Return for how long a host has been at its cell; 0 where it was begun by an earlier call."""
        begun = self._begun_ns.get(host)
        return ns_to_s(self._clock.monotonic_ns() - begun[1]) if begun else 0.0

    def end(self, ended: Ended) -> None:
        """Count what came of a cell, whether this call began it or an earlier one."""
        with self._one_at_a_time:
            self._begun_ns.pop(ended.host, None)
            self._count(ended)

    def settle(self, host: str) -> None:
        """Count what a host was at where nothing came of it, since it was lost."""
        with self._one_at_a_time:
            self._spend(host, self.held_s(host))
            self._begun_ns.pop(host, None)

    def _count(self, ended: Ended) -> None:
        self._spend(ended.host, ended.held_s)
        cell = self._cells.get(ended.cell)
        if cell is not None and ended.outcome in _TELLING:
            alike = (cell.host, cell.model, cell.workload)
            self._longest_s[alike] = max(self._longest_s.get(alike, 0.0), ended.held_s)

    def _spend(self, host: str, held_s: float) -> None:
        self._spent += held_s * self._per_hour.get(host, 0.0) / S_PER_H

    def _expected_s(self, cell: Cell) -> float:
        return self._longest_s.get((cell.host, cell.model, cell.workload), self._at_most_s[cell.key])

    def _too_long(self, expected_s: float) -> str | None:
        limit_s = self._limits.total_s
        so_far_s = ns_to_s(self._clock.monotonic_ns() - self._start_ns)
        if limit_s is None or so_far_s + expected_s <= limit_s:
            return None
        return (
            f"it may take {quantity(expected_s, 's')}, {quantity(so_far_s, 's')} are over, and the whole may take "
            f"{quantity(limit_s, 's')} (limits.total_s)"
        )

    def _too_dear(self, cell: Cell, expected_s: float) -> str | None:
        limit, currency = self._limits.money, self._limits.currency
        if limit is None:
            return None
        under_way = sum(
            max(expected, ns_to_s(self._clock.monotonic_ns() - since_ns)) * self._per_hour[host] / S_PER_H
            for host, (_, since_ns, expected) in self._begun_ns.items()
        )
        more = expected_s * self._per_hour[cell.host] / S_PER_H
        if self._spent + under_way + more <= limit:
            return None
        return (
            f"it may cost {more:.4g} {currency}, {self._spent + under_way:.4g} are spent or under way, and the limit "
            f"is {limit:g} (limits.money)"
        )
