"""From what a server sent and what a client used up to chunks per core."""

import pytest
from capacity import weigh, window
from clients import Usage, window_usage
from truth import Truth

S = 1_000_000_000


def test_processor_time_is_interpolated_between_samples() -> None:
    usage = Usage(samples=[(10 * S, 1.0), (20 * S, 6.0)], total_cpu_s=9.0)
    assert [usage.at_s(t * S) for t in (5, 10, 12, 30)] == [0.0, 1.0, 2.0, 6.0]
    # From 12 s to 18 s: 5 − 2 = 3 CPU seconds in 6 s; from 12 s to the end 9 − 2.
    assert window_usage(usage, 12 * S, 18 * S) == (0.5, 7.0)


def test_ramp_and_drain_are_cut_off() -> None:
    first, last = window([0] * 5 + [10] * 101 + [0] * 5)
    assert 5 < first < last < 105
    with pytest.raises(SystemExit, match=r"9 tenths of a second only; give it a longer --duration"):
        window([1] * 9)


def test_chunks_per_core_are_those_of_the_window() -> None:
    # 100 buckets of 0.1 s with 50 chunks each: 500 chunks/s. The client uses a quarter of a core throughout.
    buckets = {"chunks": [50] * 100, "tokens": [100] * 100, "requests": [2] * 100}
    usage = Usage(samples=[(0, 0.0), (10 * S, 2.5)], total_cpu_s=2.5)
    outcome = weigh("c32", "aforo", 1, Truth("", [], buckets, bucket_ns=S // 10, start_ns=0), usage)
    assert outcome.chunks_per_s == pytest.approx(500)
    assert outcome.requests_per_s == pytest.approx(20)
    assert outcome.cores == pytest.approx(0.25)
    assert outcome.chunks_per_core_s == pytest.approx(2000)
    assert outcome.cpu_s_per_1000_tokens == pytest.approx(0.25)  # of 1 s, in which 1,000 tokens arrive
