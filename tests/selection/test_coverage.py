"""Is "surely first" right as often as it says? Pairs of hosts whose true order is known."""

from math import exp, log
from random import Random

from profiler.metrics.catalogue import METRICS
from profiler.selection.acceptability import odds, scores_of
from profiler.selection.draws import Alternative, drawn_gains
from profiler.selection.gains import quantity
from profiler.stats.between_runs import mean

PAIRS, DRAWS, SURELY = 1_000, 500, 0.95
COST = METRICS["cost_per_1m_output_tokens"]


def measured(name: str, true_cost: float, drift_ratio: float, runs: int, random: Random) -> Alternative:
    """A host after some runs, each off by a drift of its own."""
    found = mean([true_cost * exp(random.gauss(0, drift_ratio)) for _ in range(runs)])
    assert found is not None
    estimate = found.estimate()
    return Alternative(name, (quantity(estimate, COST, 1.0),), estimate.freedom or 1.0)


def test_a_host_that_is_said_to_be_the_cheapest_with_95_percent_is_so_in_95_percent_of_cases() -> None:
    random = Random(20)
    said = right = 0
    for pair in range(PAIRS):
        true = [exp(random.gauss(0, 0.05)) for _ in range(2)]
        drift_ratio, runs = random.uniform(0.005, 0.05), random.choice((2, 3, 5))
        hosts = [measured(f"{pair}/{n}", cost, drift_ratio, runs, random) for n, cost in enumerate(true)]
        weights = [(1.0,)] * DRAWS
        firsts = [one.first[0] for one in odds([scores_of(drawn_gains(h, DRAWS, 0), weights) for h in hosts], weights)]
        best = max(range(2), key=firsts.__getitem__)
        if firsts[best] >= SURELY:
            said += 1
            right += log(true[best]) < log(true[1 - best])
    assert said > PAIRS // 5  # it is said often enough to be of use
    assert right / said >= SURELY
