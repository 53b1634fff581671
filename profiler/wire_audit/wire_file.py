"""`wire.bin`: the segments of a run as the kernel stamped them, in batches that grow by one whole batch per write.

Little-endian. The file begins with `MAGIC`, whose last character is the version of the format. A batch is the offset
between wall and monotonic clock at the time of writing, how many packets the ring has dropped since the batch before,
how many segments follow, and those. A batch without segments is the last one; a file without it was cut off.
"""

import os
import struct
from pathlib import Path
from typing import NamedTuple

from profiler.errors import RunFolderError
from profiler.files import read_bytes
from profiler.timing.clock import WallOffset, wall_to_monotonic_ns, was_stepped
from profiler.wire_audit.frames import Segment

WIRE_FILE = "wire.bin"
MAGIC = b"aforowi1"

_BATCH = struct.Struct("<qqqII")
_SEGMENT = struct.Struct("<qH?xII")


class Capture(NamedTuple):
    """What a capture has seen."""

    segments: list[Segment]  # stamps on the monotonic clock
    drops: int  # packets that found the ring full
    stepped: int  # segments left out, since the wall clock was stepped around them
    is_complete: bool


class WireWriter:
    """Writes `wire.bin`."""

    def __init__(self, path: Path, offset: WallOffset) -> None:
        """Begin the file with the offset of the clocks before the first segment. Raises `OSError`."""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._write(MAGIC + struct.pack("<qqq", *offset))

    def append(self, segments: list[Segment], drops: int, offset: WallOffset) -> None:
        """Write one batch; one without segments ends the file. Raises `OSError`."""
        packed = b"".join([_SEGMENT.pack(*segment) for segment in segments])
        self._write(_BATCH.pack(*offset, drops, len(segments)) + packed)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]


def read_wire(path: Path) -> Capture:
    """Read a capture back, as far as it goes. Raises `RunFolderError`."""
    if not path.is_file():
        raise RunFolderError(f"{path} does not exist: the run was not audited. Repeat it with --wire-audit, as root.")
    try:
        data = read_bytes(path)
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}.") from error
    if data[: len(MAGIC)] != MAGIC[: len(data)]:  # a shorter file was cut off
        raise RunFolderError(
            f"{path} begins with {data[: len(MAGIC)]!r}, expected {MAGIC!r}: it is damaged, or of a newer version of "
            "Aforo. Try: pip install --upgrade aforo"
        )
    return _read_batches(data)


def _read_batches(data: bytes) -> Capture:
    position = len(MAGIC) + struct.calcsize("<qqq")
    if len(data) < position:
        return Capture([], 0, 0, is_complete=False)
    before = WallOffset(*struct.unpack_from("<qqq", data, len(MAGIC)))
    segments: list[Segment] = []
    drops = stepped = 0
    while position + _BATCH.size <= len(data):
        at_ns, offset_ns, width_ns, dropped, count = _BATCH.unpack_from(data, position)
        offset = WallOffset(at_ns, offset_ns, width_ns)
        start, position = position + _BATCH.size, position + _BATCH.size + count * _SEGMENT.size
        if position > len(data):
            break
        drops += dropped
        if count == 0:
            return Capture(segments, drops, stepped, is_complete=True)
        if was_stepped(offset.offset_ns - before.offset_ns):
            stepped += count
        else:
            segments += _converted(data[start:position], before, offset)
        before = offset
    return Capture(segments, drops, stepped, is_complete=False)


def _converted(packed: bytes, first: WallOffset, last: WallOffset) -> list[Segment]:
    """Unpack segments and bring their stamps to the monotonic clock."""
    return [
        Segment(wall_to_monotonic_ns(stamp_ns, first, last), port, is_request, sequence, payload_bytes)
        for stamp_ns, port, is_request, sequence, payload_bytes in _SEGMENT.iter_unpack(packed)
    ]
