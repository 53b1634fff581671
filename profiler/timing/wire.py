"""One request on one socket: sending, receiving and stamping. The hot path of the whole program.

A read stores `(time, kernel stamp, bytes)` and nothing else. On Linux every socket asks for
`SO_TIMESTAMPING` before it connects (kernel documentation, networking/timestamping): the kernel then stamps
each segment on arrival, however late this process gets to run, and stamps the request as it leaves, for a
server that wakes up on it often takes our processor before `send` has returned. When several segments have
queued up the kernel keeps only the newest stamp; such reads show later as coalesced.
"""

import errno
import os
import socket
import time
from typing import TYPE_CHECKING

from profiler.results.records import Outcome
from profiler.timing.clock import WallOffset, sample_wall_offset
from profiler.timing.framing import EndFinder, FramingError, ResponseTooLongError
from profiler.timing.kernel_timestamps import (
    CONTROL_BYTES,
    READ_BYTES,
    SO_TIMESTAMPING,
    enable_kernel_timestamps,
)
from profiler.timing.messages import Exchange

if TYPE_CHECKING:
    from profiler.timing.tls_session import TlsSession

_ERROR_CONTROL_BYTES = 512
_MSG_ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0)
_IN_PROGRESS = {0, errno.EINPROGRESS}


class Flight:
    """A request from the moment it is due to its outcome."""

    __slots__ = (
        "_end",
        "_is_complete",
        "_payload",
        "_sends",
        "client_port",
        "data",
        "fd",
        "first_sent_ns",
        "index",
        "is_connected",
        "is_reused",
        "kernel_stamp",
        "last_activity_ns",
        "offset_first",
        "phase",
        "scheduled_ns",
        "send_call_ns",
        "send_stamp",
        "sent_ns",
        "session",
        "sock",
        "start_ns",
        "user_ns",
    )

    def __init__(self, phase: str, index: int, payload: bytes, scheduled_ns: int) -> None:
        """Prepare a request; nothing touches the network yet."""
        self.phase = phase
        self.index = index
        self.scheduled_ns = scheduled_ns
        self.start_ns = self.last_activity_ns = time.monotonic_ns()
        self.sent_ns: int | None = None
        self.first_sent_ns: int | None = None  # on a connection that was closed then, where this one is the second
        self.send_call_ns: int | None = None
        self.send_stamp = b""
        self.client_port: int | None = None
        self.user_ns: list[int] = []
        self.kernel_stamp: list[bytes] = []
        self.data: list[bytes] = []
        self.is_connected = False
        self.is_reused = False  # whether an earlier request has used the connection
        self.session: TlsSession | None = None
        self.offset_first: WallOffset = sample_wall_offset()
        self._payload = memoryview(payload)
        self._sends = 0
        self._end = EndFinder()
        self._is_complete = False

    def limit(self, most_bytes: int) -> None:
        """Give up a response that is longer."""
        self._end.most_bytes = most_bytes

    def connect(self, family: int, address: tuple[str, int]) -> None:
        """Begin to connect. Raises `OSError`."""
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        enable_kernel_timestamps(sock)
        error = sock.connect_ex(address)
        if error not in _IN_PROGRESS:
            sock.close()
            raise OSError(error, os.strerror(error))
        self._take(sock)

    def adopt(self, sock: socket.socket, session: "TlsSession | None") -> None:
        """Use a connection that an earlier request has left open."""
        self._take(sock)
        self.session = session
        self.is_connected = self.is_reused = True
        self._forget_send_stamps()

    def _forget_send_stamps(self) -> None:
        """Drop the stamps of what was sent before the request, should they have come late."""
        self.take_send_stamp()
        self.send_stamp = b""

    def _take(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.client_port = sock.getsockname()[1]

    def advance(self) -> bool:
        """Connect and send, as far as it goes; return whether it is now for the server to go on. Raises `OSError`."""
        if not self.is_connected:
            self.finish_connecting()
        return self.send()

    def finish_connecting(self) -> None:
        """Find out how connecting went. Raises `OSError`."""
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self.is_connected = True

    def send(self) -> bool:
        """Hand bytes to the kernel; return whether all are handed over. Raises `OSError`."""
        before_ns = time.monotonic_ns()
        try:
            count = self.sock.send(self._payload)
        except BlockingIOError:
            return False
        now_ns = self.last_activity_ns = time.monotonic_ns()
        self._sends += 1
        self._payload = self._payload[count:]
        if self._payload:
            return False
        self.sent_ns = now_ns
        self.send_call_ns = now_ns - before_ns
        self.take_send_stamp()
        return True

    def take_send_stamp(self) -> None:
        """Take the kernel's stamps of what has left from the socket's error queue.

        The kernel stamps the last byte of what one call handed over, and again should it have to send that once more.
        So the first stamp counts, unless the request took several calls: then it may be that of an earlier part.
        """
        if not _MSG_ERRQUEUE:
            return
        try:
            while True:
                _, control, _, _ = self.sock.recvmsg(0, _ERROR_CONTROL_BYTES, _MSG_ERRQUEUE)
                for level, kind, stamp in control:
                    is_stamp = level == socket.SOL_SOCKET and kind == SO_TIMESTAMPING
                    if is_stamp and (self._sends > 1 or not self.send_stamp):
                        self.send_stamp = stamp
        except OSError:
            return  # the queue is empty

    def receive(self) -> Outcome | None:
        """Take what has arrived; return the outcome once there is one. Raises `OSError`, `FramingError`."""
        data, control, _, _ = self.sock.recvmsg(READ_BYTES, CONTROL_BYTES)
        now_ns = self.last_activity_ns = time.monotonic_ns()
        if not data:
            return self._outcome_at_close()
        self.user_ns.append(now_ns)
        self.kernel_stamp.append(control[0][2] if control else b"")
        self.data.append(data)
        self._is_complete = self._end.feed(data, self.data)
        return Outcome.OK if self._is_complete else None

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the connection's end says that the body is over (RFC 9112 §6.3), so that none can be reused."""
        head = self._end.head
        return head is not None and not head.is_chunked and head.content_length is None

    @property
    def said_done_ns(self) -> int | None:
        """When the stream said `[DONE]`, if it has."""
        reads = self._end.done_reads(self.data)
        return None if reads is None else self.user_ns[reads - 1]

    def end_with_done(self) -> None:
        """Forget what came behind `[DONE]`: the stream is over, although its body does not end."""
        reads = self._end.done_reads(self.data)
        del self.user_ns[reads:], self.kernel_stamp[reads:], self.data[reads:]

    def _outcome_at_close(self) -> Outcome:
        """Say what an orderly close by the server means at this point. Raises `FramingError`."""
        if self._end.catch_up(self.data) or self._end.done_reads(self.data) is not None or self.ends_with_connection:
            return Outcome.OK
        return Outcome.TRUNCATED if self.data else Outcome.RESET

    def can_be_reused(self) -> bool:
        """Whether the connection may carry another request."""
        head = self._end.head
        return self._is_complete and head is not None and head.keeps_alive

    def to_exchange(self, ending: Outcome, detail: str | None) -> Exchange:
        """Hand over what was measured."""
        return Exchange(
            index=self.index,
            phase=self.phase,
            ending=ending,
            detail=detail,
            scheduled_ns=self.scheduled_ns,
            sent_user_ns=self.sent_ns,
            send_call_ns=self.send_call_ns,
            send_stamp=self.send_stamp,
            finished_user_ns=self.user_ns[-1] if ending is Outcome.OK and self.user_ns else time.monotonic_ns(),
            user_ns=self.user_ns,
            kernel_stamp=self.kernel_stamp,
            data=self.data,
            offset_first=self.offset_first,
            offset_last=sample_wall_offset(),
            client_port=self.client_port,
            first_sent_ns=self.first_sent_ns,
            connect_began_ns=None if self.is_reused else self.start_ns,
        )


def outcome_of_error(error: OSError | FramingError, flight: Flight) -> tuple[Outcome, str]:
    """Name a failure of the network or of the protocol."""
    if isinstance(error, ResponseTooLongError):
        return Outcome.TOO_LONG, str(error)
    if isinstance(error, FramingError):
        return Outcome.MALFORMED_HTTP, str(error)
    text = error.strerror or str(error)
    if not flight.is_connected:
        refused = isinstance(error, ConnectionRefusedError) or error.errno == errno.ECONNREFUSED
        return (Outcome.CONNECT_REFUSED if refused else Outcome.CONNECT_FAILED), text
    if flight.sent_ns is None:
        return Outcome.SEND_FAILED, text
    return Outcome.RESET, text
