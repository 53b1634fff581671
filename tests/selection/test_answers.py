"""Three answers by interval; 2 ± 0.5 and the like, worked by hand."""

import pytest
from scipy import stats

from profiler.selection.answers import answer, chance
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown

AROUND_500 = Estimate(500.0, 480.0, 520.0, freedom=2)


@pytest.mark.parametrize(
    ("bound", "limit", "standing"),
    [
        ("at most", 520.0, "meets"),  # the whole interval is within
        ("at most", 479.9, "fails"),  # the whole interval is beyond
        ("at most", 510.0, "cannot be told"),
        ("at least", 480.0, "meets"),
        ("at least", 520.1, "fails"),
        ("at least", 500.0, "cannot be told"),
    ],
)
def test_the_interval_decides(bound: str, limit: float, standing: str) -> None:
    assert answer(AROUND_500, bound, limit, "").standing == standing  # type: ignore[arg-type]


def test_what_would_tell_is_how_many_times_as_long_the_interval_must_be_measured() -> None:
    # 20 ms to either side, the limit is 10 ms away: (20 / 10)² = 4
    assert answer(AROUND_500, "at most", 510.0, "").tell == "about 4 times as many requests or runs"
    # 1 ms away: 400 times is nothing that anybody would do
    assert "no reasonable length" in answer(AROUND_500, "at most", 501.0, "").tell
    assert "a meter" in answer(Estimate(None, 1.0, 3.0), "at most", 2.0, "").tell


def test_a_number_without_an_interval_cannot_be_told_and_still_says_by_how_much_it_misses() -> None:
    found = answer(Unknown("raise --requests", 600.0), "at most", 500.0, "")
    assert (found.standing, found.tell) == ("cannot be told", "raise --requests")
    assert found.miss_ratio == pytest.approx(0.2)
    assert answer(Unknown("no meter"), "at most", 500.0, "").miss_ratio is None


def test_the_chance_is_that_of_student_s_t() -> None:
    # a half-width of 20 with 2 degrees of freedom is 20 / 4.302653 to a standard error
    for limit in (490.0, 500.0, 510.0, 540.0):
        expected = stats.t.cdf((limit - 500.0) / (20 / 4.302653), 2)
        assert chance(AROUND_500, "at most", limit) == pytest.approx(expected, abs=1e-6)
        assert chance(AROUND_500, "at least", limit) == pytest.approx(1 - expected, abs=1e-6)


def test_the_chance_at_the_end_of_the_interval_is_97_5_percent() -> None:
    assert chance(AROUND_500, "at most", 520.0) == pytest.approx(0.975)


def test_what_is_no_matter_of_chance_has_none() -> None:
    model = Estimate(None, 1.0, 3.0)
    assert [chance(model, "at most", limit) for limit in (0.5, 2.0, 3.0)] == [0.0, None, 1.0]
    assert chance(Estimate.exact(2.0), "at most", 2.0) == 1.0
