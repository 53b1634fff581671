"""Waiting for sockets with microsecond timeouts: epoll on Linux, the standard selectors elsewhere."""

import select
import selectors
import sys
from typing import Protocol

from profiler.units import NS_PER_MS, NS_PER_S, ns_to_s

_COARSE_NS = 2 * NS_PER_MS  # epoll counts whole milliseconds; shorter waits go through select


class Poller(Protocol):
    """Readiness of file descriptors."""

    def watch(self, fd: int, *, writable: bool = False) -> None:
        """Begin to wait for a descriptor to become readable, or writable instead."""
        ...

    def rewatch(self, fd: int, *, writable: bool = False) -> None:
        """Change what is awaited of a descriptor."""
        ...

    def forget(self, fd: int) -> None:
        """Stop waiting for a descriptor."""
        ...

    def wait(self, timeout_ns: int) -> list[int]:
        """Return the descriptors that are ready, in at most `timeout_ns`."""
        ...


class EpollPoller:
    """Linux."""

    def __init__(self) -> None:
        """Open the epoll instance."""
        self._epoll = select.epoll()
        self._fd = self._epoll.fileno()

    def watch(self, fd: int, *, writable: bool = False) -> None:
        """Begin to wait for a descriptor."""
        self._epoll.register(fd, select.EPOLLOUT if writable else select.EPOLLIN)

    def rewatch(self, fd: int, *, writable: bool = False) -> None:
        """Change what is awaited of a descriptor."""
        self._epoll.modify(fd, select.EPOLLOUT if writable else select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """Stop waiting for a descriptor."""
        self._epoll.unregister(fd)

    def wait(self, timeout_ns: int) -> list[int]:
        """Wait; an epoll descriptor is itself selectable, and select counts microseconds.

        A long wait ends at the last whole millisecond before its time, for `epoll` would round it up: the caller waits
        again for the rest.
        """
        if timeout_ns < _COARSE_NS:
            if timeout_ns > 0:
                select.select([self._fd], [], [], ns_to_s(timeout_ns))
            timeout_ns = 0
        whole_ms = timeout_ns // NS_PER_MS
        # Half a millisecond less, which is rounded up: a float of whole milliseconds may already be a little above.
        return [fd for fd, _ in self._epoll.poll((whole_ms - 0.5) * NS_PER_MS / NS_PER_S if whole_ms else 0)]


class PortablePoller:
    """macOS and the BSDs: kqueue through the standard library."""

    def __init__(self) -> None:
        """Open the system's best selector."""
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, *, writable: bool = False) -> None:
        """Begin to wait for a descriptor."""
        self._selector.register(fd, selectors.EVENT_WRITE if writable else selectors.EVENT_READ)

    def rewatch(self, fd: int, *, writable: bool = False) -> None:
        """Change what is awaited of a descriptor."""
        self._selector.modify(fd, selectors.EVENT_WRITE if writable else selectors.EVENT_READ)

    def forget(self, fd: int) -> None:
        """Stop waiting for a descriptor."""
        self._selector.unregister(fd)

    def wait(self, timeout_ns: int) -> list[int]:
        """Wait."""
        return [key.fd for key, _ in self._selector.select(ns_to_s(timeout_ns))]


def make_poller() -> Poller:
    """Return the poller of this platform."""
    return EpollPoller() if sys.platform == "linux" else PortablePoller()
