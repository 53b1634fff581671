"""The ring on the real loopback interface."""

import socket
import time

import pytest
from support.capture import need_capture

from profiler.wire_audit import ring as ring_module
from profiler.wire_audit.frames import SNAP_BYTES, Segment, parse_segment
from profiler.wire_audit.ring import RETIRE_S, Ring

ADDRESSES = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def segments(ring: Ring, port: int) -> list[Segment]:
    """Everything captured so far that carried payload."""
    time.sleep(3 * RETIRE_S)
    packets = list(ring.drain())
    assert all(len(packet.head) <= SNAP_BYTES for packet in packets)
    parsed = [parse_segment(packet.head, packet.length_bytes, packet.stamp_ns, port) for packet in packets]
    return [segment for segment in parsed if segment is not None]


@pytest.mark.parametrize("family", ADDRESSES, ids=["IPv4", "IPv6"])
def test_every_segment_is_captured_once_with_its_stamp(family: socket.AddressFamily) -> None:
    """Though each passes the loopback interface twice; and nothing but TCP from and to the port is."""
    need_capture()
    try:
        listener = socket.create_server((ADDRESSES[family], 0), family=family)
    except OSError:
        pytest.skip("no IPv6 on this system")
    with listener:
        port = listener.getsockname()[1]
        ring = Ring("lo", port)
        before_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        with socket.create_connection(listener.getsockname()[:2]) as client:
            server, _ = listener.accept()
            with server, socket.socket(family, socket.SOCK_DGRAM) as bystander:
                for size in range(1, 11):
                    client.sendall(b"q" * size)
                    assert len(server.recv(100)) == size
                    server.sendall(b"a" * 10 * size)
                    client.recv(1000)
                    bystander.sendto(b"datagram", (ADDRESSES[family], port))
            client_port = client.getsockname()[1]
        seen = segments(ring, port)
        after_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        drops = ring.take_drops()
        ring.close()
    assert {segment.client_port for segment in seen} == {client_port}
    assert [segment.payload_bytes for segment in seen if segment.is_request] == list(range(1, 11))
    assert [segment.payload_bytes for segment in seen if not segment.is_request] == list(range(10, 101, 10))
    stamps_ns = [segment.stamp_ns for segment in seen]
    assert stamps_ns == sorted(stamps_ns)
    assert before_ns < stamps_ns[0] < stamps_ns[-1] < after_ns
    assert drops == 0


def test_the_ring_goes_round_and_says_what_found_it_full(monkeypatch: pytest.MonkeyPatch) -> None:
    need_capture()
    monkeypatch.setattr(ring_module, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr(ring_module, "_BLOCKS", 2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ring = Ring("lo", port)
        with socket.create_connection(listener.getsockname()) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server, _ = listener.accept()
            with server:
                for _ in range(5):  # read in time, again and again: nothing is lost
                    client.sendall(b"x")
                    server.recv(1)
                    assert len(segments(ring, port)) == 1
                assert ring.take_drops() == 0
                for _ in range(200):  # two blocks hold some forty
                    client.sendall(b"x")
                    server.recv(1)
                kept = len(segments(ring, port))
                drops = ring.take_drops()
        ring.close()
    assert 0 < kept < 200
    assert drops >= 200 - kept  # acknowledgements without payload are lost as well


def test_a_ring_on_no_interface_is_refused() -> None:
    need_capture()
    with pytest.raises(OSError, match="No such device"):
        Ring("no-such-dev0", 80)
