"""All hosts before anything is measured: reachable, of this version, with room and models, and told apart."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial

from profiler import __version__
from profiler.errors import HostError
from profiler.fleet import wheel
from profiler.fleet.around import Around
from profiler.fleet.cells import Grid
from profiler.fleet.messages import CheckAnswer, CheckRequest, Job
from profiler.fleet.remote import RemoteHost, other_code, understood
from profiler.fleet.state import State
from profiler.fleet.watch import Watch
from profiler.units import BYTES_PER_MIB, bytes_to_mib

_AT_ONCE = 16
_TICK_S = 0.2


@dataclass(frozen=True)
class Ready:
    """What a host answered, and all that stands in the way of measuring there."""

    host: str
    answer: CheckAnswer | None
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.problems

    @property
    def machine(self) -> str:
        """What stands for the machine under each of its names; a host that does not tell is one of its own."""
        return (self.answer.boot_id if self.answer else None) or f"of {self.host}"


def preflight(remotes: Sequence[RemoteHost], grid: Grid, state: State, around: Around) -> list[Ready]:
    """Look at every host, several at a time; nothing is measured, synthetic models are made there.

    Raises `InterruptedRunError`.
    """
    found: dict[str, Ready] = {}
    waiting, looking = deque(remotes), set[Future[None]]()
    while waiting or looking:
        while waiting and len(looking) < _AT_ONCE:
            looking.add(around.begin(partial(_look_into, found, waiting.popleft(), grid, state, around.watch)))
        done, looking = wait(looking, timeout=_TICK_S, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        around.tick()
    ours = [begun.job for jobs in state.open_jobs.values() for begun in jobs.values()]
    return _with_same_models(_with_free_machines([found[remote.host.name] for remote in remotes], ours))


def _look_into(found: dict[str, Ready], remote: RemoteHost, grid: Grid, state: State, watch: Watch) -> None:
    found[remote.host.name] = _look(remote, grid, state, watch)


def machines(found: Sequence[Ready]) -> list[list[str]]:
    """Return the hosts by the machine that they are: several names of one machine stand together."""
    by_machine: dict[str, list[str]] = defaultdict(list)
    for each in found:
        by_machine[each.machine].append(each.host)
    return list(by_machine.values())


def _look(remote: RemoteHost, grid: Grid, state: State, watch: Watch) -> Ready:
    name, plan = remote.host.name, grid.fleet.plan
    watch.host(name, "is looked at")
    jobs = [begun.job for begun in state.open_jobs_of(name)]
    models = dict.fromkeys(cell.model for cell in grid.of_host[name] if not cell.options.url)  # at a URL: its names
    try:
        answer = remote.check(CheckRequest(models=list(models), jobs=jobs), _heard(watch, name))
    except HostError as error:
        return Ready(name, None, (str(error),))
    found = [*_problems(answer, plan.limits.free_disk_mib, state, name), *_replaced(answer, grid, state, name)]
    problems = [f"{name}: {text}" for text in found]
    told = [] if understood(answer, __version__) else [other_code(answer, wheel.code_sha256())]
    notes = [f"{name}: {text}" for text in (*told, *answer.advice) if text]
    watch.host(name, "is ready" if not problems else "is not ready")
    return Ready(name, answer, tuple(problems), tuple(notes))


def _heard(watch: Watch, name: str) -> Callable[[str], None]:
    def heard(line: str) -> None:
        if line:
            watch.host(name, "is looked at", line)

    return heard


def _problems(answer: CheckAnswer, free_disk_mib: int, state: State, name: str) -> list[str]:
    found = [text for text in [understood(answer, __version__)] if text]
    if answer.free_disk_bytes < free_disk_mib * BYTES_PER_MIB:
        found.append(
            f"{bytes_to_mib(answer.free_disk_bytes):.0f} MiB of disk are free, and the plan wants {free_disk_mib} "
            "(limits.free_disk_mib). Free some space there."
        )
    found += [f"the model {model}: {there.problem}" for model, there in answer.models.items() if there.problem]
    before = state.hosts.get(name)
    if before and before.machine_id and answer.machine_id and before.machine_id != answer.machine_id:
        found.append(
            f"it is another machine than the one that measured under this name ({before.machine_id} then, "
            f"{answer.machine_id} now). Give it a name of its own in the plan."
        )
    return found


def _replaced(answer: CheckAnswer, grid: Grid, state: State, name: str) -> Iterator[str]:
    """Say which models are other files than those of the cells that are VALID already."""
    before = state.hosts[name].models if name in state.hosts else {}
    measured = {cell.model for cell in grid.of_host[name] if state.is_valid(cell.key)}
    for model, there in answer.models.items():
        old = before.get(model)
        if model in measured and old and there.sha256 and there.sha256 != old:
            yield (
                f"the model {model} is another file (SHA-256 {there.sha256[:12]}…) than the one that was measured "
                f"there before ({old[:12]}…). Put that one back, or measure anew with another --out."
            )


def _with_free_machines(found: Sequence[Ready], begun: Sequence[Job]) -> list[Ready]:
    """Add a problem to hosts whose machine others measure on; a job of ours may run under another name of it.

    It may have ended by the time that this name was looked at, so it counts which job it was.
    """
    answered = [(each.machine, each.answer) for each in found if each.answer]
    ours = {
        machine
        for machine, answer in answered
        if answer.measured_job in begun or any(job.state == "running" for job in answer.jobs.values())
    }
    return [each if each.machine in ours else _not_taken(each) for each in found]


def _not_taken(each: Ready) -> Ready:
    if each.answer is None or each.answer.measuring is None:
        return each
    problem = f"{each.host}: {each.answer.measuring}. One measurement runs at a time on a machine: wait for it."
    return Ready(each.host, each.answer, (*each.problems, problem), each.notes)


def _with_same_models(found: Sequence[Ready]) -> list[Ready]:
    """Add a problem to hosts whose file of a model is another one than that of the first that is ready."""
    first: dict[str, tuple[str, str]] = {}
    compared = {each.host: _compared(each, first) for each in sorted(found, key=lambda each: not each.is_ready)}
    return [compared[each.host] for each in found]


def _compared(each: Ready, first: dict[str, tuple[str, str]]) -> Ready:
    problems = []
    for model, there in (each.answer.models if each.answer else {}).items():
        if there.sha256 is None:
            continue
        digest, host = first.setdefault(model, (there.sha256, each.host))
        if digest != there.sha256:
            problems.append(
                f"{each.host}: the model {model} is another file there (SHA-256 {there.sha256[:12]}…) than on {host} "
                f"({digest[:12]}…). Copy one of them to the other."
            )
    return Ready(each.host, each.answer, (*each.problems, *problems), each.notes)


def said_of_machines(groups: Sequence[Sequence[str]]) -> list[str]:
    """Say which hosts are one machine."""
    return [
        f"{', '.join(names)} are one machine, under {len(names)} names: they measure in turn."
        for names in groups
        if len(names) > 1
    ]
