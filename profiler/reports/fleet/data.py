"""What is said of a fleet: its hosts, its columns (model, workload, setting), its cells and what became of each."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import geometric_mean
from typing import Any, Literal, get_args

FORMAT_VERSION = 1  # of the JSON

Status = Literal[
    "VALID",
    "VALID with warnings",
    "INVALID",
    "failed",
    "over limit",
    "cancelled",
    "lost",
    "not begun",
    "under way",
    "waiting",
]
"""What became of a cell or of an attempt, in the order in which it is told."""

STATUSES: tuple[Status, ...] = get_args(Status)
MEASURED = frozenset({"VALID", "VALID with warnings"})


@dataclass(frozen=True)
class Attempt:
    """One `aforo run` for a cell."""

    number: int  # from 1
    status: Status
    begun_utc: str
    lasted_s: float | None = None
    sentence: str = ""  # why it is not VALID
    collected_utc: str | None = None
    run_id: str | None = None
    report: str | None = None  # of the run, from the folder of the page
    rate: float | None = None  # output tokens/s; of embeddings input tokens/s


@dataclass(frozen=True)
class Cell:
    """One measurement that the plan asks for."""

    key: str
    host: str
    column: int  # index among the columns
    round: int  # from 1
    order: int  # among the cells of its host, from 1, as planned
    status: Status
    sentence: str = ""  # why it is not VALID
    attempts: tuple[Attempt, ...] = ()

    @property
    def told(self) -> Attempt | None:
        """The attempt that stands for it: the last VALID one, else the last."""
        valid = [each for each in self.attempts if each.status in MEASURED]
        return (valid or self.attempts)[-1] if self.attempts else None


@dataclass(frozen=True)
class Column:
    """What is measured on every host."""

    model: str
    workload: str
    setting: str  # empty: the engine's defaults

    @property
    def words(self) -> str:
        """How people read it."""
        return ", ".join(filter(None, [self.model, self.workload, self.setting]))


@dataclass(frozen=True)
class Host:
    """A machine of the plan."""

    name: str
    transport: str
    about: str = ""  # architecture, node, machine
    price_per_hour: float | None = None
    currency: str = "USD"
    held_s: float = 0.0  # time of its cells, all attempts together
    money: float | None = None  # price × that time
    lost: str = ""  # why it is not reached any more


@dataclass(frozen=True)
class Limits:
    """What the whole of it may take at the most."""

    cell_s: float
    total_s: float | None = None
    money: float | None = None
    currency: str = "USD"


@dataclass(frozen=True)
class Link:
    """A page beside this one."""

    file: str
    text: str


@dataclass(frozen=True)
class Fleet:
    """All of it."""

    id: str
    description: str
    plan_sha256: str
    versions: tuple[str, ...]  # of Aforo, that worked on it
    rounds: int
    limits: Limits
    hosts: tuple[Host, ...]
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...]
    begun_utc: str | None = None
    is_active: bool = False  # a controller works on it
    stopped_utc: str | None = None  # of the controller, where it has
    stopped: str = ""  # why, where that was not the end of the plan
    notes: tuple[str, ...] = ()
    comparisons: tuple[Link, ...] = ()

    @cached_property
    def of_host(self) -> dict[str, list[Cell]]:
        """Its cells by host, in the order of the plan."""
        found: dict[str, list[Cell]] = {host.name: [] for host in self.hosts}
        for cell in self.cells:
            found[cell.host].append(cell)
        return found

    @property
    def counts(self) -> dict[Status, int]:
        """How many cells there are of each status, in the order of `STATUSES`."""
        found = Counter(cell.status for cell in self.cells)
        return {status: found[status] for status in STATUSES if found[status]}

    @property
    def done(self) -> int:
        """How many cells were measured, and are to be believed."""
        return sum(cell.status in MEASURED for cell in self.cells)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """From the first attempt's beginning to the last one's end; None before the first."""
        attempts = [each for cell in self.cells for each in cell.attempts]
        if not attempts:
            return None
        return min(map(begun, attempts)), max(map(ended, attempts))

    def drift(self, host: Host) -> float | None:
        """Return by which share the last round of a host differs from the first; None without two rounds."""
        return drift(self.of_host[host.name], self.rounds)


def begun(attempt: Attempt) -> datetime:
    """Return when an attempt was begun."""
    return datetime.fromisoformat(attempt.begun_utc)


def ended(attempt: Attempt) -> datetime:
    """Return when it ended, as far as that is known: what runs, or was lost, has no length."""
    return begun(attempt) + timedelta(seconds=attempt.lasted_s or 0.0)


def drift(cells: Sequence[Cell], rounds: int) -> float | None:
    """Return the geometric mean of last / first − 1 over the rates of what was measured in both rounds."""
    rates = {(cell.column, cell.round): cell.told.rate for cell in cells if cell.status in MEASURED and cell.told}
    columns = sorted({column for column, _ in rates})
    ratios = [
        last / first
        for column in columns
        if (first := rates.get((column, 1))) and (last := rates.get((column, rounds)))
    ]
    return geometric_mean(ratios) - 1 if rounds > 1 and ratios else None


def as_json(fleet: Fleet) -> str:
    """Return everything that the page says, numbers unrounded."""
    document: dict[str, Any] = {"format_version": FORMAT_VERSION, **asdict(fleet)}
    document["counts"] = fleet.counts
    for host, entry in zip(fleet.hosts, document["hosts"], strict=True):
        entry["drift_ratio"] = fleet.drift(host)
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
