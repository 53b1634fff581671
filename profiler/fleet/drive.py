"""All hosts of a plan at work: a cell at a time on each machine, to the end of the plan or a signal."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from profiler.errors import HostError, InterruptedRunError
from profiler.fleet.around import Around
from profiler.fleet.host_work import HostWork
from profiler.fleet.state import HostGone, StateFile

_TICK_S = 0.2


@dataclass
class Machine:
    """Hosts of a plan that are one machine: they measure in turn."""

    hosts: deque[HostWork] = field(default_factory=deque)

    def step(self) -> HostWork | None:
        """Return the host whose turn it is; None where all are done."""
        self.hosts = deque(host for host in self.hosts if not host.is_over)
        self.hosts.rotate(-1)
        for host in self.hosts:
            if host.open:  # a measurement that is under way has the machine
                return host
        return self.hosts[-1] if self.hosts else None


class Drive:
    """The whole of it."""

    def __init__(
        self,
        machines: Sequence[Machine],
        file: StateFile,
        hosts_at_once: int,
        around: Around,
    ) -> None:
        """Take hosts that are ready."""
        self._waiting = deque(machines)
        self._hosts = [host for machine in machines for host in machine.hosts]
        self._file, self._hosts_at_once = file, hosts_at_once
        self._around, self._watch = around, around.watch
        self._working: dict[Future[None], Machine] = {}
        self._cancelling = set[Future[None]]()
        self._interrupted: InterruptedRunError | None = None

    def run(self) -> None:
        """Go on until nothing is left to do. Raises `RecordError`, and `InterruptedRunError` once all has ended."""
        while self._waiting or self._working or self._cancelling:
            self._begin_more()
            done, _ = wait({*self._working, *self._cancelling}, timeout=_TICK_S, return_when=FIRST_COMPLETED)
            for future in done:
                machine = self._working.pop(future, None)
                self._cancelling.discard(future)
                future.result()
                if machine is not None:
                    self._waiting.append(machine)
            self._look_for_end()
        if self._interrupted is not None:
            raise self._interrupted

    def _begin_more(self) -> None:
        while self._waiting and len(self._working) < self._hosts_at_once:
            machine = self._waiting.popleft()
            host = machine.step()
            if host is not None and self._interrupted is None:
                self._working[self._around.begin(self._task(machine, host))] = machine

    def _task(self, machine: Machine, host: HostWork) -> Callable[[], None]:
        def task() -> None:
            try:
                host.take_in() if host.open else host.measure()
            except HostError as error:
                self._lose(machine, host, str(error))

        return task

    def _lose(self, machine: Machine, host: HostWork, sentence: str) -> None:
        """Write down that a host was lost, and go on without it."""
        self._file.write(HostGone(at=self._around.now(), host=host.name, sentence=sentence))
        self._watch.note(f"{sentence} Its other cells wait for --resume.")
        self._watch.host(host.name, "lost")
        machine.hosts = deque(each for each in machine.hosts if each is not host)

    def _look_for_end(self) -> None:
        if self._interrupted is not None:
            return
        try:
            self._around.tick()
        except InterruptedRunError as error:
            self._interrupted = error
            self._watch.note("Ending the cells in progress, which takes a moment. Once more: give up at once.")
            for host in self._hosts:
                host.is_stopped = True
                if host.job is not None:
                    self._cancelling.add(self._around.begin(host.cancel))
