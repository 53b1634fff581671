"""What is said of a plan on its page: from its state, and from the summaries of what came back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from profiler.fleet.collecting import run_in
from profiler.fleet.schema import Limits
from profiler.fleet.state import Begun, Ended, Planned, State
from profiler.fleet.status import CellStatus, FleetStatus, HostStatus
from profiler.metrics.catalogue import listed
from profiler.reports.fleet import data
from profiler.results.folder import RunFolder
from profiler.results.listing import Found, Line, lines

_RATES = ("output_tokens_per_s", "input_tokens_per_s")

Runs = Mapping[str, tuple[Path, Line]]  # by the folder of what was collected: the run's own, and what a list says of it


def overview(
    status: FleetStatus,
    state: State,
    folder: Path,
    comparisons: Sequence[data.Link] = (),
    notes: Sequence[str] = (),
) -> data.Fleet:
    """Return all that page and JSON say; `folder` is that of state and results, where the page will lie.

    Of runs that cannot be read any more, the state alone is told.
    """
    plan = state.planned.plan if state.planned else {}
    columns = {_column(cell): None for cell in status.cells}
    runs = runs_of(state, folder)
    planned = [event for event in state.events if isinstance(event, Planned)]
    return data.Fleet(
        id=status.fleet,
        description=str(plan.get("description") or ""),
        plan_sha256=status.plan_sha256,
        versions=tuple(dict.fromkeys(event.version for event in planned)),
        rounds=max((cell.round for cell in status.cells), default=1),
        limits=_limits(plan.get("limits") or {}),
        hosts=tuple(_host(host, state) for host in status.hosts),
        columns=tuple(columns),
        cells=tuple(_cell(cell, list(columns).index(_column(cell)), state, runs) for cell in status.cells),
        begun_utc=status.begun_utc,
        is_active=status.is_active,
        stopped_utc=None if status.is_active or state.stopped is None else state.stopped.at,
        stopped=status.stopped or "",
        notes=(*notes, *_notes(status, state, planned)),
        comparisons=tuple(comparisons),
    )


def runs_of(state: State, folder: Path) -> dict[str, tuple[Path, Line]]:
    """Return each run that was collected, by its folder: where it is from there, and what a list says of it."""
    collected = [ended.folder for ended in chain.from_iterable(state.ended.values()) if ended.folder]
    found = {name: run for name in collected if (run := run_in(folder / name)) is not None}
    read = {line.folder: line for line in lines(Found(list(found.values())), listed())}
    return {name: (run.relative_to(folder), read[run]) for name, run in found.items() if run in read}


def _column(cell: CellStatus) -> data.Column:
    return data.Column(cell.model, cell.workload, cell.setting)


def _cell(cell: CellStatus, column: int, state: State, runs: Runs) -> data.Cell:
    is_followed = cell.state == "under way"  # else nobody knows what became of an attempt without an end
    attempts = tuple(_attempt(each, state, runs, is_followed=is_followed) for each in state.begun.get(cell.cell, []))
    has_warnings = cell.state == "VALID" and any(each.status == "VALID with warnings" for each in attempts)
    return data.Cell(
        key=cell.cell,
        host=cell.host,
        column=column,
        round=cell.round,
        order=cell.order,
        status="VALID with warnings" if has_warnings else cell.state,
        sentence=_said(cell.sentence),
        attempts=attempts,
    )


def _attempt(begun: Begun, state: State, runs: Runs, *, is_followed: bool) -> data.Attempt:
    ended = next((each for each in state.ended.get(begun.cell, []) if each.attempt == begun.attempt), None)
    if ended is None:
        return data.Attempt(begun.attempt, "under way" if is_followed else "lost", begun.at)
    place, line = runs.get(ended.folder or "", (None, None))
    return data.Attempt(
        number=begun.attempt,
        status=_status(ended, line),
        begun_utc=begun.at,
        lasted_s=ended.lasted_s,
        sentence=_said(ended.sentence),
        collected_utc=ended.at if ended.folder else None,
        run_id=line.run_id if line else None,
        report=RunFolder(place).report.as_posix() if place else None,
        rate=next((rate for name in _RATES if line and (rate := line.numbers.get(name)) is not None), None),
    )


def _said(sentence: str) -> str:
    """Leave out who said it, where that is the command itself."""
    return sentence.removeprefix("aforo: ")


def _status(ended: Ended, line: Line | None) -> data.Status:
    has_warnings = ended.outcome == "VALID" and line is not None and line.verdict == "VALID with warnings"
    return "VALID with warnings" if has_warnings else ended.outcome


def _host(host: HostStatus, state: State) -> data.Host:
    price = state.planned.prices.get(host.host) if state.planned else None
    return data.Host(
        name=host.host,
        transport=host.transport,
        about=", ".join(filter(None, [host.node, host.architecture])),
        price_per_hour=price.per_hour if price else None,
        currency=price.currency if price else "USD",
        held_s=host.held_s,
        money=host.cost,
        lost=host.lost or "",
    )


def _limits(asked: Mapping[str, object]) -> data.Limits:
    limits = Limits.model_validate(asked)
    return data.Limits(limits.cell_s, limits.total_s, limits.money, limits.currency)


def _notes(status: FleetStatus, state: State, planned: Sequence[Planned]) -> list[str]:
    """Say what a reader has to know: other plans that were here, what of them is left, machines of several names."""
    digests = list(dict.fromkeys(event.sha256 for event in planned))
    others = set(state.begun) - {cell.cell for cell in status.cells}
    notes = []
    if len(digests) > 1:
        before = ", ".join(digest[:16] for digest in digests if digest != status.plan_sha256)
        notes.append(f"The plan was changed between runs; before this one it was {before}.")
    if others:
        notes.append(f"{len(others)} cells of an earlier plan are not in this one. Their folders are kept.")
    notes += [f"{', '.join(names)} are one machine: they measure in turn." for names in _same_machine(state)]
    transports = Counter(host.transport for host in status.hosts)
    if len(transports) > 1:
        told = ", ".join(f"{number} by {name}" for name, number in transports.items())
        notes.append(f"Hosts are reached in several ways ({told}), which a comparison names.")
    return notes


def _same_machine(state: State) -> list[list[str]]:
    """Return the names of hosts that are one machine."""
    found: dict[str, list[str]] = {}
    for seen in state.hosts.values():
        if machine := seen.boot_id or seen.machine_id:
            found.setdefault(machine, []).append(seen.host)
    return [names for names in found.values() if len(names) > 1]
