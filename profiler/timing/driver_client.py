"""The parent's end of the load driver: starts its processes, gives them jobs, takes finished requests.

One process is enough for most loads. Several workers share a job: each has its own slots or arrivals, its own sockets
and stamps, and all begin at the same moment of the monotonic clock, which they have in common.
"""

import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

import msgspec

from profiler.child import end, start_python
from profiler.errors import DriverError, RecordError
from profiler.timing.messages import (
    Abandon,
    Alive,
    Begin,
    BlockBegan,
    Hello,
    Inbox,
    Job,
    JobDone,
    Message,
    NextBlock,
    Ready,
    ScheduledPace,
    Stop,
    encode,
)
from profiler.timing.spool import write_spool
from profiler.units import NS_PER_MS

_START_TIMEOUT_S = 60.0
_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_SILENT_S = 30.0  # a worker that carries out a job is heard each second, however long its requests take
_RECEIVE_BYTES = 1 << 18
_PROGRAM = ("-m", "profiler.timing.driver")
_LEAD_NS = 30 * NS_PER_MS  # from the word to begin until the beginning: time for it to reach every worker


class _Worker:
    """One running process."""

    def __init__(self, process: "subprocess.Popen[bytes]", sock: socket.socket, log: BinaryIO) -> None:
        self._process = process
        self._log = log
        self._inbox = Inbox()
        self.socket = sock
        self.pid = process.pid
        self.is_busy = False  # with a job
        self.heard_s = time.monotonic()

    def post(self, message: Message) -> None:
        """Send a message. Raises `DriverError`."""
        try:
            self.socket.sendall(encode(message))
        except OSError as error:
            raise DriverError(f"The load driver has ended. {self.said()}") from error

    def receive(self) -> list[Message]:
        """Return what can be read now. Raises `DriverError`."""
        try:
            data = self.socket.recv(_RECEIVE_BYTES)
        except ConnectionError:  # killed before it had read all that it was told
            data = b""
        if not data:
            raise DriverError(f"The load driver has ended. {self.said()}")
        self.heard_s = time.monotonic()
        return self._inbox.feed(data)

    def end_if_silent_since(self, now_s: float) -> None:
        """Kill a worker that has a job and has not been heard for long. Raises `DriverError`."""
        if self.is_busy and now_s - self.heard_s > _SILENT_S:
            self._process.kill()
            raise DriverError(
                f"The load driver made no progress for {_SILENT_S:g} s and was ended. Stop other work on this host, or "
                f"give the client a CPU of its own. {self.said()}"
            )

    def said(self) -> str:
        """Quote the last line that it printed."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return f"It said: {lines[-1]}" if lines else "It said nothing."

    def close(self) -> None:
        """End the process: closing its socket is enough, and a kill is at hand."""
        self.socket.close()
        end(self._process, _STOP_TIMEOUT_S)


class LoadDriver:
    """Running worker processes, which together carry out one job after the other."""

    def __init__(self, workers: Sequence[_Worker], spool: BinaryIO) -> None:
        """Wait until every process says that it is up. Raises `DriverError`."""
        self._workers = {worker.socket.fileno(): worker for worker in workers}
        self._spool = spool
        self._done: dict[int, JobDone] = {}  # by the worker's descriptor, in the order of the workers
        self._began: dict[int, list[BlockBegan]] = {}
        hellos = [hello for hello in self._gather(Hello, _START_TIMEOUT_S, "did not start") if isinstance(hello, Hello)]
        self.hello = next((hello for hello in hellos if not hello.kernel_stamps), hellos[0])

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.pid for worker in self._workers.values()]

    def spool(self, requests: Iterable[bytes]) -> int:
        """Store the requests of the jobs that follow, in place of earlier ones; return how many they are.

        Raises `RecordError` where the disk has no room for them.
        """
        try:
            return write_spool(self._spool, requests)
        except OSError as error:
            raise _no_room(error) from error

    def start(self, job: Job) -> None:
        """Hand over a job, which begins at once; its finished requests come out of `receive`. Raises `DriverError`."""
        self._done.clear()
        self._began = {fd: [] for fd in self._workers}
        for number, worker in enumerate(self._workers.values()):
            worker.post(share_of(job, number, len(self._workers)))
        self._gather(Ready, _READY_TIMEOUT_S, "was not ready for its job")
        self._post(Begin(time.monotonic_ns() + _LEAD_NS))
        for worker in self._workers.values():
            worker.is_busy, worker.heard_s = True, time.monotonic()

    def stop(self) -> None:
        """Have the driver measure no further request of its job."""
        self._post(Stop())

    def abandon(self) -> None:
        """Have the driver end its job now and hand over what has finished; `JobDone` comes last."""
        self._post(Abandon())

    def _post(self, message: Message) -> None:
        for worker in self._workers.values():
            worker.post(message)

    def _gather(self, kind: type[Message], timeout_s: float, complaint: str) -> list[Message]:
        """Return one message of a kind from every worker."""
        found: list[Message] = []
        deadline_s = time.monotonic() + timeout_s
        while len(found) < len(self._workers):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                said = next(iter(self._workers.values())).said()
                raise DriverError(f"The load driver {complaint} within {timeout_s:g} s. {said}")
            found += [message for message in self.receive(left_s) if isinstance(message, kind)]
        return found

    def receive(self, timeout_s: float) -> list[Message]:
        """Return what the workers have sent, waiting at most `timeout_s`. Raises `DriverError`.

        `BlockBegan` and `JobDone` come once, when all of them have begun the block and when all are done.
        """
        begin_s = time.monotonic()
        readable, _, _ = select.select(list(self._workers), [], [], timeout_s)
        for fd in self._workers.keys() - readable:
            self._workers[fd].end_if_silent_since(begin_s)
        messages: list[Message] = []
        for fd in readable:
            for message in self._workers[fd].receive():
                if isinstance(message, JobDone):
                    self._workers[fd].is_busy = False
                    self._done[fd] = message
                elif isinstance(message, BlockBegan):
                    self._began[fd].append(message)
                    self._lead(fd, message)
                elif isinstance(message, Alive):
                    continue
                else:
                    messages.append(message)
                    continue
                messages += self._together()
        return messages

    def _lead(self, fd: int, began: BlockBegan) -> None:
        """Let the other workers begin the block that the first one has begun."""
        leader, *others = self._workers
        if fd == leader and began.number:
            for other in others:
                self._workers[other].post(NextBlock(began.number))

    def _together(self) -> Iterator[Message]:
        """Yield what all workers have reported by now, as if one process had carried out the job."""
        leader = next(iter(self._workers))
        while self._began.get(leader) and all(self._began[fd] or fd in self._done for fd in self._workers):
            number = self._began[leader][0].number
            yield _began_together([self._reached(fd, number) for fd in self._workers])
        if len(self._done) == len(self._workers):
            yield _merged([self._done[fd] for fd in self._workers])
            self._done.clear()

    def _reached(self, fd: int, number: int) -> BlockBegan:
        """Return how far a worker was at the beginning of a block; one without further requests stays where it was."""
        if began := self._began[fd]:  # the last of a ramp may begin with a later block
            return began.pop(0) if began[0].number == number else began[0]
        done = self._done[fd]
        return BlockBegan(number, done.end_ns, done.sent, done.cpu_ns)


def share_of(job: Job, worker: int, workers: int) -> Job:
    """Return one worker's part of a job: every so manyth slot of a closed loop, or arrival of an open one."""
    pace = job.pace
    if isinstance(pace, ScheduledPace):
        pace = msgspec.structs.replace(pace, due_ns=pace.due_ns[worker::workers])
    return msgspec.structs.replace(job, pace=pace, share=(worker, workers))


def _merged(done: Sequence[JobDone]) -> JobDone:
    """Return the end of a job as if one process had carried it out."""
    return JobDone(
        phase=done[0].phase,
        sent=sum(part.sent for part in done),
        start_ns=min(part.start_ns for part in done),
        end_ns=max(part.end_ns for part in done),
        cpu_ns=[used_ns for part in done for used_ns in part.cpu_ns],
    )


def _began_together(began: Sequence[BlockBegan]) -> BlockBegan:
    """Return the beginning of a block as if one process had carried it out: when the worker that leads began it."""
    return BlockBegan(
        number=began[0].number,
        start_ns=began[0].start_ns,
        sent=sum(part.sent for part in began),
        cpu_ns=[used_ns for part in began for used_ns in part.cpu_ns],
    )


@contextmanager
def load_driver(workers: int = 1, cpus: Sequence[int] = (), *, realtime: bool = True) -> Iterator[LoadDriver]:
    """Start the processes; they are gone when the block ends, and when this process dies.

    `cpus` are dealt out among the workers; each stays on its own. Without any the kernel decides. `realtime` asks for
    real-time priority; `hello` says whether that was permitted. The file that holds the requests has no name, so
    nothing is left of it whatever happens. Raises `DriverError`, and `RecordError` where there is no temporary folder.
    """
    with ExitStack() as stack:
        spool = _temporary_file(stack)
        started: list[_Worker] = []
        for number in range(workers):
            words = ["realtime" if realtime else "normal", *_listed(cpus[number::workers] or cpus)]
            worker = _start(stack, spool.fileno(), words)
            stack.callback(worker.close)
            started.append(worker)
        yield LoadDriver(started, spool)


def _temporary_file(stack: ExitStack) -> BinaryIO:
    """Return a file without a name, which the stack closes. Raises `RecordError`."""
    try:
        return stack.enter_context(tempfile.TemporaryFile())
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> RecordError:
    where = f" in {tempfile.tempdir}" if tempfile.tempdir else ""
    return RecordError(
        f"The requests could not be written to a temporary file{where}: {error.strerror}. "
        "Let TMPDIR name a folder with more room, in which you may write."
    )


def _start(stack: ExitStack, spool_fd: int, words: Sequence[str]) -> _Worker:
    ours, theirs = socket.socketpair()
    log = _temporary_file(stack)
    with theirs:
        process = start_python(
            [*_PROGRAM, str(theirs.fileno()), str(spool_fd), *words],
            pass_fds=[theirs.fileno(), spool_fd],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return _Worker(process, ours, log)


def _listed(cpus: Sequence[int]) -> list[str]:
    return [",".join(str(cpu) for cpu in cpus)] if cpus else []
