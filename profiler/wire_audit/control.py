"""The parent's end of the wire capture: whether it may run here, and the process while it does."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import psutil

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
    command = [sys.executable, "-P", "-m", "profiler.wire_audit.capture", interface_to(host, port), str(port)]
    with subprocess.Popen(
        [*command, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C at the terminal is for the parent to handle
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    ) as process:
        try:
            _wait_until_ready(process)
            yield
        finally:
            _end(process)


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


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None  # noqa: S101 - opened above
    readable, _, _ = select.select([process.stdout], [], [], _START_TIMEOUT_S)
    said = process.stdout.readline().decode("utf-8", "replace").strip() if readable else "nothing"
    if said != READY:
        raise DriverError(f"The wire capture did not start. It said: {said or 'nothing'}. Run without --wire-audit.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close its input, which is enough, and have a kill at hand."""
    assert process.stdin is not None  # noqa: S101 - opened above
    process.stdin.close()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
