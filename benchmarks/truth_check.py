"""Is the truth server truthful? Its log against a client of a few lines that shares no code with the load driver.

    python benchmarks/truth_check.py [--requests 20] [--fifo 50]

The client sends one request at a time and lets the kernel stamp what arrives (SO_TIMESTAMPNS, Linux). A chunk's stamp
must lie between the server's call of send() and its return, give or take the reading of two clocks, and the arrival
of a request between the client's call of send() and its return.
"""

import argparse
import socket
import struct
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import truth

from profiler.stats.quantiles import quantile
from profiler.timing.clock import sample_wall_offset
from profiler.units import NS_PER_S, ns_to_us

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_TIMESPEC = struct.Struct("@qq")
_TIMEOUT_S = 10.0
_TOKENS = 32
_BODY = b'{"messages":[{"role":"user","content":"hello"}],"max_tokens":%d,"stream":true}' % _TOKENS


class Exchange(NamedTuple):
    """One request as this client saw it."""

    call_ns: int  # send() called and returned
    return_ns: int
    stamps_ns: list[int]  # per read that holds a token


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="aforo-truth-") as work:
        binary = truth.build(Path(work))
        flags = ["--ttft-ms", "20", "--itl-ms", "5"]
        with truth.truth_server(binary, flags, fifo=options.fifo) as server:
            seen = [ask(server.port) for _ in range(options.requests)]
        log = server.truth()
    pairs = list(zip(seen, log.requests, strict=True))
    if any(len(ours.stamps_ns) != len(theirs.chunk_ns) for ours, theirs in pairs):
        raise SystemExit("Some chunks were merged on the way: the machine is too busy for this check.")
    print(f"{len(pairs)} requests of {_TOKENS} chunks; the server ran under {log.scheduler}. Microseconds:")
    show("request: arrived − client's call", [theirs.arrived_ns - ours.call_ns for ours, theirs in pairs])
    show("request: client's return − arrived", [ours.return_ns - theirs.arrived_ns for ours, theirs in pairs])
    chunks = [chunk for pair in pairs for chunk in stamped_chunks(*pair)]
    show("chunk: kernel's stamp − server's call", [stamp - call for stamp, call, _ in chunks])
    show("chunk: server's return − kernel's stamp", [back - stamp for stamp, _, back in chunks])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--fifo", type=int, default=50, help="SCHED_FIFO priority of the server; 0 for none [50]")
    return parser.parse_args()


def ask(port: int) -> Exchange:
    """Send one request on a connection of its own and read the stream to its end."""
    with socket.socket() as sock:
        sock.settimeout(_TIMEOUT_S)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.connect(("127.0.0.1", port))
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
        call_ns = time.monotonic_ns()
        sock.sendall(head + _BODY)
        return_ns = time.monotonic_ns()
        stamps_ns = [stamp_ns for data, stamp_ns in reads(sock) if b'"content":" a"' in data]
    return Exchange(call_ns, return_ns, stamps_ns)


def reads(sock: socket.socket) -> Iterator[tuple[bytes, int]]:
    """Yield what arrives, with its kernel stamp on the monotonic clock, up to the end of the stream."""
    data = b""
    while b"[DONE]" not in data:
        data, control, _, _ = sock.recvmsg(65_536, socket.CMSG_SPACE(_TIMESPEC.size))
        if not data:
            raise SystemExit("The truth server closed the connection in the middle of an answer.")
        seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
        yield data, seconds * NS_PER_S + nanoseconds - sample_wall_offset().offset_ns


def stamped_chunks(ours: Exchange, theirs: truth.Sent) -> Iterator[tuple[int, int, int]]:
    """Yield stamp, call and return of each chunk."""
    return zip(ours.stamps_ns, theirs.chunk_ns, theirs.return_ns, strict=True)


def show(what: str, durations_ns: Sequence[int]) -> None:
    ordered = sorted(ns_to_us(duration_ns) for duration_ns in durations_ns)
    low, middle, high = (quantile(ordered, q) for q in (0.0, 0.5, 0.99))
    print(f"  {what:<42} least {low:7.1f}   p50 {middle:7.1f}   p99 {high:7.1f}   most {ordered[-1]:7.1f}")


if __name__ == "__main__":
    main()
