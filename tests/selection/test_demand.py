"""Whole hosts for a demand: rounded up, with the least and the most by the interval of what one serves."""

import pytest
from support.loads import price, swept

from profiler.errors import UsageError
from profiler.selection.candidate import candidates
from profiler.selection.demand import Demand, Fleet, demand, fleet
from profiler.selection.operating import operating
from profiler.selection.targets import target
from profiler.summaries.estimates import Unknown


def fleet_for(text: str, limit_ms: float = 500) -> Fleet | Unknown:
    (one,) = candidates([swept("a", {8: (400.0, 400.0)}, cost=price(2))])  # 40 requests/s, ± 1 %
    return fleet(operating(one, [target(f"ttft_ms.p95={limit_ms}", "at most")]), demand(text))


def test_hosts_are_whole() -> None:
    found = fleet_for("100 requests/s")  # 100 / 40 = 2.5
    assert isinstance(found, Fleet)
    assert (found.hosts, found.low, found.high) == (3, 3, 3)
    assert (found.per_hour, found.currency) == (6.0, "USD")


def test_the_interval_of_what_one_serves_can_take_a_host_more() -> None:
    found = fleet_for("120")  # 120 / 40 = 3 exactly; at 39.6 it takes 3.03, at 40.4 2.97
    assert isinstance(found, Fleet)
    assert (found.hosts, found.low, found.high) == (3, 3, 4)


def test_a_stated_drift_widens_what_one_serves() -> None:
    # t(10) · √(0.1² + 0.0044²) = 0.223: from 40 / 1.25 = 32.0 to 40 · 1.25 = 50.0 requests/s
    (one,) = candidates([swept("a", {8: (400.0, 400.0)}, cost=price(2))])
    judged = operating(one, [target("ttft_ms.p95=1000", "at most")], drift_ratio=0.1)
    found = fleet(judged, demand("400"))
    assert isinstance(found, Fleet)
    assert (found.hosts, found.low, found.high) == (10, 9, 13)


def test_users_of_a_closed_loop_are_its_requests_in_flight() -> None:
    found = fleet_for("20 users")  # 20 / 8 = 2.5
    assert isinstance(found, Fleet)
    assert (found.hosts, found.low, found.high) == (3, 3, 3)


def test_without_an_operating_point_there_is_no_number() -> None:
    assert isinstance(fleet_for("100", limit_ms=10), Unknown)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50", Demand(50, "requests/s")),
        ("2.5 requests/s", Demand(2.5, "requests/s")),
        ("3rps", Demand(3, "requests/s")),
        ("200 users", Demand(200, "users")),
        ("1 user", Demand(1, "users")),
    ],
)
def test_how_a_demand_is_written(text: str, expected: Demand) -> None:
    assert demand(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-3", "many", "50 bananas", "1e999 users", "nan"])
def test_what_is_no_demand(text: str) -> None:
    with pytest.raises(UsageError, match="--demand"):
        demand(text)
