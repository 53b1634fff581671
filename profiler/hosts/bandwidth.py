"""How many bytes per second all processors together read from memory.

The reader is the C library's `memchr`, looking for a byte that is not there: vectorised by every C library's
makers for their processors, present everywhere, and it reads without writing, as decoding does. Python lets
go of its lock while it runs.
"""

import ctypes
import math
import mmap
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from profiler.results.host_facts import CacheFacts
from profiler.timing.clock import Clock
from profiler.units import BYTES_PER_MIB, NS_PER_S, s_to_ns

_TIMES_THE_CACHES = 4
_LEAST_BYTES = 512 * BYTES_PER_MIB
_UNKNOWN_CACHES_BYTES = 1024 * BYTES_PER_MIB
_PASS_S = 0.25
_PASSES = 12
_FILL, _ABSENT = 1, 2


def buffer_bytes(caches: Sequence[CacheFacts], memory_bytes: int | None, threads: int) -> int:
    """Return how much each thread reads: four times the last caches in all, a quarter of the memory at most."""
    last = max((cache.level for cache in caches), default=0)
    cached_bytes = sum(cache.size_bytes * cache.instances for cache in caches if cache.level == last)
    wanted_bytes = max(cached_bytes * _TIMES_THE_CACHES, _LEAST_BYTES) if cached_bytes else _UNKNOWN_CACHES_BYTES
    if memory_bytes is not None:
        wanted_bytes = min(wanted_bytes, memory_bytes // 4)
    return max(wanted_bytes // threads, mmap.PAGESIZE)


def read_bytes_per_s(
    cpus: Sequence[int | None], bytes_each: int, clock: Clock, on_pass: Callable[[float], None] = lambda _: None
) -> float:
    """Return the best of a dozen passes of a quarter of a second, one reading thread for each of `cpus`.

    A thread stays on its CPU, where it is not `None`, and fills its own buffer, so that its pages lie near it.
    `on_pass` hears the share that is done. Raises OSError or MemoryError where the buffers cannot be had.
    """
    readers = [_Reader(cpu, bytes_each) for cpu in cpus]
    scans, best = 1, 0.0
    try:
        _together(readers, _Reader.fill, clock)
        took_ns = _together(readers, _Reader.scan, clock)  # also the warm-up
        scans = max(1, math.ceil(s_to_ns(_PASS_S) / max(took_ns, 1)))
        for number in range(_PASSES):
            took_ns = _together(readers, lambda reader: reader.scan(scans), clock)
            best = max(best, len(readers) * bytes_each * scans * NS_PER_S / took_ns)
            on_pass((number + 1) / _PASSES)
    finally:
        for reader in readers:
            reader.close()
    return best


class _Reader:
    """One thread's buffer, and the reading of it."""

    def __init__(self, cpu: int | None, size_bytes: int) -> None:
        self._cpu = cpu
        self._size_bytes = size_bytes
        self._memory = mmap.mmap(-1, size_bytes)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # without huge pages the walks of the page table are part of the price
                self._memory.madvise(mmap.MADV_HUGEPAGE)
        self._view: ctypes.c_char | None = ctypes.c_char.from_buffer(self._memory)
        self._address = ctypes.addressof(self._view)
        self._memchr = ctypes.CDLL(None).memchr
        self._memchr.restype = ctypes.c_void_p
        self._memchr.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)

    def settle(self) -> None:
        """Keep the calling thread on its CPU."""
        if self._cpu is not None:
            with suppress(OSError):  # a CPU that was taken away meanwhile
                os.sched_setaffinity(0, {self._cpu})

    def fill(self) -> None:
        """Give every page memory of its own; until it is written to, all read the same zeros."""
        ctypes.memset(self._address, _FILL, self._size_bytes)

    def scan(self, times: int = 1) -> None:
        """Read it all, `times` over."""
        for _ in range(times):
            if self._memchr(self._address, _ABSENT, self._size_bytes) is not None:
                raise RuntimeError("memchr found a byte that was never written")

    def close(self) -> None:
        """Give the memory back."""
        self._view = None
        self._memory.close()


def _together(readers: Sequence[_Reader], act: Callable[[_Reader], None], clock: Clock) -> int:
    """Let all act at the same time, each in a thread; return how long that took from first start to last end."""
    starts_ns, ends_ns = [], []
    gate = threading.Barrier(len(readers))

    def one(reader: _Reader) -> None:
        reader.settle()
        gate.wait()
        starts_ns.append(clock.monotonic_ns())
        act(reader)
        ends_ns.append(clock.monotonic_ns())

    threads = [threading.Thread(target=one, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(ends_ns) - min(starts_ns)
