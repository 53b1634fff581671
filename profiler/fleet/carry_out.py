"""A plan from one end to the other: its state, its hosts, preflight, and all cells."""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from profiler import __version__
from profiler.errors import AforoError, HostError, RecordError, UsageError
from profiler.fleet.around import Around
from profiler.fleet.budget import Budget
from profiler.fleet.cells import Grid
from profiler.fleet.changes import changed, left_behind
from profiler.fleet.collecting import discard_unfinished
from profiler.fleet.drive import Drive, Machine
from profiler.fleet.estimate import Estimate
from profiler.fleet.host_work import HostWork
from profiler.fleet.preflight import Ready, machines, preflight, said_of_machines
from profiler.fleet.remote import RemoteHost, environment_of
from profiler.fleet.schema import Host
from profiler.fleet.state import HostGone, HostSeen, Planned, PlannedCell, Price, State, StateFile, Stopped
from profiler.fleet.status import FleetStatus, status
from profiler.fleet.watch import Watch
from profiler.run.interrupt import Interrupt
from profiler.timing.clock import Clock


@dataclass(frozen=True)
class Asked:
    """How a plan is to be carried out."""

    out: Path  # folder of state and results
    is_resumed: bool = False
    dry_run: bool = False  # look at the hosts, and begin nothing
    ready_only: bool = False  # leave hosts out that are not ready


def carry_out(
    grid: Grid, estimate: Estimate, asked: Asked, watch: Watch, clock: Clock
) -> FleetStatus | Sequence[Ready]:
    """Carry a plan out, and return how it stands then; after looking at the hosts only, what they answered.

    Raises `UsageError` before anything was begun, `HostError` where a host is not ready, `InterruptedRunError` once a
    signal has ended it, and `RecordError`; the state is kept whatever happens.
    """
    with Interrupt() as interrupt:
        return carried_out(grid, estimate, asked, Around(watch, clock, interrupt.check))


def carried_out(grid: Grid, estimate: Estimate, asked: Asked, around: Around) -> FleetStatus | Sequence[Ready]:
    """Carry a plan out, as `carry_out`."""
    with ExitStack() as opened:
        file = opened.enter_context(StateFile(asked.out))
        _look_at_state(grid, file.state, asked, around.watch)
        discard_unfinished(asked.out)
        remotes = [_remote(host, grid, around, opened) for host in grid.fleet.plan.hosts]
        given = {host.name: environment_of(host, around.environment) for host in grid.fleet.plan.hosts}
        found = preflight(remotes, grid, file.state, around)
        ready = _ready(found, asked, around.watch)
        if asked.dry_run:
            return found
        _write_down(file, grid, estimate, found, around)
        budget = Budget(grid.fleet.plan.limits, estimate, grid.cells, file.state, around.clock)
        works = {
            remote.host.name: HostWork(remote, grid, file, asked.out, budget, given[remote.host.name], around)
            for remote in remotes
            if remote.host.name in ready
        }
        _drive(works, list(ready.values()), grid, file, around)
        return status(file.state, asked.out, is_active=False)


def collect(grid: Grid, estimate: Estimate, out: Path, watch: Watch, clock: Clock) -> FleetStatus:
    """Collect what has ended on hosts since they were lost or left; nothing is begun. Raises as `carry_out`."""
    with Interrupt() as interrupt:
        return collected(grid, estimate, out, Around(watch, clock, interrupt.check))


def collected(grid: Grid, estimate: Estimate, out: Path, around: Around) -> FleetStatus:
    """Collect what has ended, as `collect`."""
    with ExitStack() as opened:
        file = opened.enter_context(StateFile(out))
        if file.state.planned is None:
            raise UsageError(f"Nothing was begun in {out}: there is nothing to collect. Expected the --out of a run.")
        budget = Budget(grid.fleet.plan.limits, estimate, grid.cells, file.state, around.clock)
        works = []
        for host in grid.fleet.plan.hosts:
            if file.state.open_jobs_of(host.name):
                remote = _remote(host, grid, around, opened)
                works.append(HostWork(remote, grid, file, out, budget, {}, around))
        for text in left_behind(grid, file.state):
            around.watch.note(text)
        for work in works:
            work.collect_only()
        Drive([Machine(deque([work])) for work in works], file, len(works) or 1, around).run()
        return status(file.state, out, is_active=False)


def _remote(host: Host, grid: Grid, around: Around, opened: ExitStack) -> RemoteHost:
    remote = RemoteHost(host, around.connect(host), grid.fleet.plan.limits.silence_s)
    opened.enter_context(closing(remote))
    return remote


def _look_at_state(grid: Grid, state: State, asked: Asked, watch: Watch) -> None:
    """Say what of the plan has changed. Raises `UsageError` where it was begun, and not said that it goes on."""
    if state.planned is None or asked.dry_run:
        return
    valid = sum(map(state.is_valid, state.begun))
    if not asked.is_resumed:
        raise UsageError(
            f"{asked.out} holds the state of a plan that was begun before, with {valid} VALID cells. Pass --resume to "
            "go on with it, or --out with another folder."
        )
    if state.planned.plan.get("id") != grid.fleet.plan.id:
        raise UsageError(
            f"{asked.out} holds the state of the plan {state.planned.plan.get('id')}, and this one is "
            f"{grid.fleet.plan.id}. Pass --out with another folder."
        )
    sentence = changed(grid, state)
    for text in ([sentence] if sentence else []) + left_behind(grid, state):
        watch.note(text)


def _write_down(file: StateFile, grid: Grid, estimate: Estimate, found: Sequence[Ready], around: Around) -> None:
    """Write the plan into the state, and which hosts go on with it."""
    plan, now = grid.fleet.plan, around.now()
    cells = [
        PlannedCell(
            key=cell.key,
            host=cell.host,
            model=cell.model,
            workload=cell.workload,
            setting=cell.setting.words,
            round=cell.round,
        )
        for cells in grid.of_host.values()
        for cell in cells
    ]
    prices = {
        each.host: Price(per_hour=each.price.per_hour, currency=each.price.currency)
        for each in estimate.hosts
        if each.price
    }
    told = plan.model_dump(mode="json")
    file.write(Planned(at=now, sha256=plan.sha256, version=__version__, plan=told, cells=cells, prices=prices))
    for each in found:
        sentence = " ".join(each.problems)
        file.write(_seen(each, now) if each.is_ready else HostGone(at=now, host=each.host, sentence=sentence))


def _drive(works: Mapping[str, HostWork], ready: Sequence[Ready], grid: Grid, file: StateFile, around: Around) -> None:
    groups = machines(ready)
    for text in said_of_machines(groups):
        around.watch.note(text)
    together = [Machine(deque(works[name] for name in names)) for names in groups]
    drive = Drive(together, file, grid.fleet.plan.limits.hosts_at_once or len(works), around)
    sentence = ""
    try:
        drive.run()
    except AforoError as error:
        sentence = str(error)
        around.watch.note("The state is kept: --resume goes on, and takes in what has ended on hosts meanwhile.")
        raise
    finally:
        with suppress(RecordError):
            file.write(Stopped(at=around.now(), sentence=sentence))


def _ready(found: Sequence[Ready], asked: Asked, watch: Watch) -> dict[str, Ready]:
    """Return the hosts to go on with. Raises `HostError` where one is not ready, unless such are to be left out."""
    for each in found:
        for note in each.notes:
            watch.note(note)
    problems = [text for each in found for text in each.problems]
    ready = {each.host: each for each in found if each.is_ready}
    if problems and not (asked.ready_only and ready):
        count = len(found) - len(ready)
        raise HostError(
            "\n".join([f"{count} of {len(found)} hosts are not ready:", *(f"  {text}" for text in problems)])
            + "\nMend them, or pass --ready-only to leave them out; nothing was measured."
        )
    for text in problems:
        watch.note(f"Left out: {text}")
    return ready


def _seen(each: Ready, now: str) -> HostSeen:
    answer = each.answer
    assert answer is not None  # noqa: S101 - a host that is ready has answered
    models = {name: there.sha256 for name, there in answer.models.items() if there.sha256}
    return HostSeen(
        at=now,
        host=each.host,
        machine_id=answer.machine_id,
        boot_id=answer.boot_id,
        node=answer.node,
        architecture=answer.architecture,
        models=models,
    )
