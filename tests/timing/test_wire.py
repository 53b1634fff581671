"""What the kernel says about sending, where no real network can be made to say it."""

import socket
import struct
import sys
from collections import deque
from typing import cast

import pytest

from profiler.timing.kernel_timestamps import timespec_to_ns
from profiler.timing.wire import Flight

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel does not stamp what leaves on this system")

SO_TIMESTAMPING = 37  # asm-generic/socket.h


class Wire:
    """A socket that takes so many bytes a call, and whose kernel reports these times of leaving."""

    def __init__(self, takes: int, *stamps_s: int) -> None:
        self._takes = takes
        self._stamps = deque(stamps_s)

    def send(self, data: memoryview) -> int:
        return min(self._takes, len(data))

    def recvmsg(self, size: int, control_size: int, flags: int) -> tuple[bytes, list[object], int, None]:
        if not self._stamps:
            raise BlockingIOError
        return b"", [(socket.SOL_SOCKET, SO_TIMESTAMPING, struct.pack("@qq", self._stamps.popleft(), 0))], 0, None


def sent_s(wire: Wire, payload: bytes) -> int:
    flight = Flight("repeat-1", 0, payload, 0)
    flight.sock = cast("socket.socket", wire)
    while not flight.send():
        pass
    return timespec_to_ns(flight.send_stamp) // 10**9


def test_a_request_that_had_to_be_sent_again_left_the_first_time() -> None:
    assert sent_s(Wire(100, 7, 12), b"x" * 100) == 7


def test_a_request_handed_over_in_parts_left_with_the_last_of_them() -> None:
    assert sent_s(Wire(60, 7, 12), b"x" * 100) == 12
