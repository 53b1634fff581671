"""Where a server can be reached, and the connections to it that requests have left open."""

import socket
import time
from typing import TYPE_CHECKING, NamedTuple

from profiler.timing.wire import Flight
from profiler.units import NS_PER_S

if TYPE_CHECKING:
    from profiler.timing.tls_session import TlsSession

_REUSE_NS = NS_PER_S  # a connection idle for longer may be closed by the server at any moment
_CONNECT_S = 1.0
_MOST_ADDRESSES = 8
_FEW = 3


class Address(NamedTuple):
    """One of the addresses that a name stands for."""

    family: int
    sockaddr: tuple[str, int]


def reachable(host: str, port: int) -> Address:
    """Return the first address of a name at which a connection is accepted, or the first of all.

    `localhost` is mostly ::1 and 127.0.0.1, and many servers listen at the latter alone. Raises `OSError` for a name
    that is not known.
    """
    found = dict.fromkeys(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    addresses = [Address(family, sockaddr) for family, _, _, _, sockaddr in found]  # type: ignore[arg-type] # v6: longer
    if len(addresses) == 1:
        return addresses[0]
    return next((address for address in addresses[:_MOST_ADDRESSES] if _accepts(address)), addresses[0])


def _accepts(address: Address) -> bool:
    try:
        with socket.socket(address.family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_CONNECT_S)
            probe.connect(address.sockaddr)
    except OSError:
        return False
    return True


class Habit:
    """Something that a server does now and then, or mostly: it is one after a few times, and in every fourth chance."""

    def __init__(self, few: int = _FEW) -> None:
        """Begin without having seen it; `few` are enough."""
        self._few = few
        self._times = self._chances = 0

    def seen(self) -> None:
        """Note that it did so."""
        self._times += 1

    def could_be_seen(self) -> None:
        """Note that it could have done so."""
        self._chances += 1

    @property
    def is_one(self) -> bool:
        """Whether to expect it the next time."""
        return self._times >= self._few and 4 * self._times >= self._chances


class Idle(NamedTuple):
    """A connection that is open and carries no request."""

    sock: socket.socket
    session: "TlsSession | None"
    since_ns: int

    def is_open(self) -> bool:
        """Whether the server has neither closed the connection nor sent anything unasked."""
        return _is_open(self.sock) if self.session is None else self.session.is_quiet(self.sock)


class Connections:
    """Those that are idle. Where the server mostly hangs up on the next request without warning, none is kept.

    Some servers close a connection after each response, a moment later, and without having said so (llama-server does):
    a request that is sent in that moment gets no answer.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._idle: list[Idle] = []
        self._hangs_up = Habit()

    def keep(self, flight: Flight) -> None:
        """Keep the connection of a request that has ended, if the next one may use it; else close it."""
        if flight.can_be_reused() and not self._hangs_up.is_one:
            self._idle.append(Idle(flight.sock, flight.session, flight.last_activity_ns))
        else:
            flight.sock.close()

    def add(self, idle: list[Idle]) -> None:
        """Take connections that were made ahead."""
        self._idle += idle

    def take(self) -> Idle | None:
        """Return the connection used last, if it is fresh and still open."""
        oldest_ns = time.monotonic_ns() - _REUSE_NS
        while self._idle:
            idle = self._idle.pop()
            if idle.since_ns > oldest_ns and idle.is_open():
                self._hangs_up.could_be_seen()
                return idle
            idle.sock.close()
        return None

    def hung_up(self) -> None:
        """Note that a connection that was taken was closed without a byte in return."""
        self._hangs_up.seen()

    def close(self) -> None:
        """Close all that are idle."""
        for idle in self._idle:
            idle.sock.close()
        self._idle.clear()


def _is_open(sock: socket.socket) -> bool:
    """Whether the server has neither closed the connection nor sent anything unasked."""
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
