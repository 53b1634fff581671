"""Several real worker processes share one load."""

import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import psutil
import pytest
from support import scripted_server as server

from profiler.errors import DriverError, RecordError
from profiler.results.records import Outcome, RequestRecord
from profiler.timing.driver_client import LoadDriver, load_driver
from profiler.timing.interpret import to_record
from profiler.timing.messages import Block, BlockBegan, ClosedLoopPace, Exchange, Job, JobDone, ScheduledPace
from profiler.units import s_to_ns

TOKENS = ["a", "b", "c"]


def numbered(position: int) -> bytes:
    return b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" % position


def start(
    driver: LoadDriver,
    port: int,
    requests: int,
    pace: ClosedLoopPace | ScheduledPace,
    first_in_spool: int = 0,
    blocks: Sequence[Block] = (),
) -> None:
    driver.start(
        Job(
            phase="repeat-1",
            host="127.0.0.1",
            port=port,
            pace=pace,
            request_timeout_ns=s_to_ns(60),
            stall_timeout_ns=s_to_ns(60),
            first_index=100,
            requests=requests,
            first_in_spool=first_in_spool,
            blocks=list(blocks),
        )
    )


def finish(driver: LoadDriver) -> tuple[list[RequestRecord], JobDone]:
    records: list[RequestRecord] = []
    for _ in range(1200):
        for message in driver.receive(0.1):
            if isinstance(message, Exchange):
                records.append(to_record(message, output_tokens=len(TOKENS), prompt_tokens=3))
            if isinstance(message, JobDone):
                return sorted(records, key=lambda record: record.index), message
    raise AssertionError("the job did not end")


class Ledger:
    """A script that keeps which request came over which connection."""

    def __init__(self, pause_s: float = 0.002) -> None:
        self.paths: list[int] = []
        self.ports: dict[int, int] = {}
        self._answer = server.stream_tokens(TOKENS, pause_s=pause_s)
        self.arrived = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, connection: server.socket.socket, request: bytes) -> None:
        path = int(request.split(b" ", 2)[1][1:])
        self.paths.append(path)
        self.ports[path] = connection.getpeername()[1]
        self.arrived.release()
        self.may_answer.wait(60)
        self._answer(connection, request)


def ports_of(pid: int) -> set[int]:
    return {c.laddr.port for c in psutil.Process(pid).net_connections("tcp") if c.laddr}


def test_two_workers_carry_one_closed_loop() -> None:
    ledger = Ledger()
    ledger.may_answer.clear()
    with load_driver(workers=2) as driver, server.serve(ledger) as port:
        first, second = driver.pids
        assert first != second
        assert driver.spool(numbered(position) for position in range(60)) == 60
        start(driver, port, 60, ClosedLoopPace(4, s_to_ns(60), turns=3))
        assert all(ledger.arrived.acquire(timeout=60) for _ in range(4))  # one from each slot, and none is answered yet
        used = {pid: ports_of(pid) for pid in driver.pids}
        ledger.may_answer.set()
        records, done = finish(driver)
    assert [record.index for record in records] == list(range(100, 160))
    assert {record.outcome for record in records} == {Outcome.OK}
    assert sorted(ledger.paths) == list(range(60))
    assert done.sent == 60
    assert done.start_ns <= min(record.scheduled_ns for record in records)
    assert done.end_ns >= max(record.finished_ns for record in records)
    assert len(done.cpu_ns) == 2
    assert all(used_ns > 0 for used_ns in done.cpu_ns)
    for conversation in range(20):  # whole on one worker, and in order
        turns = records[3 * conversation : 3 * conversation + 3]
        for earlier, later in pairwise(turns):
            assert later.sent_ns is not None
            assert later.sent_ns >= earlier.finished_ns
            assert later.scheduled_ns == earlier.finished_ns
    # Four slots and two workers: conversations 0, 2, 4, … are the first worker's, the others the second's.
    carried = Counter((record.index - 100) // 3 % 2 for record in records)
    assert carried == {0: 30, 1: 30}
    ports = [{record.client_port for record in records if (record.index - 100) // 3 % 2 == own} for own in (0, 1)]
    assert not ports[0] & ports[1]
    assert used[first] & ports[0]
    assert used[second] & ports[1]
    assert not used[first] & ports[1]


def test_two_workers_share_a_schedule_and_a_start() -> None:
    due_ns = [s_to_ns(0.01) * number for number in range(20)]
    with load_driver(workers=2) as driver, server.serve(Ledger()) as port:
        driver.spool(numbered(position) for position in range(20))
        start(driver, port, 20, ScheduledPace(due_ns))
        records, done = finish(driver)
    assert [record.scheduled_ns - done.start_ns for record in records] == due_ns
    assert all((record.sent_ns or 0) >= record.scheduled_ns for record in records)


def test_a_job_sends_a_stretch_of_the_spool() -> None:
    ledger = Ledger()
    with load_driver(workers=2) as driver, server.serve(ledger) as port:
        driver.spool(numbered(position) for position in range(10))
        for first, count in ((0, 4), (4, 6)):
            start(driver, port, count, ClosedLoopPace(2, s_to_ns(60)), first_in_spool=first)
            records, _ = finish(driver)
            assert len(records) == count
            assert sorted(ledger.paths) == list(range(first, first + count))
            ledger.paths.clear()


def test_more_workers_than_slots() -> None:
    with load_driver(workers=3) as driver, server.serve(Ledger()) as port:
        driver.spool(numbered(position) for position in range(5))
        start(driver, port, 5, ClosedLoopPace(1, s_to_ns(60)))
        records, done = finish(driver)
    assert len(records) == done.sent == 5


def test_a_job_that_is_stopped_at_once_is_stopped() -> None:
    ledger = Ledger()
    ledger.may_answer.clear()
    with load_driver(workers=2) as driver, server.serve(ledger) as port:
        driver.spool(numbered(position) for position in range(1000))
        start(driver, port, 1000, ClosedLoopPace(2, s_to_ns(60)))
        driver.stop()
        ledger.may_answer.set()
        _, done = finish(driver)
        assert done.sent <= 4  # two in flight, and one more of each who hears of an answer first
        start(driver, port, 4, ClosedLoopPace(2, s_to_ns(60)))  # the next job is not stopped
        records, _ = finish(driver)
    assert len(records) == 4


def test_a_worker_that_dies_in_the_middle_is_an_error() -> None:
    with load_driver(workers=2) as driver, server.serve(Ledger(pause_s=0.02)) as port:
        driver.spool(numbered(position) for position in range(1000))
        start(driver, port, 1000, ClosedLoopPace(2, s_to_ns(60)))
        os.kill(driver.pids[1], signal.SIGKILL)
        with pytest.raises(DriverError, match="driver has ended"):
            finish(driver)


def test_all_workers_end_with_their_parent() -> None:
    with load_driver(workers=3) as driver:
        pids = driver.pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_requests_leave_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with load_driver() as driver:
        driver.spool(numbered(position) for position in range(1000))
        assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_the_requests_is_a_sentence() -> None:
    def requests() -> Iterator[bytes]:
        yield b"x"
        raise OSError(28, "No space left on device")

    with load_driver() as driver, pytest.raises(RecordError, match=r"No space left on device\. Let TMPDIR name"):
        driver.spool(requests())


@pytest.mark.skipif(not hasattr(os, "SCHED_FIFO"), reason="there is no real-time priority on this system")
@pytest.mark.parametrize("wanted", [True, False])
def test_priority_is_as_the_driver_says(wanted: bool) -> None:
    with load_driver(workers=2, realtime=wanted) as driver:
        policies = {os.sched_getscheduler(pid) for pid in driver.pids}
        is_realtime = driver.hello.is_realtime
    assert policies == {os.SCHED_FIFO if is_realtime else os.sched_getscheduler(0)}
    assert is_realtime == (wanted and may_be_realtime())


def may_be_realtime() -> bool:
    """Ask the kernel by way of another program."""
    asked = subprocess.run(["chrt", "--fifo", "1", "true"], check=False, capture_output=True)
    return asked.returncode == 0


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="processes cannot be kept on processors on this system"
)
def test_each_worker_stays_on_its_processor() -> None:
    usable = sorted(os.sched_getaffinity(0))
    chosen = usable[-2:]
    with load_driver(workers=2, cpus=chosen) as driver:
        kept = [os.sched_getaffinity(pid) for pid in driver.pids]
    assert kept == [{chosen[0]}, {chosen[-1]}]


def continuous(requests: int, spare: int, *, first: int = 4, **limits: int) -> list[Block]:
    """Return a warm-up of four requests, two repeats, and what keeps the load on for the last of them."""
    return [
        Block("warmup", 4),
        Block("repeat-1", requests, first=first, **limits),
        Block("repeat-2", requests, first=first + requests, **limits),
        Block("cooldown", spare, first=first + 2 * requests, is_cooldown=True),
    ]


def follow(driver: LoadDriver) -> tuple[list[RequestRecord], list[BlockBegan], JobDone]:
    records, began = [], []
    for _ in range(1200):
        for message in driver.receive(0.1):
            if isinstance(message, Exchange):
                records.append(to_record(message, output_tokens=len(TOKENS), prompt_tokens=3))
            elif isinstance(message, BlockBegan):
                began.append(message)
            elif isinstance(message, JobDone):
                return records, began, message
    raise AssertionError("the job did not end")


@pytest.mark.parametrize("workers", [1, 2])
def test_blocks_follow_one_another_while_the_load_goes_on(workers: int) -> None:
    with load_driver(workers=workers) as driver, server.serve(Ledger(pause_s=0.01)) as port:
        driver.spool(numbered(position) for position in range(48))
        start(driver, port, 48, ClosedLoopPace(4, s_to_ns(60)), blocks=continuous(20, 4))
        records, began, done = follow(driver)
    assert [message.number for message in began] == [0, 1, 2, 3]
    assert all(len(message.cpu_ns) == workers for message in began)
    assert done.sent == len(records) == len({record.index for record in records})
    sent = {record.phase: [r for r in records if r.phase == record.phase] for record in records}
    if workers == 1:
        assert [message.sent for message in began] == [0, 4, 24, 44]
        assert [len(sent[phase]) for phase in ("warmup", "repeat-1", "repeat-2")] == [4, 20, 20]
    assert sum(record.phase == "cooldown" for record in records) <= 4
    for message, phase in zip(began, sent, strict=False):
        assert message.start_ns <= min(record.sent_ns or 0 for record in sent[phase])
    edges = sorted([(r.sent_ns or 0, 1) for r in records] + [(r.finished_ns, -1) for r in records])
    assert max(accumulate(change for _, change in edges)) <= 4
    # No drain: after its first request each slot has its next one when the one before it ends, also where blocks meet.
    ended_ns = {record.finished_ns for record in records}
    assert sum(record.scheduled_ns not in ended_ns for record in records) == 4


def test_a_stopped_job_keeps_the_load_on_for_the_last_measured_requests() -> None:
    with load_driver() as driver, server.serve(Ledger(pause_s=0.02)) as port:
        driver.spool(numbered(position) for position in range(2008))
        start(driver, port, 2008, ClosedLoopPace(4, s_to_ns(60)), blocks=continuous(1000, 4))
        while not any(isinstance(m, Exchange) and m.phase == "repeat-1" for m in driver.receive(0.1)):
            pass
        driver.stop()
        records, began, _ = follow(driver)
    assert began[-1].number == 3
    assert {record.phase for record in records} <= {"repeat-1", "cooldown", "warmup"}
    assert sum(record.phase == "cooldown" for record in records) >= 1


def test_a_block_cut_short_by_time_leaves_its_place_to_the_next_one() -> None:
    with load_driver() as driver, server.serve(Ledger(pause_s=0.02)) as port:
        driver.spool(numbered(position) for position in range(2008))
        blocks = continuous(1000, 4, limit_ns=s_to_ns(0.3), step=4)
        start(driver, port, 2008, ClosedLoopPace(4, s_to_ns(60)), blocks=blocks)
        records, began, _ = follow(driver)
    assert [message.number for message in began] == [0, 1, 2, 3]
    assert (began[2].sent - began[1].sent) % 4 == 0
    repeat_2 = [record.index - 100 for record in records if record.phase == "repeat-2"]
    assert sorted(repeat_2) == list(range(1004, 1004 + len(repeat_2)))
