"""Memory bandwidth: how much is read, and that it is really read."""

import pytest

from profiler.hosts import bandwidth
from profiler.results.host_facts import CacheFacts
from profiler.timing.clock import SystemClock

MIB = 2**20


def caches(*sizes: tuple[int, int, int]) -> list[CacheFacts]:
    return [CacheFacts(level=level, kind="unified", size_bytes=size, instances=count) for level, size, count in sizes]


@pytest.mark.parametrize(
    ("listed", "memory_bytes", "threads", "each_bytes"),
    [
        (caches((2, MIB, 64), (3, 384 * MIB, 1)), 64 * 2**30, 4, 384 * MIB),  # 4 × 384 MiB by four threads
        (caches((3, 32 * MIB, 16)), 768 * 2**30, 256, 8 * MIB),  # 4 × 16 × 32 MiB by 256 threads
        (caches((2, MIB, 2)), 64 * 2**30, 2, 256 * MIB),  # small caches: 512 MiB in all
        ([], None, 2, 512 * MIB),  # unknown caches: 1 GiB in all
        (caches((3, 384 * MIB, 1)), 2**30, 2, 128 * MIB),  # a quarter of the memory at most
    ],
)
def test_buffers_are_well_beyond_the_caches(
    listed: list[CacheFacts], memory_bytes: int | None, threads: int, each_bytes: int
) -> None:
    assert bandwidth.buffer_bytes(listed, memory_bytes, threads) == each_bytes


class Steps:
    """A clock on which every look takes a second."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        self.now_ns += 1_000_000_000
        return self.now_ns


def test_bytes_of_all_threads_over_the_time_from_first_start_to_last_end() -> None:
    # One thread looks at the clock twice a pass, one second apart: its 4 MiB are read in 1 s.
    heard: list[float] = []

    assert bandwidth.read_bytes_per_s([None], 4 * MIB, Steps(), heard.append) == 4 * MIB  # type: ignore[arg-type]
    assert heard[-1] == 1.0


def test_a_byte_that_should_not_be_there_is_found() -> None:
    """The reading reaches the last byte."""
    reader = bandwidth._Reader(None, 4 * MIB)
    reader.fill()
    reader.scan()
    reader._memory[-1] = 2
    with pytest.raises(RuntimeError, match="never written"):
        reader.scan()
    reader.close()


def test_this_machine_reads_at_some_plausible_rate() -> None:
    rate = bandwidth.read_bytes_per_s([None, None], 32 * MIB, SystemClock())

    assert 1e8 < rate < 1e13


def test_buffers_that_cannot_be_had_are_an_error() -> None:
    with pytest.raises((OSError, MemoryError, OverflowError)):
        bandwidth.read_bytes_per_s([None], 2**62, SystemClock())
