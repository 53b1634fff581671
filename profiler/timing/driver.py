"""The load driver: a process of its own that only sends, receives and stamps.

No other Python runs here: no interface, no meter, no journal, no second thread. One busy thread beside
the loop costs three orders of magnitude of accuracy, because the interpreter lock is not the
scheduler's. Finished requests go to the parent over a socket, in the gaps between the reads.

Started as `python -m profiler.timing.driver SOCKET SPOOL PRIORITY [CPUS]`: two open descriptors, a connected stream
socket and the file that holds the requests, then `realtime` or `normal`, and the processors to stay on, if any. It
ends when that socket does, so it never outlives its parent.
"""

import gc
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from profiler.results.records import Outcome
from profiler.timing.blocks import Blocks
from profiler.timing.channel import Channel, ParentGoneError
from profiler.timing.connections import Address, Connections, Habit, Idle, reachable
from profiler.timing.framing import FramingError
from profiler.timing.kernel_timestamps import enable_kernel_timestamps
from profiler.timing.messages import (
    Abandon,
    Alive,
    Begin,
    Block,
    BlockBegan,
    Hello,
    Job,
    JobDone,
    Message,
    NextBlock,
    Ready,
    ScheduledPace,
    Stop,
)
from profiler.timing.pacing import ClosedLoop, Pace, Scheduled, Share
from profiler.timing.poller import make_poller
from profiler.timing.spool import SpoolReader
from profiler.timing.watchdog import Watchdog, die_with_parent
from profiler.timing.wire import Flight, outcome_of_error
from profiler.units import NS_PER_MS, NS_PER_S, ns_to_s

_EXPIRY_NS = NS_PER_S // 20  # how often deadlines are looked at
_ALIVE_NS = NS_PER_S
_FULL_NS = NS_PER_MS  # how soon to look again whether the parent has taken something
_AFTER_DONE_NS = NS_PER_S // 10  # what a body has to end in, once the stream has said that it is over
_FEW_DONE = 1  # such bodies make a habit: each costs its slot those 100 ms, which a short run cannot bear twice
_HUNG_UP = {Outcome.RESET, Outcome.SEND_FAILED}


class _Task(NamedTuple):
    """A job and what it takes to carry it out, made ready before its time begins."""

    job: Job
    pace: Pace
    blocks: Blocks
    requests: SpoolReader
    address: Address
    new_flight: "_NewFlight"


_NewFlight = Callable[[str, int, bytes, int], Flight]
_M = TypeVar("_M", Job, Begin)


class Driver:
    """Carries out jobs, one after the other."""

    def __init__(self, control: socket.socket, spool_fd: int, watchdog: Watchdog, *, is_realtime: bool) -> None:
        """Take over the socket to the parent and the file of requests."""
        self._watchdog = watchdog
        self._spool_fd = spool_fd
        self._poller = make_poller()
        self._channel = Channel(control, self._poller)
        # Keeps the kernel's stamping switched on between requests: turning it on takes effect late.
        self._keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._flights: dict[int, Flight] = {}
        self._heard: list[Message] = []  # from the parent, about the job that is being carried out
        self._is_abandoned = False
        self._ended: list[tuple[int, int, str]] = []  # (when, index, phase) of endings that the pace has not heard of
        self._connections = Connections()
        self._ends_with_done = Habit(_FEW_DONE)  # of the server: a body that goes on after its stream has said [DONE]
        has_stamps = enable_kernel_timestamps(self._keeper)
        note = "arrival and send timestamps by the kernel (SO_TIMESTAMPING)" if has_stamps else _no_stamps_note()
        self._channel.post(Hello(os.getpid(), has_stamps, note, is_realtime))

    def serve(self) -> None:
        """Wait for jobs and carry them out, until the parent is gone."""
        while True:
            job = self._await(Job)
            task = self._make_ready(job)
            self._channel.post(Ready())
            self._run(task, self._await(Begin).start_ns)

    def _await(self, kind: type[_M]) -> _M:
        """Return the next message of a kind; remember those behind it."""
        found: _M | None = None
        while found is None:
            self._poller.wait(NS_PER_S)
            for message in self._channel.receive():
                if isinstance(message, kind):
                    found = message
                    self._heard.clear()
                else:
                    self._heard.append(message)
        return found

    def _make_ready(self, job: Job) -> _Task:
        """Do all that would take time while requests are due."""
        requests, pace, address = SpoolReader(self._spool_fd), _pace(job), reachable(job.host, job.port)
        self._connections, self._ends_with_done = Connections(), Habit(_FEW_DONE)
        new_flight: _NewFlight = Flight
        if job.tls is not None:
            from profiler.timing import tls  # noqa: PLC0415 - costs a driver without TLS neither time nor memory

            new_flight = tls.flights(job.host, job.tls)
            ahead = tls.open_ahead(_first_wave(job), new_flight, address.family, address.sockaddr)
            self._connections.add([Idle(flight.sock, flight.session, time.monotonic_ns()) for flight in ahead])
        gc.collect()
        gc.freeze()
        return _Task(job, pace, _blocks(job), requests, address, new_flight)

    def _run(self, task: _Task, start_ns: int) -> None:
        self._cpu_start_ns = time.process_time_ns()
        self._task, self._is_abandoned = task, False
        self._loop(task, start_ns)
        self._give_up_flights()
        self._connections.close()
        done = JobDone(task.job.phase, task.blocks.total, start_ns, time.monotonic_ns(), self._cpu_ns())
        self._channel.post(done)
        self._channel.drain()

    def _cpu_ns(self) -> list[int]:
        return [time.process_time_ns() - self._cpu_start_ns]

    def _loop(self, task: _Task, start_ns: int) -> None:
        pace, blocks = task.pace, task.blocks
        next_expiry_ns = start_ns + _EXPIRY_NS
        next_alive_ns = start_ns + _ALIVE_NS
        while True:
            self._watchdog.turns += 1
            now_ns = time.monotonic_ns()
            wait_ns = _EXPIRY_NS
            if self._heard:
                self._obey(task, start_ns)
            while not _is_over(task, now_ns - start_ns) and (due_ns := pace.due_ns()) is not None:
                if start_ns + due_ns > now_ns:
                    wait_ns = min(wait_ns, start_ns + due_ns - now_ns)
                    break
                if self._channel.is_full:
                    wait_ns = _FULL_NS
                    break
                if blocks.is_spent(now_ns - start_ns):
                    self._begin_block(task, start_ns, blocks.following)
                else:
                    self._launch(task, pace.take(), start_ns + due_ns)
                    blocks.sent()
                now_ns = time.monotonic_ns()
            if self._is_abandoned or (not self._flights and _is_over(task, now_ns - start_ns)):
                return
            self._handle(self._poller.wait(wait_ns))
            self._tell(task, start_ns)
            if (now_ns := time.monotonic_ns()) >= next_expiry_ns:
                self._expire(task.job, now_ns)
                self._tell(task, start_ns)
                next_expiry_ns = now_ns + _EXPIRY_NS
                if now_ns >= next_alive_ns and not self._channel.has_unsent:
                    self._channel.post(Alive())
                    next_alive_ns = now_ns + _ALIVE_NS

    def _begin_block(self, task: _Task, start_ns: int, number: int) -> None:
        now_ns = time.monotonic_ns()
        task.pace.skip_to(task.blocks.begin(number, now_ns - start_ns).first)
        self._channel.post(BlockBegan(number, now_ns, task.blocks.total, self._cpu_ns()))

    def _obey(self, task: _Task, start_ns: int) -> None:
        for message in self._heard:
            if isinstance(message, Abandon):
                self._is_abandoned = True
            elif isinstance(message, Stop):
                task.blocks.stop()
            elif isinstance(message, NextBlock) and message.number > task.blocks.number:
                self._begin_block(task, start_ns, message.number)
        self._heard.clear()

    def _launch(self, task: _Task, position: int, scheduled_ns: int) -> None:
        job = task.job
        request = task.requests[job.first_in_spool + position]
        flight = task.new_flight(task.blocks.phase, job.first_index + position, request, scheduled_ns)
        flight.limit(job.most_response_bytes)
        if idle := self._connections.take():
            flight.adopt(idle.sock, idle.session)
            self._poller.watch(flight.fd, writable=True)
            self._flights[flight.fd] = flight
            self._advance(flight)
        else:
            self._connect(flight)

    def _connect(self, flight: Flight) -> None:
        address = self._task.address
        try:
            flight.connect(address.family, address.sockaddr)
        except OSError as error:
            self._post(flight, *outcome_of_error(error, flight))
            return
        self._poller.watch(flight.fd, writable=True)
        self._flights[flight.fd] = flight

    def _handle(self, ready: list[int]) -> None:
        flights = self._flights
        for fd in ready:
            flight = flights.get(fd)
            if flight is None:
                self._heard += self._channel.receive() if fd == self._channel.fd else []
            elif flight.sent_ns is None:
                self._advance(flight)
            else:
                self._receive(flight)
        if self._channel.has_unsent:
            self._channel.flush()

    def _advance(self, flight: Flight) -> None:
        """Connect and send, as far as it goes."""
        try:
            self._poller.rewatch(flight.fd, writable=not flight.advance())
        except OSError as error:
            self._fail(flight, *outcome_of_error(error, flight))

    def _receive(self, flight: Flight) -> None:
        try:
            outcome = flight.receive()
        except BlockingIOError:
            flight.take_send_stamp()  # a stamp that came late makes the socket ready, too
            return
        except (OSError, FramingError) as error:
            self._fail(flight, *outcome_of_error(error, flight))
            return
        if outcome is Outcome.OK:
            self._ends_with_done.could_be_seen()
            self._finish(flight, outcome, None)
        elif outcome is not None:
            self._fail(flight, outcome, None)
        elif flight.ends_with_connection and flight.said_done_ns is not None:
            flight.end_with_done()
            self._finish(flight, Outcome.OK, None)
        elif self._ends_with_done.is_one and flight.said_done_ns is not None:
            self._end_with_done(flight)

    def _end_with_done(self, flight: Flight, freed_ns: int | None = None) -> None:
        self._ends_with_done.could_be_seen()
        self._ends_with_done.seen()
        flight.end_with_done()
        self._finish(flight, Outcome.OK, None, freed_ns)

    def _fail(self, flight: Flight, outcome: Outcome, detail: str | None) -> None:
        """End a request that failed, or send it again where it met a connection that the server was about to close.

        A server that has sent not one byte in return on a connection that was open before has not heard the request
        (RFC 9112 §9.3.1). On a new connection the same would be a failure, so none is sent a third time.
        """
        if outcome not in _HUNG_UP or not flight.is_reused or flight.data:
            self._finish(flight, outcome, detail)
            return
        self._release(flight)
        flight.sock.close()
        self._connections.hung_up()
        task = self._task
        position = flight.index - task.job.first_index
        request = task.requests[task.job.first_in_spool + position]
        again = task.new_flight(flight.phase, flight.index, request, flight.scheduled_ns)
        again.limit(task.job.most_response_bytes)
        again.first_sent_ns = flight.sent_ns
        self._connect(again)

    def _release(self, flight: Flight) -> None:
        self._poller.forget(flight.fd)
        del self._flights[flight.fd]

    def _finish(self, flight: Flight, outcome: Outcome, detail: str | None, freed_ns: int | None = None) -> None:
        self._release(flight)
        self._connections.keep(flight)
        self._post(flight, outcome, detail, freed_ns)

    def _post(self, flight: Flight, outcome: Outcome, detail: str | None, freed_ns: int | None = None) -> None:
        """Hand over what was measured; its slot is free from its end on, or from `freed_ns` where it waited longer."""
        exchange = flight.to_exchange(outcome, detail)
        self._ended.append((freed_ns or exchange.finished_user_ns, exchange.index, exchange.phase))
        self._channel.post(exchange)

    def _tell(self, task: _Task, start_ns: int) -> None:
        """Tell pace and blocks which requests have ended."""
        for ended_ns, index, phase in self._ended:
            task.pace.finished(ended_ns - start_ns, index - task.job.first_index)
            task.blocks.finished(phase)
        self._ended.clear()

    def _give_up_flights(self) -> None:
        for flight in list(self._flights.values()):
            self._release(flight)
            flight.sock.close()

    def _expire(self, job: Job, now_ns: int) -> None:
        for flight in list(self._flights.values()):
            silent_ns = now_ns - flight.last_activity_ns
            done_ns = flight.said_done_ns
            if done_ns is not None and now_ns - done_ns > _AFTER_DONE_NS:
                self._end_with_done(flight, freed_ns=now_ns)
            elif now_ns - flight.start_ns > job.request_timeout_ns:
                self._finish(flight, *_timed_out(flight, job.request_timeout_ns, is_stall=False))
            elif silent_ns > job.stall_timeout_ns:
                self._finish(flight, *_timed_out(flight, job.stall_timeout_ns, is_stall=True))


def _timed_out(flight: Flight, limit_ns: int, *, is_stall: bool) -> tuple[Outcome, str]:
    limit = f"{ns_to_s(limit_ns):g} s"
    if not flight.is_connected:
        return Outcome.CONNECT_TIMEOUT, f"the connection was not accepted within {limit}"
    if flight.sent_ns is None:
        return Outcome.SEND_FAILED, f"the server did not take the whole request within {limit}"
    if not flight.data:
        return Outcome.NO_RESPONSE, f"not one byte arrived within {limit}"
    if is_stall:
        return Outcome.STALLED, f"the stream stayed silent for {limit} after {len(flight.data)} reads"
    return Outcome.TIMEOUT, f"still streaming after {limit}"


def _pace(job: Job) -> Pace:
    pace, share = job.pace, Share(*job.share)
    if isinstance(pace, ScheduledPace):
        return Scheduled(pace.due_ns, job.requests, pace.think_ns, pace.turns, share)
    return ClosedLoop(
        pace.concurrency, job.requests, pace.max_duration_ns, pace.think_ns, pace.ramp_ns, pace.turns, share
    )


def _blocks(job: Job) -> Blocks:
    """Return the blocks of a job with this worker's part of each: so many of all slots, or of all arrivals."""
    worker, workers = job.share
    slots = 1 if isinstance(job.pace, ScheduledPace) else job.pace.concurrency
    own, of_all = (1, workers) if slots == 1 else (len(range(worker, slots, workers)), slots)
    return Blocks(job.blocks or [Block(job.phase, job.requests)], own, of_all, leads=worker == 0)


def _is_over(task: _Task, elapsed_ns: int) -> bool:
    return task.blocks.is_over or task.pace.is_over(elapsed_ns)


def _first_wave(job: Job) -> int:
    """How many requests begin together at the start: one from each slot of this worker."""
    if isinstance(job.pace, ScheduledPace):
        return 1
    worker, workers = job.share
    return len(range(worker, min(job.pace.concurrency, job.requests), workers))


def _no_stamps_note() -> str:
    return f"user-space timestamps: no kernel timestamps on {sys.platform}"


def go_first() -> bool:
    """Take the lowest real-time priority; return whether that was permitted.

    A process of ordinary priority waits for its turn behind a busy model server, for several tokens where it also needs
    much of a processor; meanwhile the kernel merges what arrives. This one only reacts to what the server has sent, so
    it takes no more processor time for being first, only sooner (sched(7): root, CAP_SYS_NICE or RLIMIT_RTPRIO).
    """
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    return True


def main() -> None:
    """Run a driver on the descriptors that the arguments number."""
    control, spool, priority, *processors = sys.argv[1:]
    if processors:
        os.sched_setaffinity(0, {int(number) for number in processors[0].split(",")})
    die_with_parent()
    is_realtime = priority == "realtime" and go_first()
    gc.disable()
    watchdog = Watchdog()
    watchdog.start(is_realtime=is_realtime)
    try:
        Driver(socket.socket(fileno=int(control)), int(spool), watchdog, is_realtime=is_realtime).serve()
    except ParentGoneError:
        return


if __name__ == "__main__":
    main()
