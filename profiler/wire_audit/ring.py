"""A ring in memory shared with the kernel, into which it puts every packet of one TCP port with its stamp.

Nobody need be scheduled for a packet to be stamped and stored: the kernel fills a block, hands it over when it is full
or `_RETIRE_MS` old, and takes it back once it has been read. Sources: packet(7); kernel documentation,
networking/packet_mmap (TPACKET_V3) and networking/filter (classic BPF); linux/if_packet.h. Linux only, and only with
the capability CAP_NET_RAW.
"""

import ctypes
import mmap
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from profiler.units import NS_PER_S
from profiler.wire_audit.frames import SNAP_BYTES

_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION, _TPACKET_V3 = 5, 6, 10, 2  # linux/if_packet.h
_SOL_PACKET, _SO_ATTACH_FILTER, _ETH_P_ALL = 263, 26, 3  # linux/socket.h, asm-generic/socket.h, linux/if_ether.h
_BLOCK_BYTES, _BLOCKS, _FRAME_BYTES = 1 << 18, 64, 1 << 11
_RETIRE_MS = 50
_TO_KERNEL, _TO_USER = 0, 1  # TP_STATUS_KERNEL, TP_STATUS_USER
_STATUS = struct.Struct("@8xI")  # tpacket_block_desc: (version, offset_to_priv), block_status
_BLOCK = struct.Struct("@12xII")  # … num_pkts, offset_to_first_pkt
_PACKET = struct.Struct("@6I2H")  # tpacket3_hdr: next_offset, sec, nsec, snaplen, len, status, mac, net
_REQUEST = struct.Struct("@7I")  # tpacket_req3
_STATISTICS = struct.Struct("@3I")  # tpacket_stats_v3: packets, drops, freezes

RETIRE_S = _RETIRE_MS / 1_000

# Classic BPF, linux/bpf_common.h and linux/filter.h.
_LOAD_BYTE, _LOAD_HALF, _LOAD_HALF_AT_X = 0x30, 0x28, 0x48
_X_IS, _X_IS_IPV4_HEADER, _SHIFT_RIGHT = 0x01, 0xB1, 0x74
_IF_EQUAL, _IF_ANY_BIT, _GO_TO, _RETURN = 0x15, 0x45, 0x05, 0x06
_PACKET_TYPE = 0xFFFFF000 + 4  # SKF_AD_OFF + SKF_AD_PKTTYPE
_OUTGOING = 4  # PACKET_OUTGOING


class Captured(NamedTuple):
    """A packet out of the ring."""

    stamp_ns: int  # CLOCK_REALTIME
    length_bytes: int
    head: bytes  # from its network header on, at most SNAP_BYTES


class Ring:
    """An open ring; `close` it."""

    def __init__(self, interface: str, port: int) -> None:
        """Start to capture. Raises `OSError`, `PermissionError` without CAP_NET_RAW."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)  # protocol 0: nothing before bind
        self._next = 0
        try:
            self._attach_filter(_port_filter(port, outgoing_only=interface == "lo"))
            self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
            frames = _BLOCK_BYTES // _FRAME_BYTES * _BLOCKS
            request = _REQUEST.pack(_BLOCK_BYTES, _BLOCKS, _FRAME_BYTES, frames, _RETIRE_MS, 0, 0)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
            self._memory = mmap.mmap(self._socket.fileno(), _BLOCK_BYTES * _BLOCKS)
            self._socket.bind((interface, _ETH_P_ALL))
        except BaseException:
            self._socket.close()
            raise

    def drain(self) -> Iterator[Captured]:
        """Yield the packets of all blocks that the kernel has handed over, and give the blocks back."""
        for _ in range(_BLOCKS):
            start = self._next * _BLOCK_BYTES
            if not _STATUS.unpack_from(self._memory, start)[0] & _TO_USER:
                return
            yield from self._packets(start)
            struct.pack_into("@I", self._memory, start + _STATUS.size - 4, _TO_KERNEL)
            self._next = (self._next + 1) % _BLOCKS

    def take_drops(self) -> int:
        """Return how many packets found the ring full since the last call."""
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        drops: int = _STATISTICS.unpack(statistics)[1]
        return drops

    def close(self) -> None:
        """Stop to capture."""
        self._memory.close()
        self._socket.close()

    def _packets(self, start: int) -> Iterator[Captured]:
        count, offset = _BLOCK.unpack_from(self._memory, start)
        position = start + offset
        for _ in range(count):
            following, seconds, nanoseconds, kept, length, _, _, network = _PACKET.unpack_from(self._memory, position)
            head = self._memory[position + network : position + network + kept]
            yield Captured(seconds * NS_PER_S + nanoseconds, length, head)
            position += following

    def _attach_filter(self, program: bytes) -> None:
        buffer = ctypes.create_string_buffer(program, len(program))
        described = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))  # struct sock_fprog
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def _port_filter(port: int, *, outgoing_only: bool) -> bytes:
    """Return the program that keeps the head of each TCP packet from or to a port.

    On the loopback interface every packet passes twice, going out and coming in. The outgoing one is kept: it is
    stamped apart from the packet that our socket gets, whose stamp could only agree with itself.
    """
    only = [(_LOAD_BYTE, 0, 0, _PACKET_TYPE), (_IF_EQUAL, 0, 18, _OUTGOING)] if outgoing_only else []
    program = [
        *only,
        (_LOAD_BYTE, 0, 0, 0),
        (_SHIFT_RIGHT, 0, 0, 4),
        (_IF_EQUAL, 0, 6, 4),  # IPv4, else go to IPv6
        (_LOAD_BYTE, 0, 0, 9),
        (_IF_EQUAL, 0, 13, 6),  # TCP
        (_LOAD_HALF, 0, 0, 6),
        (_IF_ANY_BIT, 11, 0, 0x1FFF),  # a fragment without the ports
        (_X_IS_IPV4_HEADER, 0, 0, 0),
        (_GO_TO, 0, 0, 4),  # to the ports
        (_IF_EQUAL, 0, 8, 6),  # IPv6
        (_LOAD_BYTE, 0, 0, 6),
        (_IF_EQUAL, 0, 6, 6),  # TCP
        (_X_IS, 0, 0, 40),
        (_LOAD_HALF_AT_X, 0, 0, 0),  # the ports
        (_IF_EQUAL, 2, 0, port),
        (_LOAD_HALF_AT_X, 0, 0, 2),
        (_IF_EQUAL, 0, 1, port),
        (_RETURN, 0, 0, SNAP_BYTES),
        (_RETURN, 0, 0, 0),
    ]
    return b"".join(struct.pack("@HBBI", *instruction) for instruction in program)
