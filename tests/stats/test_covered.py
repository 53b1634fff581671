from random import Random

import pytest

from profiler.stats import covered
from profiler.stats.covered import Covered


def total_ns(*spans: tuple[int, int]) -> int:
    time = Covered()
    for start_ns, end_ns in spans:
        time.add(start_ns, end_ns)
    return time.total_ns


def test_time_that_is_covered_twice_counts_once() -> None:
    assert total_ns((0, 10), (5, 15), (20, 30)) == 25
    assert total_ns((0, 10), (20, 30), (5, 25)) == 30  # the third joins the first two
    assert total_ns((10, 20), (0, 5), (4, 11)) == 20  # in any order
    assert total_ns((0, 10), (10, 20), (3, 3)) == 20
    assert total_ns() == 0


def test_it_is_the_same_as_counting_every_moment() -> None:
    random = Random(1)  # noqa: S311 - a simulation must be repeatable, not secret
    spans = [(start, start + random.randrange(30)) for start in (random.randrange(2000) for _ in range(100))]
    moments = {moment for start, end in spans for moment in range(start, end)}
    assert total_ns(*spans) == len(moments)
    time = Covered()
    for span in spans:
        time.add(*span)
    for start in range(0, 2000, 37):
        end = start + random.randrange(200)
        assert time.shared_ns(start, end) == len(moments.intersection(range(start, end)))


def test_old_stretches_are_forgotten_but_not_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covered, "_MOST_OPEN", 10)
    time = Covered()
    for number in range(1000):
        time.add(10 * number, 10 * number + 5)
    assert time.total_ns == 5000
    time.add(0, 9_995)  # reaches back over all of them: counts from the end of the last forgotten one on
    assert 5000 < time.total_ns <= 5000 + 20 * 5


def test_repeats_lie_apart() -> None:
    one, two = Covered(), Covered()
    one.add(0, 10)
    two.add(100, 130)
    assert (one + two).total_ns == 40
