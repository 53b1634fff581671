"""Timestamps that the kernel takes of what a socket sends and receives: `SO_TIMESTAMPING`, Linux only.

Source: kernel documentation, networking/timestamping.
"""

import socket
import struct
import sys

READ_BYTES = 16_384  # four times as much costs a quarter more time a token: CPython makes room for it at every read
SO_TIMESTAMPING = 37  # asm-generic/socket.h; its control message has the same number
_RX_SOFTWARE, _TX_SOFTWARE, _SOFTWARE, _TSONLY = 1 << 3, 1 << 1, 1 << 4, 1 << 11  # linux/net_tstamp.h
_STAMPS = _RX_SOFTWARE | _TX_SOFTWARE | _SOFTWARE | _TSONLY
_TIMESPEC = struct.Struct("@qq")
CONTROL_BYTES = socket.CMSG_SPACE(3 * _TIMESPEC.size)  # struct scm_timestamping: software, legacy, hardware


def timespec_to_ns(stamp: bytes) -> int:
    """Decode a kernel stamp (its first struct timespec) to wall-clock nanoseconds."""
    seconds, nanoseconds = _TIMESPEC.unpack_from(stamp)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def enable_kernel_timestamps(sock: socket.socket) -> bool:
    """Ask the kernel to stamp what arrives and what leaves; return whether it will."""
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, _STAMPS)
    except OSError:
        return False
    return True
