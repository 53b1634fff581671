"""The load driver's end of the socket to the profiler."""

import socket
from collections import deque

from profiler.timing.messages import Inbox, Message, encode
from profiler.timing.poller import Poller

_SEND_BYTES = 1 << 20
_MOST_UNSENT = 1000  # finished requests that wait for the parent …
_MOST_UNSENT_BYTES = 256 << 20  # … and their bytes, before no further one is sent


class ParentGoneError(Exception):
    """The profiler that started this driver has ended."""


class Channel:
    """The socket to the parent: never blocks the measuring loop."""

    def __init__(self, sock: socket.socket, poller: Poller) -> None:
        """Take over a connected socket."""
        sock.setblocking(False)
        self._sock = sock
        self._poller = poller
        self._inbox = Inbox()
        self._outbox: deque[memoryview] = deque()
        self._unsent_bytes = 0
        self.fd = sock.fileno()
        poller.watch(self.fd)

    def post(self, message: Message) -> None:
        """Queue a message and send as much as the parent takes now."""
        data = memoryview(encode(message))
        self._outbox.append(data)
        self._unsent_bytes += len(data)
        self.flush()

    def flush(self) -> None:
        """Send what is queued, as far as the parent takes it."""
        try:
            while self._outbox:
                sent = self._sock.send(self._outbox[0][:_SEND_BYTES])
                self._unsent_bytes -= sent
                if sent < len(self._outbox[0]):
                    self._outbox[0] = self._outbox[0][sent:]
                else:
                    self._outbox.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            raise ParentGoneError from error

    def drain(self) -> None:
        """Send all that is queued, waiting for the parent; nothing may be measured meanwhile."""
        self._sock.setblocking(True)
        self.flush()
        self._sock.setblocking(False)

    def receive(self) -> list[Message]:
        """Return the messages that have arrived. Raises `ParentGoneError` at the end of the stream."""
        try:
            data = self._sock.recv(_SEND_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            raise ParentGoneError from error
        if not data:
            raise ParentGoneError
        return self._inbox.feed(data)

    @property
    def has_unsent(self) -> bool:
        """Whether the parent still has to take something."""
        return bool(self._outbox)

    @property
    def is_full(self) -> bool:
        """Whether the parent is so far behind that no further request may be sent before it has taken some."""
        return len(self._outbox) >= _MOST_UNSENT or self._unsent_bytes >= _MOST_UNSENT_BYTES
