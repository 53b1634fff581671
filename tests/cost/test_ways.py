"""Which way to pay is cheapest at which demand; every number is worked by hand in the comments."""

import pytest

from profiler.cost.ways import Way, break_evens, horizon, regions
from profiler.stats.estimates import Estimate

# a host at 1 an hour, 24 a day, that serves 10,000 requests a day; an endpoint at 0.004 a request
HOST = Way("host", unit_per_hour=1.0, capacity_per_day=Estimate.exact(10_000.0))
API = Way("api", per_request=0.004)


def test_the_break_even_of_a_guide() -> None:
    # 320 USD a month against 3.00 USD for a million tokens: 106.7 million tokens a month
    # (llmtco.com, "LLM Break-Even Volume Calculator"); a month has 730 h, so a day has 320 / 730 × 24 USD
    host, api = Way("host", unit_per_hour=320 / 730), Way("api", per_request=3.0 / 1e6)
    first, for_good = break_evens(host, api)
    assert first == for_good
    assert (first or 0) * 730 / 24 == pytest.approx(106_666_667, abs=1)


def test_a_day_by_the_unit_and_by_the_request() -> None:
    assert [HOST.per_day(demand) for demand in (1, 10_000, 10_001, 30_000)] == [24, 24, 48, 72]
    assert API.per_day(10_000) == pytest.approx(40)
    assert HOST.units(10_001) == (2, 2, 2)


def test_steps_of_whole_hosts_make_an_endpoint_cheaper_again() -> None:
    # one host is cheaper from 24 / 0.004 = 6,000 requests on; two (48) from 12,000 on, so between 10,000 and 12,000 the
    # endpoint is cheaper again; three (72) from 18,000 on, which two serve already
    found = regions([HOST, API])
    assert [(each.low, each.high, each.cheapest) for each in found] == [
        (0, 6_000, "api"),
        (6_000, 10_000, "host"),
        (10_000, 12_000, "api"),
        (12_000, 40_000, "host"),
    ]
    assert break_evens(HOST, API) == (6_000, 12_000)


def test_an_endpoint_that_is_cheaper_than_a_full_host_stays_so() -> None:
    # a full host: 24 / 10,000 = 0.0024 a request; the endpoint: 0.002
    assert break_evens(HOST, Way("api", per_request=0.002)) == (None, None)
    assert {each.cheapest for each in regions([HOST, Way("api", per_request=0.002)])} == {"api"}


def test_what_is_not_known_of_a_host_leaves_the_answer_open_where_it_matters() -> None:
    # 9,000 to 11,000 a day: one host surely up to 9,000, two surely from 11,000 on; between, either
    host = Way("host", unit_per_hour=1.0, capacity_per_day=Estimate(10_000.0, 9_000.0, 11_000.0))
    found = regions([host, API], most=18_000)
    assert [(each.low, each.high, each.cheapest) for each in found] == [
        (0, 6_000, "api"),
        (6_000, 9_000, "host"),
        (9_000, 11_000, None),  # 24 or 48 against 36 to 44
        (11_000, 12_000, "api"),
        (12_000, 18_000, "host"),
    ]
    assert found[2].possible == ("host", "api")
    assert host.units(10_000) == (1, 1, 2)
    assert (host.least_per_day(10_000), host.most_per_day(10_000)) == (24, 48)


def test_one_bigger_against_several_smaller() -> None:
    # big: 3 an hour for 40,000 a day; small: 1 an hour for 10,000: four small ones cost 4
    small, big = HOST, Way("big", unit_per_hour=3.0, capacity_per_day=Estimate.exact(40_000.0))
    found = regions([small, big], most=80_000)
    # 1 to 2 small ones are cheaper (24, 48 against 72), three cost as much, four more
    assert [(each.low, each.high, each.cheapest) for each in found] == [
        (0, 20_000, "host"),
        (20_000, 30_000, None),  # 72 either way
        (30_000, 40_000, "big"),
        (40_000, 50_000, "host"),  # five small ones: 120, two big ones: 144
        (50_000, 60_000, None),  # 144 either way
        (60_000, 80_000, "big"),
    ]


def test_provisioned_throughput_has_steps_too() -> None:
    # 0.5 an hour, 12 a day, for 5,000 requests a day: 0.0024 a request when full; the endpoint meets it at 3,000
    provisioned = Way("provisioned", unit_per_hour=0.5, capacity_per_day=Estimate.exact(5_000.0))
    found = regions([HOST, API, provisioned], most=10_000)
    assert [(each.low, each.high, each.possible) for each in found] == [
        (0, 3_000, ("api",)),
        (3_000, 5_000, ("provisioned",)),
        (5_000, 6_000, ("api",)),
        (6_000, 10_000, ("host", "provisioned")),  # 24 either way
    ]


def test_a_full_host() -> None:
    full = HOST.per_request_at_capacity()
    assert full is not None
    assert full.value == pytest.approx(0.0024)
    # four units of the largest, or twice where an endpoint meets the first
    assert horizon([HOST, API]) == 40_000
    assert horizon([HOST, Way("api", per_request=0.0004)]) == 120_000
