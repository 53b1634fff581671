import statistics
from itertools import pairwise

import pytest

from profiler.timing.arrivals import arrival_times_ns
from profiler.units import NS_PER_S, s_to_ns

HOUR_NS = s_to_ns(3600)


def gaps_s(times_ns: list[int]) -> list[float]:
    return [(later - earlier) / NS_PER_S for earlier, later in pairwise(times_ns)]


def test_constant_arrivals_do_not_drift() -> None:
    # 3 requests/s: the third second begins with the seventh request, however the gaps are rounded.
    times_ns = arrival_times_ns("constant", 3.0, 10, HOUR_NS, seed=1)
    assert times_ns[0] == 0
    assert times_ns[3] == NS_PER_S
    assert times_ns[9] == 3 * NS_PER_S


@pytest.mark.parametrize(
    ("arrivals", "burstiness", "variation"),
    [("poisson", 1.0, 1.0), ("gamma", 1.0, 1.0), ("gamma", 0.25, 2.0), ("gamma", 4.0, 0.5)],
)
def test_drawn_arrivals_have_the_rate_and_the_variation_they_say(
    arrivals: str, burstiness: float, variation: float
) -> None:
    times_ns = arrival_times_ns(arrivals, 50.0, 20_000, HOUR_NS, seed=1, burstiness=burstiness)  # type: ignore[arg-type]
    gaps = gaps_s(times_ns)
    mean_s = statistics.fmean(gaps)
    assert mean_s == pytest.approx(1 / 50, rel=0.05)
    assert statistics.pstdev(gaps) / mean_s == pytest.approx(variation, rel=0.05)


def test_a_schedule_ends_by_count_or_by_time() -> None:
    assert len(arrival_times_ns("poisson", 50.0, 7, HOUR_NS, seed=1)) == 7
    assert max(arrival_times_ns("poisson", 50.0, 10**6, 2 * NS_PER_S, seed=1)) < 2 * NS_PER_S


def test_the_same_seed_gives_the_same_schedule() -> None:
    first = arrival_times_ns("poisson", 50.0, 100, HOUR_NS, seed=1)
    assert arrival_times_ns("poisson", 50.0, 100, HOUR_NS, seed=1) == first
    assert arrival_times_ns("poisson", 50.0, 100, HOUR_NS, seed=2) != first
