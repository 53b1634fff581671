"""What one host does for a plan, a cell at a time: begin, wait, collect, write down."""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from profiler.errors import HostError, HostLostError
from profiler.fleet.around import Around
from profiler.fleet.budget import Budget
from profiler.fleet.cells import Cell, Grid
from profiler.fleet.collecting import collect, outcome_of
from profiler.fleet.messages import Job, JobThere, StartRequest
from profiler.fleet.remote import RemoteHost
from profiler.fleet.state import Begun, Ended, NotBegun, Outcome, StateFile
from profiler.results.manifest import FleetFacts

T = TypeVar("T")

PAUSES_S = (2.0, 10.0, 30.0)
"""Before a host from which nothing comes is tried once more; after the last one it counts as lost."""


class HostWork:
    """The cells of one host that are still to be measured, first those that may be under way there already."""

    def __init__(
        self,
        remote: RemoteHost,
        grid: Grid,
        file: StateFile,
        folder: Path,
        budget: Budget,
        environment: Mapping[str, str],
        around: Around,
    ) -> None:
        """Take what is to be done from plan and state. `environment`: variables of this host, never written down."""
        self.remote = remote
        self.name = remote.host.name
        self.job: Job | None = None  # under way there now
        self.is_stopped = False
        self._is_left = False  # what is under way is left alone
        self._grid, self._file, self._folder, self._budget = grid, file, folder, budget
        self._environment, self._around, self._watch = environment, around, around.watch
        self._cells = grid.of_host[self.name]
        self.open = deque(file.state.open_jobs_of(self.name))
        self.todo = deque(cell for cell in self._cells if not file.state.is_valid(cell.key))
        self._again: deque[Cell] = deque()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not self.open and not self.todo

    def take_in(self) -> None:
        """Follow one job that was begun before to its end. Raises `HostError`."""
        begun = self.open[0]
        if not self._is_left or self._tried(lambda: self.remote.wait(begun.job, for_s=0)).state != "running":
            self._finish(begun)
        else:
            self._watch.note(f"{self.name}: {begun.cell} is still under way there.")
        self.open.popleft()

    def collect_only(self) -> None:
        """From now on begin nothing, and leave alone what is still under way."""
        self._is_left = True
        self.todo.clear()

    def measure(self) -> None:
        """Measure the next cell; an INVALID one goes to the end of the line, once. Raises `HostError`.

        One that may go beyond a limit of the plan is not begun, and that is written down.
        """
        cell = self.todo.popleft()
        refusal = self._budget.refusal(cell)
        if refusal is not None:
            self._file.write(NotBegun(at=self._around.now(), cell=cell.key, host=self.name, sentence=refusal))
            self._watch.note(f"{self.name}: {cell.key} is not begun: {refusal}.")
            return
        try:
            self._begin(cell)
        finally:
            self._budget.settle(self.name)

    def cancel(self) -> None:
        """Ask what is under way to end, more than once where that does not get there; what comes of it, `wait` says."""
        job = self.job
        if job is None:
            return

        def ask() -> None:
            if any(begun.job == job for begun in self._file.state.open_jobs_of(self.name)):
                self.remote.cancel(job)

        try:
            self._tried(ask, is_patient=True)
        except HostError as error:
            self._watch.note(
                f"{error} It could not be asked to end {job.name}, which goes on to its own end or limit; 'aforo fleet "
                "collect' takes it in."
            )

    def _begin(self, cell: Cell) -> None:
        plan = self._grid.fleet.plan
        begun = Begun(
            at=self._around.now(),
            cell=cell.key,
            host=self.name,
            attempt=self._next_attempt(cell.key),
            plan=plan.sha256,
            token=secrets.token_hex(4),
        )
        self._file.write(begun)
        self._watch.host(self.name, f"begins {cell.key}")
        answer = self._tried(lambda: self.remote.start(self._request(cell, begun)))
        if answer.state == "busy":
            sentence = f"The machine is taken: {answer.sentence}."
            self._write(begun, "cancelled", JobThere(state="absent"), None, sentence)
            raise HostLostError(f"{self.name}: {sentence} One measurement runs at a time; go on later with --resume.")
        self._finish(begun)

    def _next_attempt(self, key: str) -> int:
        """Return a number under which nothing was begun, and nothing is kept: a state may be lost, its runs not."""
        attempt = self._file.state.attempts(key) + 1
        while (self._folder / self.name / f"{key}.{attempt}").exists():
            attempt += 1
        return attempt

    def _request(self, cell: Cell, begun: Begun) -> StartRequest:
        plan = self._grid.fleet.plan
        return StartRequest(
            job=begun.job,
            fleet=plan.id,
            command=list(cell.command),
            limit_s=plan.limits.cell_s,
            files=self._grid.sent[cell.workload].files,
            environment=dict(self._environment),
        )

    def _finish(self, begun: Begun) -> None:
        """Wait for a job, collect what it left, and write down what came of it."""
        self.job = begun.job
        try:
            if self.is_stopped:  # the end was asked for while it was begun, when nobody could be told
                self.cancel()
            there = self._waited(begun)
            place = Path(self.name) / f"{begun.cell}.{begun.attempt}"
            is_here = (self._folder / place).exists()  # it was collected, and then we were killed
            if there.state == "absent" and not is_here:
                self._write(begun, "lost", there, None, "Its host knows nothing of it.")
                return
            self._watch.host(self.name, f"collects {begun.cell}")
            facts = self._facts(begun)
            if not is_here:
                self._tried(
                    lambda: collect(lambda tar: self.remote.collect(begun.job, tar), self._folder / place, facts)
                )
            outcome, sentence = outcome_of(self._folder / place, there)
            self._write(begun, outcome, there, place, sentence)
        finally:
            self.job = None

    def _waited(self, begun: Begun) -> JobThere:
        def heard(line: str) -> None:
            if line:
                self._watch.host(self.name, f"measures {begun.cell}", line)

        self._watch.host(self.name, f"measures {begun.cell}")
        while (there := self._tried(lambda: self.remote.wait(begun.job, heard))).state == "running":
            pass
        return there

    def _tried(self, call: Callable[[], T], *, is_patient: bool = False) -> T:
        """Call a host; where it is lost, some more times, with pauses between them: if `is_patient`, also at the end.

        Raises `HostError`; of one that stays lost the first, which says how that began.
        """
        errors: list[HostLostError] = []
        for pause_s in PAUSES_S:
            try:
                return call()
            except HostLostError as error:
                errors.append(error)
                if self.is_stopped and not is_patient:
                    raise errors[0] from None
                self._watch.host(self.name, "is tried once more", str(error))
                self._around.clock.sleep(pause_s)
        try:
            return call()
        except HostLostError as error:
            raise [*errors, error][0] from None

    def _write(self, begun: Begun, outcome: Outcome, there: JobThere, place: Path | None, sentence: str) -> None:
        ended = Ended(
            at=self._around.now(),
            cell=begun.cell,
            host=self.name,
            attempt=begun.attempt,
            outcome=outcome,
            lasted_s=there.lasted_s,
            held_s=max(self._budget.held_s(self.name), there.lasted_s or 0.0),
            folder=place.as_posix() if place is not None else None,
            sentence=sentence,
        )
        self._file.write(ended)
        self._budget.end(ended)
        cells = self._grid.cells
        self._watch.count(sum(map(self._file.state.is_valid, cells)), len(cells))
        cell = self._grid.cells.get(begun.cell)
        if cell is None:
            return
        if outcome == "VALID" and cell in self.todo:
            self.todo.remove(cell)
        if outcome == "INVALID" and not self._is_left and cell not in self._again:
            self._again.append(cell)
            if cell not in self.todo:
                self.todo.append(cell)

    def _facts(self, begun: Begun) -> FleetFacts:
        plan, host = self._grid.fleet.plan, self.remote.host
        keys = [cell.key for cell in self._cells]
        cell = self._grid.cells.get(begun.cell)
        return FleetFacts(
            fleet=plan.id,
            plan_sha256=begun.plan,
            host=host.name,
            transport=self.remote.transport.name,
            cell=begun.cell,
            order=keys.index(begun.cell) + 1 if begun.cell in keys else 0,
            cells=len(keys),
            round=cell.round if cell else 0,
            attempt=begun.attempt,
            labels=host.labels,
            collected_utc=self._around.now(),
        )
