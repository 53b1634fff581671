"""Weighted products beside those of another implementation."""

from math import exp, log
from random import Random

import numpy as np
import pytest
from pymcdm.methods import WPM

from profiler.selection.sensitivity import score
from profiler.selection.weights import normalised


@pytest.mark.parametrize("seed", range(20))
def test_weighted_products_agree_on_random_tables(seed):
    """Its normalisation is by sums over all candidates, ours by a fixed baseline: quotients of two scores agree."""
    random = Random(seed)
    candidates, criteria = random.randint(2, 9), random.randint(1, 6)
    table = [[random.lognormvariate(0, 3) for _ in range(criteria)] for _ in range(candidates)]
    baseline = [random.lognormvariate(0, 3) for _ in range(criteria)]
    weights = normalised([random.random() for _ in range(criteria)])
    directions = [random.choice((1, -1)) for _ in range(criteria)]
    # without its check, which warns of a candidate that is best in everything
    theirs = WPM()(np.array(table), np.array(weights), np.array(directions), validation=False)
    ours = [
        exp(score(weights, [way * log(x / base) for way, x, base in zip(directions, row, baseline, strict=True)]))
        for row in table
    ]
    assert [one / ours[0] for one in ours] == pytest.approx([one / theirs[0] for one in theirs], rel=1e-9)
