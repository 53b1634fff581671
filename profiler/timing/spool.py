"""Requests on disk: written before the measurement, read one at a time while it runs.

A million requests of a hundred tokens are most of a gigabyte. In a file they cost neither the profiler nor the load
driver any memory of their own: the kernel keeps in its page cache what it has room for, and gives it up when others
need it.

The file holds the requests one after the other, then where each of them ends, then their number; the integers are
unsigned 64-bit ones in the byte order of the machine.
"""

import os
from array import array
from collections.abc import Iterable
from typing import BinaryIO

_WORD = "Q"
_WORD_BYTES = array(_WORD).itemsize
_PIECE_BYTES = 1 << 20


def write_spool(file: BinaryIO, requests: Iterable[bytes]) -> int:
    """Replace what the file holds by these requests; return how many they are. Raises `OSError`."""
    fd = file.fileno()  # past the file's own buffer, which would be written once more when it is closed
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    ends = array(_WORD)
    end, waiting = 0, bytearray()
    for request in requests:
        waiting += request
        end += len(request)
        ends.append(end)
        if len(waiting) >= _PIECE_BYTES:
            _write(fd, waiting)
            waiting.clear()
    _write(fd, waiting + ends.tobytes() + array(_WORD, [len(ends)]).tobytes())
    return len(ends)


def _write(fd: int, data: bytes | bytearray) -> None:
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.write(fd, view[done:])


class SpoolReader:
    """The requests of a spool, by position. Several processes may read the same file at the same time."""

    def __init__(self, fd: int) -> None:
        """Read where each request ends. Raises `ValueError` where the descriptor's file is no complete spool."""
        size = os.fstat(fd).st_size
        self._fd = fd
        self._ends = array(_WORD)
        if size < _WORD_BYTES:
            raise ValueError("the spool of requests is empty")
        (count,) = array(_WORD, os.pread(fd, _WORD_BYTES, size - _WORD_BYTES))
        start = size - (count + 1) * _WORD_BYTES
        if start >= 0:
            self._ends.frombytes(os.pread(fd, count * _WORD_BYTES, start))
        if start < 0 or len(self._ends) != count or (count and self._ends[-1] != start):
            raise ValueError("the spool of requests was not written to its end")

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self._ends)

    def __getitem__(self, position: int) -> bytes:
        """Return one request, as it goes over the wire."""
        start = self._ends[position - 1] if position else 0
        return os.pread(self._fd, self._ends[position] - start, start)
