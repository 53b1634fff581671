"""Requests over TLS. What the kernel stamps is the ciphertext.

The socket stays ours: ciphertext is read from it with its stamp, and goes through memory to OpenSSL and back (`ssl`,
section Memory BIO support). So a read arrives when the ciphertext that completed its bytes arrived, and a request is
sent when the last byte of its ciphertext left. Ciphertext that does not complete a TLS record brings no bytes, and is
no read: its record is stamped by the ciphertext that completes it.
"""

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from profiler.results.records import Outcome
from profiler.timing.kernel_timestamps import CONTROL_BYTES, READ_BYTES
from profiler.timing.messages import TlsOptions
from profiler.timing.poller import make_poller
from profiler.timing.tls_session import TlsSession, explain, make_context
from profiler.timing.wire import Flight
from profiler.units import NS_PER_MS, NS_PER_S

_AHEAD_NS = 5 * NS_PER_S  # connections that are not up by then are left to the requests, which say what is wrong
_LOOK_NS = 100 * NS_PER_MS


class TlsFlight(Flight):
    """A request over TLS."""

    __slots__ = ("_context", "_host", "_is_encrypted")

    def __init__(
        self, context: ssl.SSLContext, host: str, phase: str, index: int, payload: bytes, scheduled_ns: int
    ) -> None:
        """Prepare a request; nothing touches the network yet."""
        super().__init__(phase, index, payload, scheduled_ns)
        self._context = context
        self._host = host
        self._is_encrypted = False

    def advance(self) -> bool:
        """Connect, shake hands and send, as far as it goes. Raises `OSError`."""
        if not self.is_connected:
            self.finish_connecting()
        return self.send() if self.is_connected else True

    def finish_connecting(self) -> None:
        """Go on with the handshake; it has come to its end when `is_connected`. Raises `OSError`."""
        if self.session is None:
            super().finish_connecting()
            self.session = TlsSession(self._context, self._host)
        self.is_connected = False
        try:
            self.is_connected = self.session.shake_hands(self.sock)
        except ssl.SSLError as error:
            raise OSError(explain(error, self._host)) from error
        self.take_send_stamp()  # of the handshake: left in its queue, it would wake us for nothing

    def send(self) -> bool:
        """Hand ciphertext to the kernel; return whether all is handed over. Raises `OSError`."""
        if not self._is_encrypted:
            assert self.session is not None  # noqa: S101 - it is made before anything is sent
            self._payload = memoryview(self.session.encrypt(self._payload))
            self._is_encrypted = True
            self._forget_send_stamps()
        return super().send()

    def receive(self) -> Outcome | None:
        """Take what has arrived; return the outcome once there is one. Raises `OSError`, `FramingError`."""
        ciphertext, control, _, _ = self.sock.recvmsg(READ_BYTES, CONTROL_BYTES)
        now_ns = self.last_activity_ns = time.monotonic_ns()
        assert self.session is not None  # noqa: S101 - it was made before anything was sent
        data, can_go_on = self.session.decrypt(ciphertext)
        self.session.flush(self.sock)
        if data:
            self.user_ns.append(now_ns)
            self.kernel_stamp.append(control[0][2] if control else b"")
            self.data.append(data)
            self._is_complete = self._end.feed(data, self.data)
            if self._is_complete:
                return Outcome.OK
        return None if can_go_on else self._outcome_at_close()

    def can_be_reused(self) -> bool:
        """Whether the connection may carry another request."""
        return super().can_be_reused() and self.session is not None and not self.session.is_closed

    def _outcome_at_close(self) -> Outcome:
        """Say what the end of the connection means; one that nobody announced may cut a body off (RFC 9112 §9.8)."""
        outcome = super()._outcome_at_close()
        is_announced = self.session is not None and self.session.is_closed
        is_whole = is_announced or self.said_done_ns is not None
        return Outcome.TRUNCATED if outcome is Outcome.OK and not is_whole else outcome


NewTlsFlight = Callable[[str, int, bytes, int], TlsFlight]


def flights(host: str, options: TlsOptions) -> NewTlsFlight:
    """Return what makes the requests to a host. Raises `OSError`, as `make_context`."""
    return partial(TlsFlight, make_context(options), host)


def open_ahead(count: int, new_flight: NewTlsFlight, family: int, address: tuple[str, int]) -> list[TlsFlight]:
    """Connect and shake hands so many times before any request is due; return what is ready to send.

    A connection that fails is left out: the request that would have used it makes its own, and names the error.
    """
    poller = make_poller()
    waiting: dict[int, TlsFlight] = {}
    ready: list[TlsFlight] = []
    deadline_ns = time.monotonic_ns() + _AHEAD_NS
    for _ in range(count):
        flight = new_flight("", -1, b"", 0)
        with suppress(OSError):
            flight.connect(family, address)
            waiting[flight.fd] = flight
            poller.watch(flight.fd, writable=True)
    while waiting and time.monotonic_ns() < deadline_ns:
        for fd in poller.wait(_LOOK_NS):
            flight = waiting[fd]
            try:
                flight.finish_connecting()
            except OSError:
                poller.forget(fd)
                waiting.pop(fd).sock.close()
                continue
            if flight.is_connected:
                poller.forget(fd)
                ready.append(waiting.pop(fd))
            else:
                poller.rewatch(fd)
    for flight in waiting.values():
        poller.forget(flight.fd)
        flight.sock.close()
    return ready
