import sys
from array import array
from random import Random

import pytest

from profiler.stats import pieces
from profiler.stats.pieces import Pieces, ascending, sorted_into


def whole(*made: list[int]) -> Pieces:
    found = Pieces("q")
    for piece in made:
        found.extend(piece)
    return found


def lists(found: Pieces) -> list[list[float]]:
    return [list(piece) for piece in found]


ARRIVALS = whole([10, 30, 60], [], [5], [100, 108])


def test_gaps_lie_between_neighbours_of_a_piece() -> None:
    assert lists(ARRIVALS.gaps()) == [[20, 30], [], [], [8]]


def test_what_follows_the_first_is_counted_from_a_number_of_its_piece() -> None:
    assert lists(ARRIVALS.after_first([1, 2, 3, 1000])) == [[31, 61], [], [], [1108]]


def test_division_is_that_of_floats() -> None:
    assert lists(ARRIVALS.over(3)) == [[10 / 3, 10, 20], [], [5 / 3], [100 / 3, 36]]


def test_a_piece_is_uneven_where_one_value_is_many_times_as_great_as_another() -> None:
    gaps = whole([10, 12, 101], [10, 12, 100], [], [1, 100], [10, 300, 10])
    assert list(gaps.uneven(10, 3)) == [0, 4]
    assert list(gaps.uneven(10, 2)) == [0, 3, 4]


def test_a_piece_is_taken_whole_or_not_at_all() -> None:
    found = whole([1, 2])
    with pytest.raises(TypeError):
        found.extend([3, None])  # type: ignore[list-item]
    assert (lists(found), len(found), list(found[0])) == ([[1, 2]], 1, [1, 2])


def test_values_go_where_their_keys_lie_between_edges() -> None:
    keys, values = Pieces.of([[0.5, 1.0, 1.5], [], [-1.0, 2.0, 99.0]]), Pieces.of([[1, 2, 3], [], [4, 5, 6]])
    found: dict[int, list[float]] = {}
    for number, some in sorted_into([1.0, 2.0], keys, values):
        found.setdefault(number, []).extend(some)
    assert found == {0: [1, 4], 1: [2, 3], 2: [5, 6]}


def test_runs_are_sorted_together() -> None:
    assert list(ascending([array("d", [1, 5]), array("d", [2, 3])])) == [1, 2, 3, 5]


def random_pieces(draw: Random) -> Pieces:
    sizes = [draw.choice([0, 0, 1, 2, 3, 7]) for _ in range(draw.randrange(1, 40))]
    return whole(*(sorted(draw.randrange(-5, draw.choice([1000, 10**12])) for _ in range(size)) for size in sizes))


def everything(found: Pieces, edges: list[float]) -> list[object]:
    """All that is computed from some pieces."""
    gaps, ends = found.gaps(), found.after_first(range(len(found)))
    sorted_values: dict[int, list[float]] = {}
    for number, some in sorted_into(edges, ends.over(1), gaps.over(7)):
        sorted_values.setdefault(number, []).extend(some)
    computed = [lists(each) for each in (gaps, ends, gaps.over(1_000_000))]
    return [*computed, list(gaps.uneven(3, 2)), list(ascending([gaps.over(3).values])), sorted_values]


def test_numpy_computes_what_plain_python_does(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    monkeypatch.setattr(pieces, "_MANY", 1)
    draw = Random(3)  # noqa: S311 - made-up values, not secrets
    for _ in range(100):
        found, edges = random_pieces(draw), sorted(draw.random() * 1000 for _ in range(10))
        with_numpy = everything(found, edges)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "numpy", None)
            assert everything(found, edges) == with_numpy
