"""A plan from one end to the other: its state, its hosts, preflight, and all cells."""

import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from profiler import __version__
from profiler.errors import AforoError, HostError, InterruptedRunError, UsageError
from profiler.fleet.cells import Grid
from profiler.fleet.drive import Drive, Machine
from profiler.fleet.host_work import HostWork
from profiler.fleet.preflight import Ready, machines, preflight, said_of_machines
from profiler.fleet.remote import RemoteHost, environment_of
from profiler.fleet.schema import Host
from profiler.fleet.state import HostSeen, Planned, State, StateFile, Stopped
from profiler.fleet.transport import Transport
from profiler.fleet.transports import connect
from profiler.fleet.watch import Watch
from profiler.run.context import ISO
from profiler.run.interrupt import Interrupt
from profiler.timing.clock import Clock


@dataclass(frozen=True)
class Asked:
    """How a plan is to be carried out."""

    out: Path  # folder of state and results
    is_resumed: bool = False
    dry_run: bool = False
    ready_only: bool = False  # leave hosts out that are not ready
    take_in_only: bool = False  # begin nothing: collect what was begun before


def carry_out(
    grid: Grid,
    asked: Asked,
    watch: Watch,
    clock: Clock,
    connected: Callable[[Host], Transport] = connect,
    environment: Mapping[str, str] = os.environ,
) -> State:
    """Carry a plan out, and return its state.

    Raises `UsageError` before anything was begun, `HostError` where a host is not ready, `InterruptedRunError` once a
    signal has ended it, and `RecordError`; the state is kept whatever happens.
    """
    plan = grid.fleet.plan
    with ExitStack() as opened, Interrupt() as interrupt:
        file = opened.enter_context(StateFile(asked.out))
        _check_new(file.state, asked)
        remotes = [
            RemoteHost(host, opened.enter_context(closing(connected(host))), plan.limits.silence_s)
            for host in plan.hosts
        ]
        given = {host.name: environment_of(host, environment) for host in plan.hosts}
        found = preflight(remotes, grid, file.state, watch)
        interrupt.check()
        ready = _ready(found, asked, watch)
        if asked.dry_run:
            return file.state
        now = clock.utc().strftime(ISO)
        file.write(Planned(at=now, sha256=plan.sha256, version=__version__, plan=plan.model_dump(mode="json")))
        for each in ready.values():
            file.write(_seen(each, now))
        works = {
            remote.host.name: HostWork(remote, grid, file, asked.out, given[remote.host.name], clock, watch)
            for remote in remotes
            if remote.host.name in ready
        }
        groups = machines(list(ready.values()))
        for text in said_of_machines(groups):
            watch.note(text)
        drive = Drive(
            [Machine(deque(works[name] for name in names)) for names in groups],
            file,
            plan.limits.hosts_at_once or len(works),
            clock,
            watch,
            interrupt.check,
        )
        _driven(drive, file, clock)
        return file.state


def _driven(drive: Drive, file: StateFile, clock: Clock) -> None:
    sentence = ""
    try:
        drive.run()
    except (AforoError, InterruptedRunError) as error:
        sentence = str(error)
        raise
    finally:
        file.write(Stopped(at=clock.utc().strftime(ISO), sentence=sentence))


def _check_new(state: State, asked: Asked) -> None:
    """Raise `UsageError` where a plan was begun before, and it was not said that it goes on."""
    if state.planned is None or asked.is_resumed or asked.dry_run:
        return
    valid = sum(map(state.is_valid, state.begun))
    raise UsageError(
        f"{asked.out} holds the state of a plan that was begun before, with {valid} VALID cells. Pass --resume to go "
        "on with it, or --out with another folder."
    )


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
