import math
import sys
from array import array
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.stats.intervals import mean_half_width
from profiler.stats.pieces import Pieces
from profiler.stats.quantiles import quantile
from profiler.stats.values import Values

SHARES = (0.0, 0.01, 0.5, 0.9, 0.99, 1.0)
WIDTH = 2**-14  # of a bucket, as a share of its values


def many(count: int, seed: int = 1) -> list[float]:
    """Latencies as they are: a narrow bulk with a long tail."""
    random = Random(seed)  # noqa: S311 - a simulation must be repeatable, not secret
    return [8 * random.lognormvariate(0, 0.2) + (random.random() < 0.01) * 100 for _ in range(count)]


def taken(values: list[float], exact: int) -> Values:
    collected = Values(exact)
    collected.extend(values)
    return collected


def test_few_values_are_kept_as_they_are() -> None:
    values = many(1000)
    collected = taken(values, 1000)
    assert collected.is_exact
    ordered = collected.ordered()
    assert [ordered[rank] for rank in range(1000)] == sorted(values)
    assert (len(collected), collected.mean) == (1000, sum(values) / 1000)
    assert ordered.total == sum(sorted(values))
    assert ordered.sum_above(50) == sum(value for value in sorted(values) if value > 50)
    assert collected.half_width() == mean_half_width(values)


def test_many_values_are_counted_within_the_width_of_a_bucket() -> None:
    values = many(100_000)
    collected = taken(values, 1000)
    assert not collected.is_exact
    ordered, truth = collected.ordered(), sorted(values)
    for share in SHARES:
        assert quantile(ordered, share) == pytest.approx(quantile(truth, share), rel=WIDTH)
    assert (len(ordered), ordered[0], ordered[-1]) == (100_000, truth[0], truth[-1])
    assert collected.mean == pytest.approx(sum(values) / 100_000, rel=1e-12)
    assert ordered.sum_above(50) == pytest.approx(sum(value for value in values if value > 50), rel=WIDTH)
    assert collected.half_width() == pytest.approx(mean_half_width(values), rel=0.25)


def test_one_by_one_or_all_at_once_is_the_same() -> None:
    values = many(5_000)
    singly = Values(1000)
    for value in values:
        singly.add(value)
    for share in SHARES:
        assert quantile(singly.ordered(), share) == quantile(taken(values, 1000).ordered(), share)


@given(st.lists(st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-9), min_size=2))
def test_every_value_finds_its_bucket(values: list[float]) -> None:
    """Whatever its sign and size, zero included."""
    ordered, truth = taken(values, 1).ordered(), sorted(values)
    for rank, value in enumerate(truth):
        assert math.isclose(ordered[rank], value, rel_tol=WIDTH), (rank, value)


def test_a_rank_beyond_the_values_is_an_error() -> None:
    ordered = taken([1.0, 2.0, 3.0], 1).ordered()
    assert list(ordered) == pytest.approx([1.0, 2.0, 3.0], rel=WIDTH)  # iterating ends at the last rank
    with pytest.raises(IndexError):
        ordered[3]


@pytest.mark.parametrize(("first", "second"), [(500, 400), (500, 5000), (5000, 500), (5000, 5000)])
def test_repeats_can_be_put_together(first: int, second: int) -> None:
    one, two = many(first, seed=1), many(second, seed=2)
    together = Values(1000)
    for values in (one, two):
        together.append(taken(values, 1000))
    assert together.is_exact == (first + second <= 1000)
    assert len(together) == first + second
    assert together.mean == pytest.approx(sum(one + two) / (first + second))
    for share in SHARES:
        assert quantile(together.ordered(), share) == pytest.approx(quantile(sorted(one + two), share), rel=WIDTH)
    assert together.half_width() == pytest.approx(mean_half_width(one + two), rel=0.5)


def random_pieces() -> list[list[float]]:
    draw = Random(4)  # noqa: S311 - made-up values, not secrets
    return [[draw.lognormvariate(2, 1) for _ in range(draw.randrange(12))] for _ in range(400)]


@pytest.mark.parametrize("exact", [5, 100, 5_000])
@pytest.mark.parametrize("parts", [1, 3, 50])
def test_noted_pieces_say_the_same_to_the_last_bit(exact: int, parts: int) -> None:
    pieces = random_pieces()
    at_once, in_parts, one_by_one, in_arrays = (Values(exact) for _ in range(4))
    for piece in pieces:
        at_once.extend(piece)
        for value in piece:
            one_by_one.add(value)
    for first in range(0, len(pieces), -(-len(pieces) // parts)):
        noted, singles = Pieces(), array("d")
        for piece in pieces[first : first + -(-len(pieces) // parts)]:
            noted.extend(piece)
            singles.extend(piece)
        in_parts.append(noted)
        in_arrays.append(singles)
    for ours, theirs in ((in_parts, at_once), (in_arrays, one_by_one)):
        assert (ours.mean, ours.half_width()) == (theirs.mean, theirs.half_width())
        assert list(ours.ordered()) == list(theirs.ordered())


def test_numpy_counts_as_plain_python_does(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    values = [0.0, 1e-300, -3.5, 1e300, *(value for piece in random_pieces() for value in piece)]
    near, far = values[4:], values
    for some in (near, far):
        with_numpy, without = Values(10), Values(10)
        with_numpy.extend(some)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "numpy", None)
            without.extend(some)
        assert list(with_numpy.ordered()) == list(without.ordered())
        assert with_numpy.mean == without.mean


def test_ordered_parts_are_put_together() -> None:
    whole, parts = Values(), [Values(), Values()]
    for part, values in zip(parts, ([3.0, 1.0, 2.0], [2.5, 0.5]), strict=True):
        part.extend(values)
        whole.append(part)
    assert list(whole.ordered([part.ordered() for part in parts])) == [0.5, 1.0, 2.0, 2.5, 3.0]
