"""The real driver process against real sockets: every way a request can end has a name."""

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from support import scripted_server as server
from support.calm import unless_paused
from support.stopped import WhileStopped

from profiler.errors import DriverError
from profiler.results.records import Outcome, RequestRecord
from profiler.timing import driver_client
from profiler.timing.driver_client import LoadDriver, load_driver
from profiler.timing.interpret import to_record
from profiler.timing.messages import ClosedLoopPace, Exchange, Job, JobDone, ScheduledPace
from profiler.units import s_to_ns

REQUEST = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
TOKENS = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def driver() -> Iterator[LoadDriver]:
    with load_driver() as running:
        yield running


def drive(
    driver: LoadDriver,
    port: int,
    *,
    requests: int = 1,
    concurrency: int = 1,
    request_timeout_s: float = 60.0,
    stall_timeout_s: float = 60.0,
    payload: bytes = REQUEST,
    pace: ClosedLoopPace | ScheduledPace | None = None,
    before_reading: Callable[[], object] = lambda: None,
) -> tuple[list[RequestRecord], JobDone]:
    count = driver.spool([payload] * requests)
    driver.start(
        Job(
            phase="repeat-1",
            host="127.0.0.1",
            port=port,
            pace=pace or ClosedLoopPace(concurrency, max_duration_ns=s_to_ns(600)),
            request_timeout_ns=s_to_ns(request_timeout_s),
            stall_timeout_ns=s_to_ns(stall_timeout_s),
            first_index=0,
            requests=count,
        )
    )
    before_reading()
    records: list[RequestRecord] = []
    deadline_s = time.monotonic() + 120
    while time.monotonic() < deadline_s:
        for message in driver.receive(0.1):
            if isinstance(message, Exchange):
                records.append(to_record(message, output_tokens=len(TOKENS), prompt_tokens=3))
            if isinstance(message, JobDone):
                return records, message
    raise AssertionError("the job did not end")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def drive_until_answered(driver: LoadDriver, port: int, **limits_s: float) -> RequestRecord:
    """Send one request; again where not even the first bytes arrived, because the server got no CPU for so long."""
    (record,), _ = unless_paused(
        lambda: drive(driver, port, **limits_s),  # type: ignore[arg-type]
        lambda driven: driven[0][0].outcome is Outcome.NO_RESPONSE,
    )
    return record


def test_a_stream_is_stamped_read_by_read(driver: LoadDriver) -> None:
    with server.serve(server.stream_tokens(TOKENS, pause_s=0.01)) as port:
        (record,), done = drive(driver, port)
    assert record.outcome is Outcome.OK
    assert record.completion_tokens == record.completion_tokens_server == 4
    assert record.prompt_tokens == 3
    assert sum(record.read_tokens) == 4
    assert record.finish_reason == "length"
    assert record.sent_ns is not None
    # Four tokens, each sent 10 ms after the one before it: the last arrives 40 ms after the request.
    arrivals = [t for t, n in zip(record.read_offset_ns, record.read_tokens, strict=True) if n]
    assert arrivals == sorted(arrivals)
    assert arrivals[-1] >= s_to_ns(0.04)
    assert done.sent == 1


def test_linux_stamps_come_from_the_kernel_before_we_see_the_bytes(driver: LoadDriver) -> None:
    if not driver.hello.kernel_stamps:
        pytest.skip("no kernel receive stamps on this system")
    with server.serve(server.stream_tokens(TOKENS, pause_s=0.005)) as port:
        records, _ = drive(driver, port, requests=5)
    assert {record.stamp_source for record in records} == {"kernel"}
    assert {record.sent_stamp_source for record in records} == {"kernel"}
    lags = [lag for record in records for lag in record.read_lag_ns]
    widths = [record.clock_offset_width_ns or 0 for record in records]
    assert all(lag is not None and lag > -max(widths) - 1000 for lag in lags)


def test_a_stopped_driver_still_stamps_what_arrived_meanwhile(driver: LoadDriver) -> None:
    """The whole point: the process is frozen for 150 ms, the stamps are not."""
    if not driver.hello.kernel_stamps:
        pytest.skip("no kernel receive stamps on this system")
    script = WhileStopped(driver.pids[0])
    with server.serve(script) as port:
        (record,), _ = drive(driver, port)
    script.assert_stamped(record)


@pytest.mark.parametrize(
    ("script", "outcome", "says"),
    [
        (
            server.send_bytes(server.HEAD, server.chunk(server.token("a")), pause_s=0.02),
            Outcome.TRUNCATED,
            "",
        ),
        (server.send_bytes(), Outcome.RESET, ""),
        (server.reset_after(server.HEAD, server.chunk(server.token("a"))), Outcome.RESET, "reset"),
        (server.stay_silent_after(), Outcome.NO_RESPONSE, "not one byte"),
        (server.stay_silent_after(server.HEAD, server.chunk(server.token("a"))), Outcome.STALLED, "silent"),
        (server.send_bytes(b"SSH-2.0-OpenSSH_9.2\r\n"), Outcome.MALFORMED_HTTP, "SSH-2.0"),
        (server.send_bytes(server.HEAD + b"zz\r\nnot a chunk\r\n\r\n"), Outcome.MALFORMED_HTTP, "zz"),
        (
            server.send_bytes(server.HEAD + server.chunk(b"data: {not json\n\n") + server.LAST_CHUNK),
            Outcome.MALFORMED_SSE,
            "JSON",
        ),
        (
            server.send_bytes(server.HEAD + server.chunk(server.event({"choices": "many"})) + server.LAST_CHUNK),
            Outcome.MALFORMED_SSE,
            "choices",
        ),
        (
            server.send_bytes(
                server.HEAD + server.chunk(server.event({"error": {"message": "out of memory"}})) + server.LAST_CHUNK
            ),
            Outcome.SERVER_ERROR,
            "out of memory",
        ),
        (
            server.send_bytes(server.HEAD + server.chunk(server.DONE) + server.LAST_CHUNK),
            Outcome.NO_TOKENS,
            "DONE",
        ),
        (
            server.send_bytes(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno model!"),
            Outcome.HTTP_ERROR,
            "HTTP 404: no model!",
        ),
        (
            server.send_bytes(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"),
            Outcome.HTTP_ERROR,
            "HTTP 503: busy",
        ),
    ],
)
def test_every_failure_has_a_name(driver: LoadDriver, script: server.Script, outcome: Outcome, says: str) -> None:
    with server.serve(script) as port:
        if outcome is Outcome.NO_RESPONSE:
            (record,), _ = drive(driver, port, stall_timeout_s=0.3)
        else:
            record = drive_until_answered(driver, port, stall_timeout_s=0.3 if outcome is Outcome.STALLED else 60.0)
    assert record.outcome is outcome
    assert says in (record.detail or "")


def test_nothing_listens(driver: LoadDriver) -> None:
    with server.serve(server.send_bytes()) as port:
        pass
    (record,), _ = drive(driver, port)
    assert record.outcome is Outcome.CONNECT_REFUSED
    assert record.sent_ns is None


def test_a_stream_that_never_ends_is_cut_off(driver: LoadDriver) -> None:
    sent = itertools.count(1)

    def forever(connection: server.socket.socket, request: bytes) -> None:
        connection.sendall(server.HEAD + server.chunk(server.token("a")))
        while next(sent):
            connection.sendall(server.chunk(server.token("a")))
            time.sleep(0.01)

    with server.serve(forever) as port:
        record = drive_until_answered(driver, port, request_timeout_s=0.4)
    assert record.outcome is Outcome.TIMEOUT
    assert record.finished_ns - (record.sent_ns or 0) >= s_to_ns(0.4)
    assert record.completion_tokens == sum(record.read_tokens)
    assert 0 < record.completion_tokens <= next(sent)


def test_a_server_that_half_closes_still_gets_its_answer_recorded(driver: LoadDriver) -> None:
    def script(connection: server.socket.socket, request: bytes) -> None:
        connection.sendall(server.HEAD + server.chunk(server.token("a")))
        connection.shutdown(server.socket.SHUT_WR)
        connection.recv(1)

    with server.serve(script) as port:
        (record,), _ = drive(driver, port)
    assert record.outcome is Outcome.TRUNCATED
    assert record.completion_tokens == 1


def test_a_server_that_does_not_read_a_large_request(driver: LoadDriver) -> None:
    payload = b"POST / HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 50_000_000
    listener = server.socket.create_server(("127.0.0.1", 0))
    try:
        (record,), _ = drive(driver, listener.getsockname()[1], payload=payload, stall_timeout_s=0.3)
    finally:
        listener.close()
    assert record.outcome is Outcome.SEND_FAILED
    assert "did not take the whole request" in (record.detail or "")


def test_a_keep_alive_connection_is_used_again(driver: LoadDriver) -> None:
    with server.serve(server.stream_tokens(TOKENS)) as port:
        records, _ = drive(driver, port, requests=20)
    assert [record.outcome for record in records] == [Outcome.OK] * 20
    # One that was idle for longer than a second may be closed any moment and is not used.
    pauses = sum(later.begun_ns - earlier.finished_ns > s_to_ns(0.9) for earlier, later in itertools.pairwise(records))
    assert len({record.client_port for record in records}) <= 1 + pauses


def test_concurrency_is_kept(driver: LoadDriver) -> None:
    with server.serve(server.together(8, server.stream_tokens(TOKENS, pause_s=0.01))) as port:
        records, _ = drive(driver, port, requests=24, concurrency=8)
    assert len(records) == 24
    starts_and_ends = sorted(
        [(r.sent_ns or 0, 1) for r in records] + [((r.sent_ns or 0) + r.read_offset_ns[-1], -1) for r in records]
    )
    in_flight = peak = 0
    for _, change in starts_and_ends:
        in_flight += change
        peak = max(peak, in_flight)
    assert peak == 8


def test_an_open_loop_sends_on_schedule_whatever_the_server_makes_of_it(driver: LoadDriver) -> None:
    # Not one is answered before all have arrived, for which a closed loop would wait.
    due_ns = [s_to_ns(0.01) * i for i in range(30)]
    with server.serve(server.together(30, server.stream_tokens(TOKENS))) as port:
        records, done = drive(driver, port, requests=30, pace=ScheduledPace(due_ns))
    records.sort(key=lambda record: record.index)
    assert [record.outcome for record in records] == [Outcome.OK] * 30
    assert [record.scheduled_ns - done.start_ns for record in records] == due_ns
    lags_ns = sorted((record.sent_ns or 0) - record.scheduled_ns for record in records)
    assert lags_ns[0] >= 0
    assert lags_ns[5] < s_to_ns(20)  # of a busy machine; a driver that waited for answers would wait for a minute


def test_think_time_and_ramp_are_kept(driver: LoadDriver) -> None:
    pace = ClosedLoopPace(2, s_to_ns(60), think_ns=s_to_ns(0.05), ramp_ns=s_to_ns(0.1))
    with server.serve(server.stream_tokens(TOKENS)) as port:
        records, done = drive(driver, port, requests=6, pace=pace)
    # Two slots, the second 50 ms later; each thinks for 50 ms between its three requests.
    due_ns = sorted(record.scheduled_ns for record in records)
    thought_ns = sorted(record.finished_ns + pace.think_ns for record in records)
    begin_ns = [done.start_ns, done.start_ns + pace.ramp_ns // 2]
    assert due_ns == sorted([*begin_ns, *thought_ns[:4]])
    assert all((record.sent_ns or 0) >= record.scheduled_ns for record in records)


def test_a_job_that_is_stopped_finishes_what_is_in_flight(driver: LoadDriver) -> None:
    numbers = itertools.count(1)
    answer = server.together(4, server.stream_tokens(TOKENS, pause_s=0.02))

    def script(connection: server.socket.socket, request: bytes) -> None:
        if next(numbers) == 4:
            driver.stop()
        answer(connection, request)

    with server.serve(script) as port:
        records, done = drive(driver, port, requests=1000, pace=ClosedLoopPace(4, s_to_ns(60)))
    # Word to stop and the first four answers are on their way together; who hears the answers first sends four more.
    assert 4 <= done.sent == len(records) <= 8
    assert {record.outcome for record in records} == {Outcome.OK}


def test_a_backlog_reaches_a_slow_parent_soon_after_the_job(driver: LoadDriver) -> None:
    # 80 answers of 100 kB are 8 MB: far more than the socket holds while nobody reads it.
    answer = server.stream_tokens(["x" * 1000] * 100)
    served: list[float] = []  # when

    def script(connection: server.socket.socket, request: bytes) -> None:
        answer(connection, request)
        served.append(time.monotonic())

    with server.serve(script) as port:
        wait = partial(wait_until, lambda: len(served) == 80)
        records, _ = drive(driver, port, requests=80, concurrency=8, before_reading=wait)
    assert len(records) == 80
    assert time.monotonic() - served[-1] < 30  # at a packet a second it would take longer


def test_a_last_chunk_that_arrives_in_pieces_ends_the_response(driver: LoadDriver) -> None:
    whole = server.HEAD + server.chunk(server.token("a", "stop")) + server.LAST_CHUNK
    for cut in range(len(whole) - 7, len(whole)):
        with server.serve(server.stay_silent_after(whole[:cut], b"", whole[cut:])) as port:
            (record,), _ = drive(driver, port)
        assert record.outcome is Outcome.OK, cut


def test_a_driver_that_is_killed_is_an_error_with_a_sentence() -> None:
    with load_driver() as victim:
        os.kill(victim.pids[0], signal.SIGKILL)
        with pytest.raises(DriverError, match="driver has ended"):
            for _ in range(600):
                victim.receive(0.1)


def test_the_driver_ends_with_its_parent() -> None:
    with load_driver() as running:
        (pid,) = running.pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def hangs_up_after(pause_s: float) -> server.Script:
    """Answer, then close the connection a moment later without having said so, as llama-server does."""

    def script(connection: server.socket.socket, request: bytes) -> None:
        server.stream_tokens(TOKENS)(connection, request)
        time.sleep(pause_s)
        connection.shutdown(server.socket.SHUT_RDWR)
        connection.close()

    return script


@pytest.mark.parametrize("pause_s", [0.0, 0.001, 0.01])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_that_hangs_up_between_requests_loses_none(
    driver: LoadDriver, pause_s: float, concurrency: int
) -> None:
    with server.serve(hangs_up_after(pause_s)) as port:
        records, _ = drive(driver, port, requests=40, concurrency=concurrency)
    assert [record.outcome for record in records] == [Outcome.OK] * 40
    again = [record for record in records if record.first_sent_ns is not None]
    # Three are enough to see the habit; others may have been under way by then, one for each slot.
    assert len(again) <= 3 + concurrency
    assert all((record.first_sent_ns or 0) < (record.sent_ns or 0) for record in again)
    assert all(record.read_offset_ns[0] > 0 for record in again)


def test_a_request_is_sent_again_once_and_only_on_a_connection_that_was_open_before(driver: LoadDriver) -> None:
    requests = 0

    def script(connection: server.socket.socket, request: bytes) -> None:
        nonlocal requests
        requests += 1
        if requests == 1:
            server.stream_tokens(TOKENS)(connection, request)
        else:
            connection.shutdown(server.socket.SHUT_RDWR)

    def three() -> list[RequestRecord]:
        nonlocal requests
        requests = 0
        with server.serve(script) as port:
            return drive(driver, port, requests=3)[0]

    # After a second the connection that is open would not be used.
    records = unless_paused(three, lambda seen: seen[1].begun_ns - seen[0].finished_ns > s_to_ns(0.9))
    # The first is answered; the second meets its open connection, then a new one; the third meets a new one only.
    assert requests == 4
    assert [record.outcome for record in records] == [Outcome.OK, Outcome.RESET, Outcome.RESET]
    assert [record.first_sent_ns is not None for record in records] == [False, True, False]


def test_a_server_that_breaks_off_after_its_first_bytes_is_not_asked_again(driver: LoadDriver) -> None:
    requests = 0

    def script(connection: server.socket.socket, request: bytes) -> None:
        nonlocal requests
        requests += 1
        if requests == 1:
            server.stream_tokens(TOKENS)(connection, request)
        else:
            server.reset_after(server.HEAD)(connection, request)

    with server.serve(script) as port:
        records, _ = drive(driver, port, requests=2)
    assert requests == 2
    assert [record.outcome for record in records] == [Outcome.OK, Outcome.RESET]


STREAM = server.HEAD + b"".join(server.chunk(server.token(text)) for text in TOKENS) + server.chunk(server.DONE)
WITHOUT_LENGTH = b"HTTP/1.1 200 OK\r\n\r\n" + server.token("a") + server.DONE


def pings_for_ever(connection: server.socket.socket, request: bytes) -> None:
    connection.sendall(STREAM)
    server.wait_until_read(connection)
    while True:
        time.sleep(0.02)
        connection.sendall(server.chunk(b": ping\n\n"))


@pytest.mark.parametrize(
    ("script", "stream"),
    [
        (server.stay_silent_after(STREAM), STREAM),
        (pings_for_ever, STREAM),
        (server.send_bytes(STREAM), STREAM),
        (server.stay_silent_after(WITHOUT_LENGTH), WITHOUT_LENGTH),
    ],
    ids=["never ends", "pings for ever", "closes without a last chunk", "has no length"],
)
def test_done_ends_a_stream_whose_body_does_not(driver: LoadDriver, script: server.Script, stream: bytes) -> None:
    connections: set[int] = set()

    def counted(connection: server.socket.socket, request: bytes) -> None:
        connections.add(id(connection))
        script(connection, request)

    with server.serve(counted) as port:
        records, _ = drive(driver, port, requests=20)
    assert [record.outcome for record in records] == [Outcome.OK] * 20
    assert len(connections) == 20  # none is used again
    # The last read that counts is the one with [DONE]: no ping is the end of a response.
    assert {sum(record.read_bytes) for record in records} == {len(stream)}
    if script is pings_for_ever:  # its slot was not free while the body might have ended: the next is not late
        assert records[1].scheduled_ns - records[0].finished_ns > s_to_ns(0.1)
    # It is waited for once: every request would be sent 100 ms late otherwise.
    assert min((record.sent_ns or 0) - record.scheduled_ns for record in records[2:4]) < s_to_ns(0.1)


def test_a_response_without_end_is_given_up(driver: LoadDriver) -> None:
    def flood(connection: server.socket.socket, request: bytes) -> None:
        connection.sendall(server.HEAD)
        while True:
            connection.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")

    with server.serve(flood) as port:
        (record,), _ = drive(driver, port)
    assert record.outcome is Outcome.TOO_LONG
    assert "over 64 MiB" in (record.detail or "")
    assert sum(record.read_bytes) < (64 << 20) + 20_000


@pytest.mark.parametrize("size", [b"-11", b"+5", b"0x5", b"5_0", b"1" * 5000])
@pytest.mark.parametrize("is_closed", [True, False])
def test_no_chunk_size_stops_the_driver(driver: LoadDriver, size: bytes, is_closed: bool) -> None:
    broken = (server.HEAD + b"5\r\nhello\r\n" + size + b"\r\n", b"0", b"\r\n\r\n")
    script = server.send_bytes(*broken) if is_closed else server.stay_silent_after(*broken)
    with server.serve(script) as port:
        (record,), _ = drive(driver, port)
    assert record.outcome is Outcome.MALFORMED_HTTP
    assert size[:20].decode() in (record.detail or "")


def test_a_job_that_is_abandoned_hands_over_what_has_finished(driver: LoadDriver) -> None:
    arrived: list[bytes] = []

    def script(connection: server.socket.socket, request: bytes) -> None:
        arrived.append(request)
        if len(arrived) <= 30:
            server.stream_tokens(TOKENS)(connection, request)
        else:
            connection.recv(1)

    def abandon() -> None:
        wait_until(lambda: len(arrived) == 34)
        driver.abandon()

    with server.serve(script) as port:
        records, done = drive(driver, port, requests=100, concurrency=4, before_reading=abandon)
    assert len(records) == 30
    assert done.sent == 34  # four were in flight


SOON_FULL = """
import profiler.timing.channel as channel
channel._MOST_UNSENT = 20
import profiler.timing.driver
profiler.timing.driver.main()
"""


def test_a_parent_that_takes_nothing_holds_back_further_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a profiler that is killed loses a bounded number of finished requests, and a driver's memory is bounded."""
    monkeypatch.setattr(driver_client, "_PROGRAM", ("-c", SOON_FULL))
    served = 0

    def script(connection: server.socket.socket, request: bytes) -> None:
        nonlocal served
        served += 1
        server.stream_tokens(["x" * 1000] * 100)(connection, request)

    waiting: list[int] = []

    def look_when_nothing_moves() -> None:
        while waiting[-1:] != [served]:
            waiting.append(served)
            time.sleep(1.0)

    with load_driver() as held, server.serve(script) as port:
        records, _ = drive(held, port, requests=80, concurrency=4, before_reading=look_when_nothing_moves)
    assert [record.outcome for record in records] == [Outcome.OK] * 80
    # Twenty wait, one is being written, four were in flight, and the socket holds two or three of 100 kB each.
    assert waiting[-1] <= 20 + 1 + 4 + 5
