"""A server that stops the process which asks it, as a busy machine does."""

import os
import signal
import time

import psutil
from support import scripted_server as server

from profiler.results.records import RequestRecord


class WhileStopped:
    """Sends a token while the process that asked is stopped, and the end once it has read that."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._sent_ns = self._resumed_ns = 0

    def __call__(self, connection: server.socket.socket, request: bytes) -> None:
        connection.sendall(server.HEAD)
        server.wait_until_read(connection)
        os.kill(self._pid, signal.SIGSTOP)
        while psutil.Process(self._pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)
        self._sent_ns = time.monotonic_ns()
        connection.sendall(server.chunk(server.token("a")))
        time.sleep(0.15)
        self._resumed_ns = time.monotonic_ns()
        os.kill(self._pid, signal.SIGCONT)
        server.wait_until_read(connection)
        connection.sendall(server.chunk(server.DONE) + server.LAST_CHUNK)

    def assert_stamped(self, record: RequestRecord) -> None:
        """The token arrived before the process could see it, and was seen after that."""
        position = record.read_tokens.index(1)
        arrival_ns = (record.sent_ns or 0) + record.read_offset_ns[position]
        unsure_ns = (record.clock_offset_width_ns or 0) + 1000
        assert self._sent_ns - unsure_ns <= arrival_ns < self._resumed_ns
        assert (record.read_lag_ns[position] or 0) >= self._resumed_ns - arrival_ns - unsure_ns
