"""Requests over real TLS, with certificates that the tests make."""

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import scripted_server as server
from support.calm import unless_paused
from support.certificates import Authority
from support.stopped import WhileStopped

from profiler.errors import ServerError, UsageError
from profiler.results.records import Outcome, RequestRecord
from profiler.servers.address import Address
from profiler.servers.openai_api import served_models
from profiler.servers.openai_http import OpenAiEndpoint
from profiler.timing.driver_client import LoadDriver, load_driver
from profiler.timing.interpret import to_record
from profiler.timing.messages import ClosedLoopPace, Exchange, Job, JobDone, ScheduledPace, TlsOptions
from profiler.units import s_to_ns

REQUEST = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
TOKENS = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def driver() -> Iterator[LoadDriver]:
    with load_driver() as running:
        yield running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    return authority.server("localhost", "127.0.0.1")


@pytest.fixture
def trusting(authority: Authority) -> TlsOptions:
    return TlsOptions(ca_file=str(authority.ca_file))


def drive(
    driver: LoadDriver,
    port: int,
    tls: TlsOptions,
    *,
    host: str = "localhost",
    requests: int = 1,
    payload: bytes = REQUEST,
    pace: ClosedLoopPace | ScheduledPace | None = None,
    stall_timeout_s: float = 60.0,
) -> list[RequestRecord]:
    driver.start(
        Job(
            phase="repeat-1",
            host=host,
            port=port,
            pace=pace or ClosedLoopPace(1, s_to_ns(60)),
            request_timeout_ns=s_to_ns(60),
            stall_timeout_ns=s_to_ns(stall_timeout_s),
            first_index=0,
            requests=driver.spool([payload] * requests),
            tls=tls,
        )
    )
    records: list[RequestRecord] = []
    for _ in range(1200):
        for message in driver.receive(0.1):
            if isinstance(message, Exchange):
                records.append(to_record(message, output_tokens=len(TOKENS), prompt_tokens=3))
            if isinstance(message, JobDone):
                return sorted(records, key=lambda record: record.index)
    raise AssertionError("the job did not end")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_stream_is_stamped_read_by_read(
    driver: LoadDriver, authority: Authority, trusting: TlsOptions, version: ssl.TLSVersion
) -> None:
    context = authority.server("localhost")
    context.minimum_version = context.maximum_version = version
    with server.serve(server.stream_tokens(TOKENS, pause_s=0.02), context) as port:
        (record,) = drive(driver, port, trusting)
    assert record.outcome is Outcome.OK, record.detail
    assert record.completion_tokens == 4
    arrivals_ns = [t for t, n in zip(record.read_offset_ns, record.read_tokens, strict=True) if n]
    # Four tokens, each 20 ms after the one before it.
    for number, arrival_ns in enumerate(arrivals_ns, start=1):
        assert s_to_ns(0.02 * number) <= arrival_ns < s_to_ns(0.02 * number + 30)  # late on a busy machine
    if driver.hello.kernel_stamps:
        assert record.stamp_source == record.sent_stamp_source == "kernel"


def test_a_stopped_driver_still_stamps_what_arrived_meanwhile(
    driver: LoadDriver, context: ssl.SSLContext, trusting: TlsOptions
) -> None:
    """The stamps of the ciphertext are the kernel's: the process is frozen for 150 ms, they are not."""
    if not driver.hello.kernel_stamps:
        pytest.skip("no kernel receive stamps on this system")
    script = WhileStopped(driver.pids[0])
    with server.serve(script, context) as port:
        (record,) = drive(driver, port, trusting)
    script.assert_stamped(record)


def test_a_connection_is_ready_before_its_request_is_due_and_used_again(
    driver: LoadDriver, context: ssl.SSLContext, trusting: TlsOptions
) -> None:
    accepted_ns: list[int] = []
    context.sni_callback = lambda *_: accepted_ns.append(time.monotonic_ns())

    def twenty() -> list[RequestRecord]:
        accepted_ns.clear()
        with server.serve(server.stream_tokens(TOKENS), context) as port:
            return drive(driver, port, trusting, requests=20, pace=ClosedLoopPace(2, s_to_ns(60)))

    def was_paused(records: list[RequestRecord]) -> bool:
        """A connection that was idle for longer than a second would not be used."""
        idle_ns = [record.begun_ns - record.scheduled_ns for record in records]
        return max(*idle_ns, records[0].scheduled_ns - accepted_ns[0]) > s_to_ns(0.9)

    records = unless_paused(twenty, was_paused)
    assert [record.outcome for record in records] == [Outcome.OK] * 20
    assert len({record.client_port for record in records}) == len(accepted_ns) == 2
    assert max(accepted_ns) < records[0].scheduled_ns == records[1].scheduled_ns


def test_connections_that_are_missing_are_made_when_they_are_needed(
    driver: LoadDriver, context: ssl.SSLContext, trusting: TlsOptions
) -> None:
    # Answers take 80 ms, requests are due every 10 ms: eight are in flight, and one connection was made ahead.
    pace = ScheduledPace([s_to_ns(0.01) * number for number in range(30)])
    with server.serve(server.stream_tokens(TOKENS, pause_s=0.02), context) as port:
        records = drive(driver, port, trusting, requests=30, pace=pace)
    assert [record.outcome for record in records] == [Outcome.OK] * 30
    assert len({record.client_port for record in records}) >= 6


def test_large_records_cut_over_several_reads(
    driver: LoadDriver, context: ssl.SSLContext, trusting: TlsOptions
) -> None:
    # TLS records hold 16 KiB at most; an event of 1 MB spans many of them, and no segment ends where a record does.
    whole = server.HEAD + server.chunk(server.token("x" * 1_000_000)) + server.chunk(server.token("y", "length"))
    with server.serve(server.send_bytes(whole + server.LAST_CHUNK, pause_s=0.05), context) as port:
        (record,) = drive(driver, port, trusting)
    assert record.outcome is Outcome.OK, record.detail
    assert record.completion_tokens == 2
    assert sum(record.read_bytes) == len(whole + server.LAST_CHUNK)
    assert len(record.read_bytes) > 5
    assert record.read_offset_ns == sorted(record.read_offset_ns)


@contextmanager
def trickle(
    context: ssl.SSLContext, answer: bytes, pieces: int, pause_s: float
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Serve one request with one TLS record, cut into pieces; yield the port, and when each send began and ended."""
    sent_ns: list[tuple[int, int]] = []
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)

    def until_done(connection: server.socket.socket, step: Callable[[], object]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
            else:
                return

    def serve_one(listener: server.socket.socket) -> None:
        connection, _ = listener.accept()
        connection.setsockopt(server.socket.IPPROTO_TCP, server.socket.TCP_NODELAY, 1)
        with connection:
            until_done(connection, tls.do_handshake)
            until_done(connection, lambda: tls.read(65536))
            tls.write(answer)
            ciphertext = outgoing.read()
            size = len(ciphertext) // pieces + 1
            for start in range(0, len(ciphertext), size):
                time.sleep(pause_s)
                began_ns = time.monotonic_ns()
                connection.sendall(ciphertext[start : start + size])
                sent_ns.append((began_ns, time.monotonic_ns()))
            connection.recv(1)

    with server.socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1], sent_ns
        thread.join(60)


def test_ciphertext_that_completes_nothing_is_no_read(
    driver: LoadDriver, authority: Authority, trusting: TlsOptions
) -> None:
    """A record whose bytes trickle in is stamped by the last of them."""
    answer = server.HEAD + server.chunk(server.token("a", "length")) + server.chunk(server.DONE) + server.LAST_CHUNK
    with trickle(authority.server("localhost"), answer, pieces=5, pause_s=0.03) as (port, sent_ns):
        (record,) = drive(driver, port, trusting)
    assert record.outcome is Outcome.OK, record.detail
    assert record.read_bytes == [len(answer)]
    assert len(sent_ns) == 5
    assert record.sent_ns is not None
    arrival_ns = record.sent_ns + record.read_offset_ns[0]
    began_ns, ended_ns = sent_ns[-1]
    if driver.hello.kernel_stamps:
        unsure_ns = s_to_ns(0.001) + (record.clock_offset_width_ns or 0)
        assert began_ns - unsure_ns < arrival_ns < ended_ns + unsure_ns


def close_properly(*pieces: bytes) -> server.Script:
    """Send, and say in TLS that nothing follows."""

    def script(connection: server.socket.socket, request: bytes) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        for piece in pieces:
            connection.sendall(piece)
        connection.unwrap().close()

    return script


TO_THE_END = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (server.send_bytes(server.HEAD, server.chunk(server.token("a", "stop")), server.LAST_CHUNK), Outcome.OK),
        (server.send_bytes(server.HEAD, server.chunk(server.token("a"))), Outcome.TRUNCATED),
        (close_properly(server.HEAD, server.chunk(server.token("a"))), Outcome.TRUNCATED),
        # A body that ends with its connection is whole only if that end was announced (RFC 9112 §9.8).
        (server.send_bytes(TO_THE_END, server.token("a", "stop")), Outcome.TRUNCATED),
        (close_properly(TO_THE_END, server.token("a", "stop")), Outcome.OK),
        # [DONE] ends the stream, so nothing of it can have been cut off.
        (server.send_bytes(TO_THE_END, server.token("a"), server.DONE), Outcome.OK),
        (server.send_bytes(), Outcome.RESET),
        (close_properly(), Outcome.RESET),
        (server.reset_after(server.HEAD, server.chunk(server.token("a"))), Outcome.RESET),
        (server.stay_silent_after(), Outcome.NO_RESPONSE),
        (server.stay_silent_after(server.HEAD, server.chunk(server.token("a"))), Outcome.STALLED),
    ],
)
def test_every_ending_has_a_name(
    driver: LoadDriver, context: ssl.SSLContext, trusting: TlsOptions, script: server.Script, outcome: Outcome
) -> None:
    with server.serve(script, context) as port:
        is_quiet = outcome in {Outcome.NO_RESPONSE, Outcome.STALLED}
        (record,) = unless_paused(
            lambda: drive(driver, port, trusting, stall_timeout_s=0.5 if is_quiet else 60.0),
            lambda records: records[0].outcome is Outcome.NO_RESPONSE is not outcome,  # the server got no CPU
        )
    assert record.outcome is outcome, record.detail


def test_a_large_request_is_sent_whole(driver: LoadDriver, context: ssl.SSLContext, trusting: TlsOptions) -> None:
    body = os.urandom(5_000_000)
    payload = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    received: list[bytes] = []

    def script(connection: server.socket.socket, request: bytes) -> None:
        received.append(request)
        server.stream_tokens(TOKENS)(connection, request)

    with server.serve(script, context) as port:
        (record,) = drive(driver, port, trusting, payload=payload)
    assert record.outcome is Outcome.OK, record.detail
    assert received == [payload]


CASES = ["nobody trusts it", "signed by itself", "for another name", "expired"]


def refusing_server(case: str, authority: Authority) -> tuple[ssl.SSLContext, TlsOptions, str]:
    """Return a server, what the client trusts, and what it must say."""
    trusting = TlsOptions(ca_file=str(authority.ca_file))
    return {
        "nobody trusts it": (authority.server("localhost"), TlsOptions(), "nobody whom this host trusts has signed"),
        "signed by itself": (authority.self_signed_server(), TlsOptions(), "self-signed"),
        "for another name": (authority.server("elsewhere.test"), trusting, "is not for localhost"),
        "expired": (authority.server("localhost", is_expired=True), trusting, "is not valid today"),
    }[case]


@pytest.mark.parametrize("case", CASES)
def test_a_certificate_that_is_not_trusted_is_explained(driver: LoadDriver, authority: Authority, case: str) -> None:
    context, options, says = refusing_server(case, authority)
    with server.serve(server.stream_tokens(TOKENS), context) as port:
        (record,) = drive(driver, port, options)
        with pytest.raises(ServerError) as plain_call:
            served_models(Address("localhost", port, scheme="https"), options)
        (insecure,) = drive(driver, port, TlsOptions(is_insecure=True))
    assert record.outcome is Outcome.CONNECT_FAILED
    assert record.sent_ns is None
    for said in (record.detail or "", str(plain_call.value)):
        assert says in said
        assert "--ca-file" in said
    assert insecure.outcome is Outcome.OK


def test_a_server_that_speaks_no_tls_is_named(driver: LoadDriver, trusting: TlsOptions) -> None:
    listener = server.socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def answer() -> None:
        for _ in range(3):  # one connection ahead, one for the request, one for the plain call
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with listener:
        (record,) = drive(driver, port, trusting)
        with pytest.raises(ServerError, match=r"does not speak TLS on this port: use http://"):
            served_models(Address("localhost", port, scheme="https"), trusting)
        thread.join(5)
    assert record.outcome is Outcome.CONNECT_FAILED
    assert record.detail == "the server does not speak TLS on this port: use http:// instead of https://"


def test_a_server_that_never_shakes_hands(driver: LoadDriver, trusting: TlsOptions) -> None:
    with server.socket.create_server(("127.0.0.1", 0)) as listener:
        (record,) = drive(driver, listener.getsockname()[1], trusting, stall_timeout_s=0.3)
    assert record.outcome is Outcome.CONNECT_TIMEOUT


MODELS = b'{"data": [{"id": "m"}]}'


def test_an_endpoint_is_looked_at_over_tls(context: ssl.SSLContext, authority: Authority) -> None:
    def script(connection: server.socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(MODELS), MODELS))

    with server.serve(script, context) as port:
        url = f"https://localhost:{port}"
        endpoint = OpenAiEndpoint(url, None, TlsOptions(ca_file=str(authority.ca_file)))
        with pytest.raises(UsageError, match="has signed the server's certificate") as refused:
            OpenAiEndpoint(url, None)
    assert (endpoint.model_name, endpoint.address.host, endpoint.address.port) == ("m", "localhost", port)
    assert endpoint.describe().url == f"{url}/v1"
    assert "Start the server first" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "content", "says"),
    [
        ("https://localhost:1", None, "No such file or directory"),
        ("https://localhost:1", "no certificate", "holds no certificate"),
        ("http://localhost:1", "", "are for https://HOST:PORT"),
        ("ftp://localhost", "", "expected http://HOST:PORT or https://HOST:PORT"),
    ],
)
def test_options_that_cannot_be_followed(tmp_path: Path, url: str, content: str | None, says: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=says):
        OpenAiEndpoint(url, None, TlsOptions(ca_file=str(path)))
