"""The capture on the real loopback interface, beside the real load driver."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import scripted_server as server
from support.capture import need_capture

from profiler.errors import DriverError, UsageError
from profiler.results.records import RequestRecord
from profiler.timing.driver_client import load_driver
from profiler.timing.interpret import to_record
from profiler.timing.messages import ClosedLoopPace, Exchange, Job, JobDone
from profiler.units import s_to_ns
from profiler.wire_audit import control
from profiler.wire_audit.audit import Audit, audit
from profiler.wire_audit.capture import READY
from profiler.wire_audit.control import interface_to, require_capture, wire_capture
from profiler.wire_audit.wire_file import read_wire

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000  # several segments


def captured_run(path: Path, port: int, requests: int, concurrency: int) -> tuple[list[RequestRecord], Audit]:
    """Drive a server while its port is captured."""
    records: list[RequestRecord] = []
    with load_driver() as driver, wire_capture("127.0.0.1", port, path):
        pace = ClosedLoopPace(concurrency, max_duration_ns=s_to_ns(300))
        timeout_ns = s_to_ns(60)
        count = driver.spool([REQUEST] * requests)
        driver.start(Job("repeat-1", "127.0.0.1", port, pace, timeout_ns, timeout_ns, 0, count))
        while True:
            for message in driver.receive(1.0):
                if isinstance(message, Exchange):
                    records.append(to_record(message, 8, None))
                elif isinstance(message, JobDone):
                    break
            else:
                continue
            break
    return records, audit(records, read_wire(path))


@pytest.mark.parametrize("concurrency", [1, 4])
def test_our_stamps_agree_with_the_wire(tmp_path: Path, concurrency: int) -> None:
    need_capture()
    script = server.stream_tokens(["x"] * 8, pause_s=0.002)
    with server.serve(script) as port:
        records, outcome = captured_run(tmp_path / "wire.bin", port, requests=24, concurrency=concurrency)
    assert len(records) == 24
    assert (outcome.drops, outcome.reads) == (0, sum(len(record.read_bytes) for record in records))
    assert outcome.reads_found == outcome.reads
    assert outcome.sent is not None
    assert outcome.sent.count == 24
    assert outcome.agrees, outcome.verdict


def test_answers_larger_than_a_segment_are_found_byte_by_byte(tmp_path: Path) -> None:
    need_capture()
    body = b"x" * 300_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"

    def script(connection, request):
        connection.sendall(head + body)

    with server.serve(script) as port:
        records, outcome = captured_run(tmp_path / "wire.bin", port, requests=12, concurrency=1)
    assert sum(sum(record.read_bytes) for record in records) == 12 * (len(head) + len(body))
    assert outcome.reads_found == outcome.reads > 12


def test_another_port_is_not_captured(tmp_path: Path) -> None:
    need_capture()
    script = server.stream_tokens(["x"])
    with (
        server.serve(script) as port,
        server.serve(script) as other,
        wire_capture("127.0.0.1", other, tmp_path / "other.bin"),
    ):
        _, outcome = captured_run(tmp_path / "wire.bin", port, requests=1, concurrency=1)
    assert outcome.segments
    capture = read_wire(tmp_path / "other.bin")
    assert capture.segments == []
    assert capture.is_complete


def test_a_capture_ends_with_its_parent_and_is_whole(tmp_path: Path) -> None:
    need_capture()
    command = [sys.executable, "-m", "profiler.wire_audit.capture", "lo", "9", str(tmp_path / "wire.bin")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().strip() == READY
        process.stdin.close()  # what the kernel does when a parent is killed
        assert process.wait(60) == 0
    assert read_wire(tmp_path / "wire.bin").is_complete


def test_a_capture_that_is_killed_is_cut_off(tmp_path: Path) -> None:
    need_capture()
    command = [sys.executable, "-m", "profiler.wire_audit.capture", "lo", "9", str(tmp_path / "wire.bin")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == READY
        process.kill()
    assert not read_wire(tmp_path / "wire.bin").is_complete


def test_a_capture_that_cannot_start_says_why(tmp_path: Path) -> None:
    need_capture()
    said = pytest.raises(DriverError, match=r"did not start\. It said: .*No such file.*Run without --wire-audit")
    with said, wire_capture("127.0.0.1", 9, tmp_path / "nowhere" / "wire.bin"):
        pass


def test_without_the_capability_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(control.socket, "socket", refused)
    if sys.platform == "linux":
        with pytest.raises(UsageError, match=r"CAP_NET_RAW.*Operation not permitted.*setcap cap_net_raw\+ep /"):
            require_capture()
    monkeypatch.setattr(control.sys, "platform", "darwin")
    with pytest.raises(UsageError, match=r"needs packet sockets of Linux; this is darwin"):
        require_capture()


def test_an_encrypted_connection_cannot_be_audited() -> None:
    with pytest.raises(UsageError, match=r"https://x:1: .*encrypted.*Audit an http:// endpoint"):
        require_capture("https://x:1")


def test_the_interface_is_that_of_the_route() -> None:
    assert interface_to("127.0.0.1", 80) == "lo"
    assert interface_to("localhost", 80) == "lo"
    with pytest.raises(UsageError, match=r"no route to no\.such\.host\.invalid"):
        interface_to("no.such.host.invalid", 80)
