from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency, at_rate, load_of
from profiler.results.summary import PointSummary, Scalar
from profiler.search.slo import SloLimitSearch
from profiler.workloads.schema import SloSearch

REPEATS = 3


def summary(point: Point, shares: list[float]) -> PointSummary:
    metric = Scalar(unit="ratio", value=min(shares, default=None), per_repeat=shares)
    return PointSummary(
        point=point, requests_ok=1, requests_failed=0, outcomes={}, metrics={"slo_attainment_ratio": metric}
    )


def measured_by(search: SloLimitSearch, shares: Callable[[float], list[float]]) -> list[PointSummary]:
    measured: list[PointSummary] = []
    while (point := search.next_point(measured)) is not None:
        measured.append(summary(point, shares(load_of(point))))
        assert len(measured) <= 64
    return measured


def search_over(over: str = "rate", **settings: object) -> SloLimitSearch:
    return SloLimitSearch(SloSearch.model_validate({"shape": "slo-search", "over": over, **settings}), REPEATS)


@given(limit=st.floats(0.02, 200), resolution=st.floats(0.02, 0.5))
def test_the_interval_holds_the_limit_and_is_as_narrow_as_asked(limit: float, resolution: float) -> None:
    search = search_over(resolution_ratio=resolution, max_points=64)
    measured = measured_by(search, lambda load: [1.0 if load <= limit else 0.5] * REPEATS)
    conclusion = search.conclude(measured)
    assert conclusion is not None
    assert conclusion.low is not None
    assert conclusion.high is not None
    assert conclusion.low <= limit < conclusion.high
    assert conclusion.high <= conclusion.low * (1 + resolution) * 1.01  # rates have three digits


@given(limit=st.integers(1, 200))
def test_requests_in_flight_are_found_exactly(limit: int) -> None:
    search = search_over("concurrency", resolution_ratio=0.001, max_points=64)
    measured = measured_by(search, lambda load: [1.0 if load <= limit else 0.5] * REPEATS)
    conclusion = search.conclude(measured)
    assert conclusion is not None
    assert (conclusion.low, conclusion.high) == (limit, limit + 1)
    assert conclusion.point == f"c{limit}"


def test_loads_at_which_repeats_disagree_stay_inside_the_interval() -> None:
    search = search_over(resolution_ratio=0.05, max_points=64)

    def shares(load: float) -> list[float]:
        return [1.0, 1.0, 1.0] if load < 5 else [1.0, 0.9, 1.0] if load < 7 else [0.9, 0.5, 0.2]

    conclusion = search.conclude(measured_by(search, shares))
    assert conclusion is not None
    assert conclusion.low == pytest.approx(5, rel=0.06)
    assert conclusion.high == pytest.approx(7, rel=0.06)


def test_a_server_that_keeps_nothing_has_no_limit() -> None:
    search = search_over(max_points=5)
    measured = measured_by(search, lambda _: [0.0] * REPEATS)
    assert [m.point.name for m in measured] == ["r1", "r0.5", "r0.25", "r0.125", "r0.0625"]
    conclusion = search.conclude(measured)
    assert conclusion is not None
    assert (conclusion.point, conclusion.low, conclusion.high) == (None, None, 0.0625)
    assert "not even 0.0625 requests/s" in conclusion.sentence


def test_a_server_that_keeps_everything_is_said_to_be_beyond_the_highest_load() -> None:
    search = search_over(highest=5)
    measured = measured_by(search, lambda _: [1.0] * REPEATS)
    assert [load_of(m.point) for m in measured] == [1, 2, 4, 5]
    conclusion = search.conclude(measured)
    assert conclusion is not None
    assert (conclusion.low, conclusion.high) == (5, None)
    assert "the highest load that was tried" in conclusion.sentence


@pytest.mark.parametrize(("share", "low"), [(0.99, 1.0), (0.989, None)])
def test_the_attainment_must_be_reached_in_every_repeat(share: float, low: float | None) -> None:
    search = search_over(attainment_ratio=0.99)
    conclusion = search.conclude([summary(at_rate(1), [1.0, share, 1.0])])
    assert conclusion is not None
    assert conclusion.low == low


def test_a_repeat_without_a_value_failed() -> None:
    conclusion = search_over("concurrency").conclude([summary(at_concurrency(2), [1.0, 1.0])])
    assert conclusion is not None
    assert conclusion.low is None
