"""What the audit keeps of a captured TCP segment. Pure: bytes in, segments out.

Packets begin with their network header, as a packet socket of type `SOCK_DGRAM` delivers them (packet(7)).
Headers: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP).
"""

import struct
from typing import NamedTuple

SNAP_BYTES = 80  # the longest IPv4 header and the TCP header as far as its length; an IPv6 and a TCP header

_TCP = 6  # IANA protocol number
_IPV4, _IPV6 = 4, 6
_IPV6_HEADER_BYTES = 40
_TCP_FIXED = struct.Struct("!HHI4xB")  # ports, sequence number, (acknowledgement), header length in the high half


class Segment(NamedTuple):
    """A TCP segment that carried payload."""

    stamp_ns: int  # the kernel's stamp: CLOCK_REALTIME as captured, CLOCK_MONOTONIC once converted
    client_port: int
    is_request: bool  # from client to server
    sequence: int  # of its first payload byte, modulo 2³²
    payload_bytes: int


def parse_segment(packet: bytes, length_bytes: int, stamp_ns: int, server_port: int) -> Segment | None:
    """Read the headers of a packet of `length_bytes`; `None` unless it carries payload to or from the port.

    A segment may be longer than any packet on a cable: the kernel cuts and joins segments below and above the point
    of capture (segmentation offload).
    """
    located = _locate_tcp(packet, length_bytes)
    if located is None or len(packet) < located[0] + _TCP_FIXED.size:
        return None
    tcp_start, ip_end = located
    source, destination, sequence, offset = _TCP_FIXED.unpack_from(packet, tcp_start)
    payload_bytes = ip_end - tcp_start - (offset >> 4) * 4
    if payload_bytes <= 0 or server_port not in {source, destination}:
        return None
    is_request = destination == server_port
    return Segment(stamp_ns, source if is_request else destination, is_request, sequence, payload_bytes)


def _locate_tcp(packet: bytes, length_bytes: int) -> tuple[int, int] | None:
    """Return where the TCP header starts and where the IP packet ends; `None` if it is not plain TCP.

    The length in the IP header counts, for a short frame is padded; 0 there means a packet beyond 64 KiB.
    """
    if len(packet) < _IPV6_HEADER_BYTES:
        return None
    version = packet[0] >> 4
    if version == _IPV4 and packet[9] == _TCP:
        return (packet[0] & 0x0F) * 4, int.from_bytes(packet[2:4], "big") or length_bytes
    if version == _IPV6 and packet[6] == _TCP:
        payload_bytes = int.from_bytes(packet[4:6], "big")
        return _IPV6_HEADER_BYTES, _IPV6_HEADER_BYTES + payload_bytes if payload_bytes else length_bytes
    return None
