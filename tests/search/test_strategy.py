import pytest

from profiler.results.manifest import Point
from profiler.results.summary import PointSummary
from profiler.search.strategy import is_one_point, most_in_flight, search_for
from profiler.workloads.schema import Workload


def workload(load: dict[str, object], requests: int = 10) -> Workload:
    return Workload.model_validate(
        {
            "id": "w",
            "version": 1,
            "description": "d",
            "prompts": {"source": "synthetic", "tokens": 8},
            "output_tokens": 8,
            "load": load,
            "requests": requests,
        }
    )


def measured(point: Point) -> PointSummary:
    return PointSummary(point=point, requests_ok=1, requests_failed=0, outcomes={}, metrics={})


def names(asked: Workload) -> list[str]:
    search = search_for(asked)
    done: list[PointSummary] = []
    while (point := search.next_point(done)) is not None:
        done.append(measured(point))
    return [summary.point.name for summary in done]


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ({"shape": "closed-loop"}, ["c1"]),
        ({"shape": "closed-loop", "concurrency": [4, 1, 4]}, ["c1", "c4"]),
        ({"shape": "open-loop", "rate_rps": [2.5, 0.5]}, ["r0.5", "r2.5"]),
        ({"shape": "open-loop", "rate_rps": 3.0}, ["r3"]),
    ],
)
def test_given_loads_are_measured_in_ascending_order(load: dict[str, object], expected: list[str]) -> None:
    assert names(workload(load)) == expected
    assert is_one_point(workload(load)) == (len(expected) == 1)


@pytest.mark.parametrize(
    ("load", "most"),
    [
        ({"shape": "closed-loop", "concurrency": [1, 8]}, 8),
        ({"shape": "saturate", "max_concurrency": 32}, 32),
        ({"shape": "open-loop", "rate_rps": 3.0}, 1),
        ({"shape": "slo-search", "highest": 50}, 1),
        ({"shape": "slo-search", "over": "concurrency", "highest": 50}, 50),
    ],
)
def test_how_many_requests_may_be_in_flight(load: dict[str, object], most: int) -> None:
    assert most_in_flight(workload(load)) == most
