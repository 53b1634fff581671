import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.timing.arrivals import arrival_times_ns
from profiler.units import NS_PER_S


def gaps_s(times_ns: list[int]) -> list[float]:
    return [(later - earlier) / NS_PER_S for earlier, later in pairwise(times_ns)]


def test_constant_arrivals_do_not_drift() -> None:
    # 3 requests/s: the third second begins with the seventh request, however the gaps are rounded.
    times_ns = arrival_times_ns("constant", 3.0, [10], seed=1)
    assert times_ns[0] == 0
    assert times_ns[3] == NS_PER_S
    assert times_ns[9] == 3 * NS_PER_S


@pytest.mark.parametrize("blocks", [[20_000], [2_000] * 10, [200] * 100])
@pytest.mark.parametrize(
    ("arrivals", "burstiness", "variation"),
    [("poisson", 1.0, 1.0), ("gamma", 1.0, 1.0), ("gamma", 0.25, 2.0), ("gamma", 4.0, 0.5)],
)
def test_drawn_arrivals_have_the_rate_and_the_variation_they_say(
    arrivals: str, burstiness: float, variation: float, blocks: list[int]
) -> None:
    times_ns = arrival_times_ns(arrivals, 50.0, blocks, seed=1, burstiness=burstiness)  # type: ignore[arg-type]
    gaps = gaps_s(times_ns)
    mean_s = statistics.fmean(gaps)
    assert mean_s == pytest.approx(1 / 50, rel=0.001)
    assert statistics.pstdev(gaps) / mean_s == pytest.approx(variation, rel=0.05)


def test_arrivals_within_a_block_are_those_of_a_poisson_process() -> None:
    # In a tenth of a block of 100, 10 arrive on average with a variance of n·p·(1 − p) = 9: as many as are known to
    # arrive in all of it, each anywhere. The first one, at 0, is always in the first tenth.
    blocks = 2_000
    times_ns = arrival_times_ns("poisson", 50.0, [100] * blocks, seed=1)
    tenth_ns = 100 * NS_PER_S // 50 // 10
    counts = [0] * (10 * blocks)
    for time_ns in times_ns:
        counts[min(len(counts) - 1, time_ns // tenth_ns)] += 1
    later = [count for position, count in enumerate(counts) if position % 10]
    assert statistics.fmean(later) == pytest.approx(9.9, rel=0.01)
    assert statistics.pvariance(later) == pytest.approx(99 * 0.1 * 0.9, rel=0.05)


@given(
    arrivals=st.sampled_from(["constant", "poisson", "gamma"]),
    rate_rps=st.floats(0.01, 10_000),
    burstiness=st.floats(0.001, 1000),
    blocks=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    seed=st.integers(0, 5),
)
def test_each_block_is_offered_exactly_the_rate(
    arrivals: str, rate_rps: float, burstiness: float, blocks: list[int], seed: int
) -> None:
    times_ns = arrival_times_ns(arrivals, rate_rps, [*blocks, 1], seed, burstiness)  # type: ignore[arg-type]
    assert len(times_ns) == sum(blocks) + 1
    assert times_ns == sorted(times_ns)
    for number, count in enumerate(blocks):
        first = sum(blocks[:number])
        took_ns = times_ns[first + count] - times_ns[first]
        assert abs(took_ns - count / rate_rps * NS_PER_S) <= 1


def test_the_same_seed_gives_the_same_schedule() -> None:
    first = arrival_times_ns("poisson", 50.0, [100], seed=1)
    assert arrival_times_ns("poisson", 50.0, [100], seed=1) == first
    assert arrival_times_ns("poisson", 50.0, [100], seed=2) != first
