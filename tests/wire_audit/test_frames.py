"""Packets built by hand, as a packet socket delivers them: from the network header on, cut at SNAP_BYTES."""

import struct

import pytest

from profiler.wire_audit.frames import SNAP_BYTES, Segment, parse_segment

SERVER, CLIENT = 8000, 40_000
PAYLOAD = b"x" * 100


def tcp(source: int, destination: int, sequence: int = 7, payload: bytes = PAYLOAD, options: bytes = b"") -> bytes:
    offset = (20 + len(options)) // 4 << 4
    return struct.pack("!HHIIBBHHH", source, destination, sequence, 1, offset, 0x18, 512, 0, 0) + options + payload


def ipv4(body: bytes, protocol: int = 6, options: bytes = b"", length: int | None = None) -> bytes:
    total = 20 + len(options) + len(body) if length is None else length
    first = 0x40 | (20 + len(options)) // 4
    addresses = bytes([127, 0, 0, 1, 127, 0, 0, 1])
    return struct.pack("!BBHHHBBH", first, 0, total, 1, 0, 64, protocol, 0) + addresses + options + body


def ipv6(body: bytes, following: int = 6, length: int | None = None) -> bytes:
    payload = len(body) if length is None else length
    return struct.pack("!IHBB", 6 << 28, payload, following, 64) + bytes(32) + body


def parsed(packet: bytes, length_bytes: int | None = None, kept: int = SNAP_BYTES) -> Segment | None:
    return parse_segment(packet[:kept], len(packet) if length_bytes is None else length_bytes, 5, SERVER)


TIMESTAMPS = b"\x01\x01\x08\x0a" + bytes(8)


@pytest.mark.parametrize("wrap", [ipv4, ipv6])
@pytest.mark.parametrize("options", [b"", TIMESTAMPS, bytes(40)])
def test_a_request_and_an_answer(wrap, options) -> None:
    asked = wrap(tcp(CLIENT, SERVER, sequence=7, options=options))
    answered = wrap(tcp(SERVER, CLIENT, sequence=2**32 - 1, options=options))
    assert parsed(asked) == Segment(5, CLIENT, True, 7, 100)
    assert parsed(answered) == Segment(5, CLIENT, False, 2**32 - 1, 100)


def test_the_longest_headers_fit_in_what_is_kept() -> None:
    packet = ipv4(tcp(CLIENT, SERVER, options=bytes(40)), options=bytes(40))
    assert parsed(packet) == Segment(5, CLIENT, True, 7, 100)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(tcp(CLIENT, SERVER, payload=b"")),  # an acknowledgement
        ipv4(tcp(CLIENT, 9000)),  # another server's
        ipv4(tcp(CLIENT, SERVER), protocol=17),  # UDP
        ipv6(tcp(CLIENT, SERVER), following=0),  # extension headers
        b"\x20" + bytes(79),  # no IP at all
        ipv4(tcp(CLIENT, SERVER))[:30],  # cut within the TCP header
        ipv4(tcp(CLIENT, SERVER), options=bytes(40))[:70],  # likewise
        b"",
    ],
)
def test_whatever_is_not_payload_of_ours_is_passed_over(packet: bytes) -> None:
    assert parsed(packet) is None


def test_the_padding_of_a_short_frame_is_no_payload() -> None:
    # 20 + 20 + 2 bytes, padded to the 46 that Ethernet carries at least (IEEE 802.3).
    packet = ipv4(tcp(CLIENT, SERVER, payload=b"ok")) + bytes(4)
    segment = parsed(packet)
    assert segment is not None
    assert segment.payload_bytes == 2


def test_a_segment_beyond_64_kib_says_0_and_is_measured_by_its_frame() -> None:
    # 100,000 bytes of which 80 were kept: minus 20 of IPv4 or 40 of IPv6, minus 20 of TCP.
    for wrap, headers in ((ipv4, 40), (ipv6, 60)):
        segment = parsed(wrap(tcp(SERVER, CLIENT), length=0), length_bytes=100_000)
        assert segment is not None
        assert segment.payload_bytes == 100_000 - headers
