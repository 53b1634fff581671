"""The only place that reads a clock.

Durations and instants are CLOCK_MONOTONIC integer nanoseconds. Wall time is metadata, and the scale
on which the kernel stamps arriving bytes; `WallOffset` converts between the two.
"""

import time
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from profiler.units import NS_PER_MS

_STEP_NS = NS_PER_MS


_WIDE_NS = 20_000  # a few hundred are usual
_MORE_SAMPLES = 4


class Clock(Protocol):
    """What the rest of the program may know about time."""

    def monotonic_ns(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC."""
        ...

    def utc(self) -> datetime:
        """Wall time, for metadata only."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Give up the processor for a while."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def monotonic_ns(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC."""
        return time.monotonic_ns()

    def utc(self) -> datetime:
        """Wall time with its zone."""
        return datetime.now(UTC)  # noqa: TID251 - this module is where wall time is allowed

    def sleep(self, duration_s: float) -> None:
        """Give up the processor for a while."""
        time.sleep(duration_s)


class WallOffset(NamedTuple):
    """How far the wall clock was ahead of the monotonic one at an instant."""

    at_ns: int  # monotonic
    offset_ns: int  # wall − monotonic
    width_ns: int  # the two clocks were read within this time: the uncertainty of the offset


def sample_wall_offset() -> WallOffset:
    """Return the offset between the clocks; taken anew where this process lost its CPU between two readings."""
    best = _sample_once()
    for _ in range(_MORE_SAMPLES):
        if best.width_ns <= _WIDE_NS:
            break
        best = min(best, _sample_once(), key=lambda offset: offset.width_ns)
    return best


def _sample_once() -> WallOffset:
    """Read the wall clock between two readings of the monotonic one."""
    before_ns = time.monotonic_ns()
    wall_ns = time.time_ns()  # noqa: TID251 - this module is where wall time is allowed
    after_ns = time.monotonic_ns()
    middle_ns = (before_ns + after_ns) // 2
    return WallOffset(middle_ns, wall_ns - middle_ns, after_ns - before_ns)


def wall_to_monotonic_ns(wall_ns: int, first: WallOffset, last: WallOffset) -> int:
    """Convert a wall stamp taken between two offset samples, interpolating their drift linearly."""
    span_ns = last.at_ns - first.at_ns
    drift_ns = last.offset_ns - first.offset_ns
    if span_ns <= 0 or drift_ns == 0:
        return wall_ns - first.offset_ns
    elapsed_ns = wall_ns - first.offset_ns - first.at_ns
    return wall_ns - first.offset_ns - drift_ns * elapsed_ns // span_ns


def was_stepped(drift_ns: int) -> bool:
    """Whether a wall clock that moved so far against the monotonic one was stepped, not slewed: by over 1 ms."""
    return abs(drift_ns) > _STEP_NS
