"""Of simulated pairs of hosts, "cheapest with ≥ 95 %" is right in 95 % of the cases in which it is said.

`benchmarks/cheapest.py` does the same with a thousand pairs for each setting; its page tells where that ends.
"""

from support.simulated_hosts import Setting, simulate

from profiler.stats.proportions import proportion_interval


def test_what_is_said_is_right() -> None:
    found = list(simulate(Setting(spread=0.1, runs=3, drift=0.02), pairs=150, seed=7))
    said = [one for one in found if one.is_said]
    right = sum(one.is_right for one in said)
    assert len(said) > 60  # it is said often enough to mean something
    assert right / len(said) >= 0.95
    assert proportion_interval(right, len(said))[1] > 0.95


def test_what_is_less_than_certain_is_wrong_more_often() -> None:
    found = list(simulate(Setting(spread=0.02, runs=3, drift=0.03), pairs=100, seed=7))
    assert sum(one.is_said for one in found) < 30  # of near ties little is said
    unsaid = [one for one in found if not one.is_said and one.certainty is not None]
    assert 0.3 < sum(one.is_right for one in unsaid) / len(unsaid) < 0.95
