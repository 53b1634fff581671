from random import Random
from statistics import NormalDist

import pytest

from profiler.stats.multiple import adjusted_confidence


def test_each_takes_an_equal_share_of_the_doubt() -> None:
    assert adjusted_confidence(0.95, 1) == pytest.approx(0.95)
    assert adjusted_confidence(0.95, 10) == pytest.approx(0.995)
    assert adjusted_confidence(0.95, 0) == pytest.approx(0.95)


def test_a_table_of_differences_from_one_baseline_holds_together() -> None:
    """Twenty runs like their baseline: a false difference somewhere in the table is rare, and common unadjusted."""
    random = Random(7)  # noqa: S311 - a simulation must be repeatable, not secret
    normal = NormalDist()
    wrong = {0.95: 0, adjusted_confidence(0.95, 20): 0}
    for _ in range(2000):
        base = random.gauss(0, 1)
        differences = [abs(random.gauss(0, 1) - base) / 2**0.5 for _ in range(20)]
        for confidence in wrong:
            wrong[confidence] += max(differences) > normal.inv_cdf((1 + confidence) / 2)
    plain, adjusted = wrong.values()
    assert plain > 0.3 * 2000
    assert adjusted < 0.05 * 2000
