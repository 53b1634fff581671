"""The parent's end of the load driver: starts the process, gives it jobs, takes finished requests."""

import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from profiler.errors import DriverError
from profiler.timing.messages import Hello, Inbox, Job, Message, Stop, encode

_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 5.0
_RECEIVE_BYTES = 1 << 20


class LoadDriver:
    """A running driver process."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        sock: socket.socket,
        log: "tempfile._TemporaryFileWrapper[bytes]",
    ) -> None:
        """Wait until the process says that it is up. Raises `DriverError`."""
        self._process = process
        self._socket = sock
        self._inbox = Inbox()
        self._log = log
        first = self.receive(_START_TIMEOUT_S)
        if not first or not isinstance(first[0], Hello):
            raise DriverError(f"The load driver did not start within {_START_TIMEOUT_S:g} s. {self._said()}")
        self.hello = first[0]

    @property
    def pid(self) -> int:
        """Process id of the driver."""
        return self._process.pid

    def start(self, job: Job) -> None:
        """Hand over a job; its finished requests come out of `receive`."""
        self._post(job)

    def stop(self) -> None:
        """Have the driver send no further request of its job."""
        self._post(Stop())

    def _post(self, message: Message) -> None:
        try:
            self._socket.sendall(encode(message))
        except OSError as error:
            raise DriverError(f"The load driver has ended. {self._said()}") from error

    def receive(self, timeout_s: float) -> list[Message]:
        """Return what the driver has sent, waiting at most `timeout_s`. Raises `DriverError`."""
        readable, _, _ = select.select([self._socket], [], [], timeout_s)
        if not readable:
            return []
        data = self._socket.recv(_RECEIVE_BYTES)
        if not data:
            raise DriverError(f"The load driver has ended. {self._said()}")
        return self._inbox.feed(data)

    def close(self) -> None:
        """End the process: closing its socket is enough, and a kill is at hand."""
        self._socket.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _said(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return f"It said: {lines[-1]}" if lines else "It said nothing."


@contextmanager
def load_driver() -> Iterator[LoadDriver]:
    """Start a driver process; it is gone when the block ends, and when this process dies."""
    ours, theirs = socket.socketpair()
    with tempfile.NamedTemporaryFile() as log, ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "profiler.timing.driver", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C at the terminal is for the parent to handle
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )
        try:
            driver = LoadDriver(process, ours, log)
        except BaseException:
            process.kill()
            process.wait()
            raise
        try:
            yield driver
        finally:
            driver.close()
