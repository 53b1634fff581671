"""The parent's end of the wire capture: whether it may run here, and the process while it does."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import psutil

from profiler.child import end, read_line, start_python
from profiler.errors import DriverError, UsageError
from profiler.wire_audit.capture import READY

_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 20.0  # it may have a ring full of packets left to write


def require_capture(url: str | None = None) -> None:
    """Raise `UsageError` where an audit cannot be made: it takes Linux, CAP_NET_RAW (packet(7)) and plain text."""
    if url is not None and url.startswith("https:"):
        raise UsageError(
            f"--wire-audit --url {url}: segments of a TLS connection are encrypted, so that reads cannot be found in "
            "them. Audit an http:// endpoint on the same host."
        )
    if sys.platform != "linux":
        raise UsageError(f"--wire-audit needs packet sockets of Linux; this is {sys.platform}. Run without it.")
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except OSError as error:
        raise UsageError(
            f"--wire-audit needs the capability CAP_NET_RAW, which this process lacks ({error.strerror}). Run as root, "
            f"or grant it: sudo setcap cap_net_raw+ep {Path(sys.executable).resolve()}"
        ) from error


@contextmanager
def wire_capture(host: str, port: int, path: Path) -> Iterator[None]:
    """Capture the segments from and to a server into a file while the block runs. Raises `DriverError`."""
    arguments = ["-m", "profiler.wire_audit.capture", interface_to(host, port), str(port), str(path)]
    with start_python(arguments) as process:
        try:
            said = read_line(process, _START_TIMEOUT_S) or "nothing"
            if said != READY:
                raise DriverError(f"The wire capture did not start. It said: {said}. Run without --wire-audit.")
            yield
        finally:
            end(process, _STOP_TIMEOUT_S)


def interface_to(host: str, port: int) -> str:
    """Name the interface on which packets to a server leave. Raises `UsageError`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)  # sends nothing: it only looks up the route
            local = probe.getsockname()[0]
    except OSError as error:
        raise UsageError(f"--wire-audit: there is no route to {host}: {error.strerror}. Check the address.") from error
    if local == address[0] or ip_address(str(address[0])).is_loopback:
        return "lo"  # packets to an address of this host's own never reach its interface
    for name, addresses in psutil.net_if_addrs().items():
        if any(known.address.partition("%")[0] == local for known in addresses):
            return name
    raise UsageError(f"--wire-audit: no interface has the address {local} that leads to {host}. Run without it.")
