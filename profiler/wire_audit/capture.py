"""The wire capture: a process of its own that keeps the kernel's stamp of every segment from and to a server.

Started as `python -m profiler.wire_audit.capture INTERFACE PORT FILE`. Prints one line, `ready` or what went wrong,
and ends when its standard input does, so it never outlives its parent. Between two looks at the ring it sleeps: the
kernel stamps and stores without it, so it may run when nobody else wants the processor.
"""

import gc
import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from profiler.timing.clock import WallOffset, sample_wall_offset
from profiler.wire_audit.frames import parse_segment
from profiler.wire_audit.ring import RETIRE_S, Ring
from profiler.wire_audit.wire_file import WireWriter

READY = "ready"

_LOOK_S = 0.1
_NICENESS = 10
_LOOKS_AT_CLOCKS = 5


def main(arguments: Sequence[str]) -> None:
    """Capture until standard input ends."""
    interface, port, path = arguments
    with suppress(OSError):
        os.nice(_NICENESS)
    try:
        ring = Ring(interface, int(port))
        writer = WireWriter(Path(path), _wall_offset())
    except OSError as error:
        print(error, flush=True)
        return
    print(READY, flush=True)
    gc.freeze()
    _capture(ring, writer, int(port))
    ring.close()
    writer.close()


def _capture(ring: Ring, writer: WireWriter, port: int) -> None:
    while not _parent_is_gone(_LOOK_S):
        _keep(ring, writer, port)
    select.select([], [], [], 2 * RETIRE_S)  # until the kernel has handed over the block that it was filling
    _keep(ring, writer, port)
    writer.append([], ring.take_drops(), _wall_offset())


def _keep(ring: Ring, writer: WireWriter, port: int) -> None:
    """Write what has been captured since the last time."""
    parsed = [parse_segment(packet.head, packet.length_bytes, packet.stamp_ns, port) for packet in ring.drain()]
    if segments := [segment for segment in parsed if segment is not None]:
        writer.append(segments, ring.take_drops(), _wall_offset())


def _parent_is_gone(timeout_s: float) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], timeout_s)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def _wall_offset() -> WallOffset:
    """The best of a few readings: one of them may have been interrupted."""
    return min((sample_wall_offset() for _ in range(_LOOKS_AT_CLOCKS)), key=lambda offset: offset.width_ns)


if __name__ == "__main__":
    main(sys.argv[1:])
