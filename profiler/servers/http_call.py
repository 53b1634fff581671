"""One exchange with a server that is not measured: bounded in time and bytes, and ended by a signal at once.

The exchange is carried out in a thread, since looking up a name cannot be bounded otherwise; whoever waits for it
hears signals meanwhile.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import NamedTuple

from profiler.errors import ServerError
from profiler.results.server_message import one_line
from profiler.servers.address import Address
from profiler.servers.base import Tick, no_tick
from profiler.timing.content_coding import decoded
from profiler.timing.messages import TlsOptions
from profiler.timing.tls_session import explain, make_context
from profiler.units import BYTES_PER_MIB

LIMIT_S = 30.0
MOST_BYTES = 8 * BYTES_PER_MIB
_READ_BYTES = 65_536
_LOOK_S = 0.05
_HANG_UP_S = 0.1  # within which a server that closes after each response does so
_INFORMATION = range(100, 200)
_OF_TLS = ("\x15\x03", "\x16\x03")  # how an alert, or a greeting, of a server that speaks TLS begins (RFC 8446 §5.1)

IsEnough = Callable[[bytes], bool]


class Reply(NamedTuple):
    """What came back."""

    status: int
    location: str | None  # where it redirects to
    body: bytes


class UnreachableError(ServerError):
    """No connection could be made."""


class _Response(http.client.HTTPResponse):
    """A response behind any number of informational ones (RFC 9110 §15.2), of which the library skips 100 only."""

    def begin(self) -> None:
        super().begin()
        while self.status in _INFORMATION:
            self.headers = None  # type: ignore[assignment] # which makes the next call read another head
            super().begin()


class _Exchange(threading.Thread):
    """Sends a request and reads until there is enough."""

    def __init__(self, address: Address, request: bytes, tls: TlsOptions | None, is_enough: IsEnough) -> None:
        super().__init__(daemon=True)
        self._address, self._request, self._tls, self._is_enough = address, request, tls, is_enough
        self._sock: socket.socket | None = None
        self._is_connected = False
        self.reply: Reply | None = None
        self.error: Exception | None = None

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    def run(self) -> None:
        try:
            self._connect()
            assert self._sock is not None  # noqa: S101 - connected
            self._sock.sendall(self._request)
            self.reply = self._read(self._sock)
        except (OSError, http.client.HTTPException, ValueError, AssertionError) as error:
            self.error = error
        finally:
            self.abandon()
            if self._sock is not None:
                self._sock.close()

    def abandon(self) -> None:
        """End the connection, which wakes whoever reads from it."""
        if (sock := self._sock) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        sock = socket.create_connection((self._address.host, self._address.port), LIMIT_S)
        self._sock, self._is_connected = sock, True
        sock.settimeout(None)  # whoever waits for this thread has a limit for all of it
        if self._tls is not None:
            self._sock = make_context(self._tls).wrap_socket(sock, server_hostname=self._address.host)

    def _read(self, sock: socket.socket) -> Reply:
        with closing(_Response(sock, method=self._request.split(b" ", 1)[0].decode())) as response:
            return self._read_response(sock, response)

    def _read_response(self, sock: socket.socket, response: _Response) -> Reply:
        response.begin()
        body = bytearray()
        with suppress(TimeoutError):  # behind what is enough, the end is awaited for a moment only
            while piece := response.read1(_READ_BYTES):
                body += piece
                if len(body) > MOST_BYTES:
                    raise ValueError(f"it is longer than {MOST_BYTES // BYTES_PER_MIB} MiB")
                if self._is_enough(bytes(body)):
                    sock.settimeout(_HANG_UP_S)
        coding = (response.getheader("Content-Encoding") or "").strip().lower()
        readable = decoded(bytes(body), coding, MOST_BYTES)
        return Reply(response.status, response.getheader("Location"), bytes(body) if readable is None else readable)


def exchange(
    address: Address,
    request: bytes,
    tls: TlsOptions | None = None,
    tick: Tick = no_tick,
    limit_s: float = LIMIT_S,
    is_enough: IsEnough = lambda _: False,
) -> Reply:
    """Send a request; return the response, or its beginning that `is_enough`.

    Raises `ServerError`, `UnreachableError` where no connection was made, and what `tick` raises.
    """
    what = " ".join(request.split(b"\r\n", 1)[0].decode("ascii", "replace").split(" ")[:2])
    thread = _Exchange(address, request, tls, is_enough)
    deadline_s = time.monotonic() + limit_s
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_S)
            tick()
            if thread.is_alive() and time.monotonic() > deadline_s:
                doing = "complete its response to" if thread.is_connected else "accept the connection for"
                raise ServerError(f"The server did not {doing} {what} within {limit_s:g} s.")
    finally:
        thread.abandon()
    if thread.reply is not None:
        return thread.reply
    kind = ServerError if thread.is_connected else UnreachableError
    raise kind(f"The server did not answer {what}: {_why(thread.error, address.host)}.") from thread.error


def _why(error: Exception | None, host: str) -> str:
    """Say in one printable line why there is no response, whatever a server sent instead."""
    explained = explain(error, host) if isinstance(error, OSError) else None
    if explained is not None:
        return explained.rstrip(".")
    said = one_line(str(error or "no response")).rstrip(".")
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, OSError):
        if str(error).startswith(_OF_TLS):
            return "the server speaks TLS on this port: use https:// instead of http://"
        return f"what came back is no HTTP/1.1{f' ({said})' if said else ''}"
    return said or type(error).__name__
