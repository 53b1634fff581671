import time

import pytest

from profiler.timing.clock import WallOffset, sample_wall_offset, wall_to_monotonic_ns


def test_without_drift_the_offset_is_subtracted() -> None:
    offset = WallOffset(at_ns=0, offset_ns=1_000, width_ns=10)
    assert wall_to_monotonic_ns(1_500, offset, offset) == 500


def test_drift_is_interpolated() -> None:
    # Over 1,000 ns of monotonic time the wall clock gains 100 ns. Halfway (monotonic 500) it has gained 50:
    # the wall then shows 500 + 1,000 + 50 = 1,550. The first-order inverse of 1,550 is 550 − 100·550/1,000 = 495.
    first = WallOffset(at_ns=0, offset_ns=1_000, width_ns=10)
    last = WallOffset(at_ns=1_000, offset_ns=1_100, width_ns=10)
    assert wall_to_monotonic_ns(1_550, first, last) == 495
    # A real drift is 500 ppm at most (adjtimex(2)); there the first order is exact to a nanosecond.
    first = WallOffset(at_ns=0, offset_ns=0, width_ns=0)
    last = WallOffset(at_ns=1_000_000, offset_ns=500, width_ns=0)
    assert wall_to_monotonic_ns(500_250, first, last) == 500_000


@pytest.mark.parametrize(
    ("readings", "width_ns"),
    [
        ([0, 100], 100),
        ([0, 5_000_000, 6_000_000, 6_000_200], 200),  # it lost its CPU for 5 ms in the first
        ([9 * 10**6 * step for step in range(10)], 9 * 10**6),  # in all five
    ],
)
def test_a_sample_that_was_interrupted_is_taken_again(
    monkeypatch: pytest.MonkeyPatch, readings: list[int], width_ns: int
) -> None:
    monkeypatch.setattr(time, "monotonic_ns", iter(readings).__next__)
    assert sample_wall_offset().width_ns == width_ns


def test_the_offset_of_this_machine_converts_now_to_now() -> None:
    offset = sample_wall_offset()
    before_ns = time.monotonic_ns()
    wall_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    after_ns = time.monotonic_ns()
    assert offset.width_ns >= 0
    unsure_ns = offset.width_ns + 1_000_000  # the wall clock may be slewed meanwhile
    assert before_ns - unsure_ns < wall_to_monotonic_ns(wall_ns, offset, offset) < after_ns + unsure_ns
