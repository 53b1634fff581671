"""How far a plan has come: computed from its state alone, without its file and without asking a host."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from profiler.errors import AforoError, InvalidRunError, UnfinishedFleetError, UsageError
from profiler.fleet.state import FILE, Ended, PlannedCell, State, is_held, read
from profiler.units import S_PER_H

CellState = Literal[
    "VALID", "INVALID", "failed", "over limit", "cancelled", "lost", "not begun", "under way", "waiting"
]
STATES: tuple[CellState, ...] = (
    *("VALID", "INVALID", "failed", "over limit", "cancelled", "lost", "not begun", "under way", "waiting"),
)
"""In the order in which they are told."""


@dataclass(frozen=True)
class CellStatus:
    """A cell, and what has become of it."""

    cell: str
    host: str
    model: str
    workload: str
    setting: str
    round: int
    order: int  # among the cells of its host, from 1
    state: CellState
    attempts: int
    lasted_s: float | None  # of the last attempt that ended
    folder: str | None  # of what was collected last, below the folder of the state; of a VALID one the VALID one
    sentence: str  # why it is not VALID


@dataclass(frozen=True)
class HostStatus:
    """A host, and how its cells stand."""

    host: str
    transport: str
    node: str | None  # what it calls itself
    machine_id: str | None
    architecture: str | None
    cells: int
    states: dict[CellState, int]
    lost: str | None  # why it was lost, where it was
    held_s: float  # time of its cells
    cost: float | None  # price × that time
    currency: str | None


@dataclass(frozen=True)
class FleetStatus:
    """All of it."""

    fleet: str
    plan_sha256: str
    version: str
    folder: str
    begun_utc: str
    is_active: bool  # a controller works with it at this moment
    stopped: str | None  # why the last one ended early, where it did
    hosts: list[HostStatus]
    cells: list[CellStatus]

    @property
    def states(self) -> dict[CellState, int]:
        """How many cells are in each state that any is in."""
        return _counted(self.cells)

    @property
    def sentence(self) -> str:
        """How it stands, in a line."""
        told = ", ".join(f"{count} {state}" for state, count in self.states.items())
        return f"{len(self.cells)} cells on {len(self.hosts)} hosts: {told}."

    def error(self) -> AforoError | None:
        """Return what a caller has to know by the exit code: None where every cell is VALID."""
        states = self.states
        if states.get("VALID", 0) == len(self.cells):
            return None
        if set(states) <= {"VALID", "INVALID"}:
            return InvalidRunError(f"{self.sentence} --resume measures the INVALID ones again.")
        return UnfinishedFleetError(f"{self.sentence} --resume goes on with all that are not VALID.")

    def document(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return {**asdict(self), "states": dict(self.states)}


def status_of(folder: Path) -> FleetStatus:
    """Return how the plan of a folder stands. Raises `UsageError` where none was begun there, `RunFolderError`."""
    state = read(folder)
    if state.planned is None:
        raise UsageError(
            f"There is no plan in {folder}: it has no {FILE}. Expected a plan that 'aforo fleet run' has begun, or the "
            "folder of its results."
        )
    return status(state, folder, is_active=is_held(folder))


def status(state: State, folder: Path, *, is_active: bool) -> FleetStatus:
    """Return how a plan stands that was begun."""
    planned = state.planned
    assert planned is not None  # noqa: S101 - it was begun
    orders = Counter[str]()
    cells = [_cell(state, each, orders, is_active=is_active) for each in planned.cells]
    return FleetStatus(
        fleet=str(planned.plan.get("id")),
        plan_sha256=planned.sha256,
        version=planned.version,
        folder=str(folder),
        begun_utc=next((each.at for each in state.events), planned.at),
        is_active=is_active,
        stopped=(state.stopped.sentence or None) if state.stopped else None,
        hosts=[
            _host(state, host, [each for each in cells if each.host == host["name"]]) for host in _hosts(planned.plan)
        ],
        cells=cells,
    )


def _hosts(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(plan["hosts"])


def _cell(state: State, cell: PlannedCell, orders: "Counter[str]", *, is_active: bool) -> CellStatus:
    orders[cell.host] += 1
    ended = state.ended.get(cell.key, [])
    told = next((each for each in ended if each.outcome == "VALID"), ended[-1] if ended else None)
    now, sentence = _state(state, cell, told, is_active=is_active)
    return CellStatus(
        cell=cell.key,
        host=cell.host,
        model=cell.model,
        workload=cell.workload,
        setting=cell.setting,
        round=cell.round,
        order=orders[cell.host],
        state=now,
        attempts=state.attempts(cell.key),
        lasted_s=told.lasted_s if told else None,
        folder=told.folder if told else None,
        sentence=sentence,
    )


def _state(state: State, cell: PlannedCell, told: Ended | None, *, is_active: bool) -> tuple[CellState, str]:
    """Return how a cell stands, and why."""
    if told is not None and told.outcome == "VALID":
        return "VALID", ""
    gone = state.gone.get(cell.host)
    if cell.key in {each.cell for each in state.open_jobs_of(cell.host)}:
        if gone is None and is_active:
            return "under way", ""
        return "lost", gone.sentence if gone else "It may be under way, or be over, on its host: --resume looks."
    if gone is not None and (told is None or told.outcome != "INVALID"):
        return "lost", gone.sentence
    if told is not None:
        return told.outcome, told.sentence
    refused = state.refused.get(cell.key)
    return ("not begun", refused.sentence) if refused else ("waiting", "")


def _host(state: State, host: Mapping[str, Any], cells: list[CellStatus]) -> HostStatus:
    name = str(host["name"])
    seen, gone = state.hosts.get(name), state.gone.get(name)
    held_s = sum(each.held_s for several in state.ended.values() for each in several if each.host == name)
    price = state.planned.prices.get(name) if state.planned else None
    return HostStatus(
        host=name,
        transport=str(host["transport"]),
        node=seen.node if seen else None,
        machine_id=seen.machine_id if seen else None,
        architecture=seen.architecture if seen else None,
        cells=len(cells),
        states=_counted(cells),
        lost=gone.sentence if gone else None,
        held_s=held_s,
        cost=None if price is None else price.per_hour * held_s / S_PER_H,
        currency=None if price is None else price.currency,
    )


def _counted(cells: list[CellStatus]) -> dict[CellState, int]:
    counts = Counter(each.state for each in cells)
    return {state: counts[state] for state in STATES if counts[state]}
