"""Break-even of hosts with chosen rates: ten output and forty input tokens a request (`support.loads`)."""

from dataclasses import replace

import pytest
from support.loads import price, sweeps, swept

from profiler.errors import UsageError
from profiler.results.manifest import CostFacts, OwnedFacts, PriceFacts, Source, TokenPriceFacts
from profiler.selection.breakeven import API, PROVISIONED, Charged, Provisioned, Question, breakeven
from profiler.selection.candidate import candidates
from profiler.selection.targets import target

ASKED = Question(charged=Charged(3.0, 15.0), utilisation_ratio=0.4)
LOADS = {1: (50.0, 100.0), 8: (120.0, 400.0)}  # output tokens/s, TTFT in ms


def found(question: Question = ASKED, cost: CostFacts | None = None, loads=LOADS):
    return breakeven(candidates(sweeps("box", loads, cost=cost or price(0.58))), question)


def test_a_host_against_an_endpoint() -> None:
    # the endpoint: 40 × 3 + 10 × 15 = 270 millionths a request; the host: 13.92 a day, as 51,556 requests there.
    # It serves 12 requests/s when busy: 12 × 0.4 × 86,400 = 414,720 a day
    answer = found()
    (host,) = answer.hosts
    assert answer.ways[1].per_request == pytest.approx(270e-6)
    assert answer.first_own is not None
    assert answer.first_own.low == pytest.approx(13.92 / 270e-6, rel=1e-6)
    assert answer.own_for_good == answer.first_own.low
    assert host.way.capacity_per_day is not None
    assert host.way.capacity_per_day.value == pytest.approx(414_720, rel=1e-4)
    assert host.way.capacity_per_day.low < 414_720 < host.way.capacity_per_day.high
    # at 0.58 / 0.4 an hour and 480 + 120 tokens/s, an output token worth 5: 4.028e-4 / (96 + 120) × 10⁶
    assert host.split is not None
    assert (host.split.output_per_1m, host.split.input_per_1m) == (
        pytest.approx(1.8647, rel=1e-3),
        pytest.approx(0.37294, rel=1e-3),
    )


def test_the_load_is_the_one_that_meets_the_targets() -> None:
    slow = found(replace(ASKED, targets=(target("ttft_ms.p95=200", "at most"),)))
    assert slow.hosts[0].at.load.name == "c1"
    assert slow.hosts[0].requests_per_s.value == pytest.approx(5.0, rel=1e-4)
    with pytest.raises(UsageError, match=r"no measured load surely meets the targets. Nearest: 1 in flight"):
        found(replace(ASKED, targets=(target("ttft_ms.p95=20", "at most"),)))


def test_cached_prompt_tokens_are_cheaper() -> None:
    # half of 40 at 3, half at 0.3: 60 + 6 + 150 = 216 millionths
    asked = replace(ASKED, charged=Charged(3.0, 15.0, 0.3, 0.5))
    assert found(asked).ways[1].per_request == pytest.approx(216e-6)


def test_provisioned_throughput_takes_so_many_tokens_a_minute() -> None:
    # 60,000 a minute are 1,000 a second: 20 requests of 50 tokens; × 0.4 × 86,400 = 691,200 a day
    asked = replace(ASKED, charged=None, provisioned=Provisioned(20.0, 60_000.0))
    way = found(asked).ways[1]
    assert (way.name, way.unit_per_hour) == (PROVISIONED, 20.0)
    assert way.capacity_per_day is not None
    assert way.capacity_per_day.value == pytest.approx(691_200)


def test_provisioned_throughput_is_as_full_as_the_hosts_were_recorded_to_be() -> None:
    paid = price(0.58)
    paid.utilisation_ratio = 0.25
    asked = Question(charged=Charged(3.0, 15.0), provisioned=Provisioned(20.0, 60_000.0))
    host, _, provisioned = found(asked, cost=paid).ways
    for way, requests_per_s in ((host, 12), (provisioned, 20)):
        assert way.capacity_per_day is not None
        assert way.capacity_per_day.value == pytest.approx(requests_per_s * 0.25 * 86_400, rel=1e-4)


def test_several_hosts_are_ways_of_their_own() -> None:
    runs = [*sweeps("small", LOADS, cost=price(0.58)), *sweeps("big", {8: (420.0, 300.0)}, cost=price(1.9))]
    answer = breakeven(candidates(runs), replace(ASKED, charged=None))
    assert [way.name for way in answer.ways] == ["c1 small", "c2 big"]
    assert answer.regions[0].cheapest == "c1 small"
    # 1.9 × 24 = 45.6 a day for the big one, up to 1.45 million requests; three small ones 41.76, four 55.68
    assert {one.cheapest for one in answer.regions} == {"c1 small", "c2 big", None}


def test_owned_hardware_draws_less_when_it_is_idle() -> None:
    owned = OwnedFacts(purchase=35_040, life_h=35_040, power_w=500, idle_w=100, price_per_kwh=0.30, pue=1.0)
    paid = PriceFacts(per_hour=9, currency="USD", kind="owned", owned=owned, source=Source(name="flag", title="t"))
    # 1.00 + 0.26 kW × 0.30 at 40 %, whatever the run was recorded at
    assert found(cost=CostFacts(price=paid)).hosts[0].per_hour == pytest.approx(1.078)


def test_a_demand_that_is_asked_about() -> None:
    answer = found(replace(ASKED, tokens_per_day=5e6))
    assert answer.demand_per_day == pytest.approx(500_000)
    assert answer.ways[0].units(500_000) == (2, 2, 2)


@pytest.mark.parametrize(
    ("question", "cost", "sentence"),
    [
        (Question(), price(1), "nothing to compare with"),
        (ASKED, CostFacts(price_reason="pass --price"), "has no price"),
        (replace(ASKED, currency="EUR"), price(1), "Prices are in EUR and USD"),
        (
            ASKED,
            CostFacts(
                token_price=TokenPriceFacts(
                    input_per_1m=1, output_per_1m=2, currency="USD", source=Source(name="flag", title="t")
                )
            ),
            "charges by the token: nothing there is self-hosted",
        ),
    ],
)
def test_what_cannot_be_answered_gets_a_sentence(question: Question, cost: CostFacts, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        found(question, cost)


def test_hosts_in_two_currencies_are_not_compared() -> None:
    runs = [swept("a", LOADS, cost=price(1)), swept("b", LOADS, cost=price(1, "EUR"))]
    with pytest.raises(UsageError, match=r"Prices are in EUR and USD \(a USD, b EUR\)"):
        breakeven(candidates(runs), ASKED)


def test_one_host_in_two_currencies_is_not_compared_with_itself() -> None:
    runs = [swept("a", LOADS, cost=price(1)), swept("a", LOADS, cost=price(1, "EUR"), number=2)]
    with pytest.raises(UsageError, match=r"Prices are in EUR and USD \(a USD, a EUR\)"):
        breakeven(candidates(runs), ASKED)


def test_the_names_of_the_ways() -> None:
    assert [way.name for way in found().ways] == ["self-hosted", API]
