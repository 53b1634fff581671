"""Between two loads, by hand: the load where the target is just kept, and its rate on a straight line."""

import pytest
from support.loads import price, scalar, swept

from profiler.results.manifest import CostFacts, Source, TokenPriceFacts
from profiler.results.summary import Scalar
from profiler.selection.between import Interpolated, interpolated
from profiler.selection.candidate import candidates
from profiler.selection.operating import operating
from profiler.selection.targets import target


def between(loads: dict[int, tuple[float, float]], *texts: str) -> Interpolated | None:
    (one,) = candidates([swept("a", loads, cost=price(3.6))])
    targets = [target(text, "at most") for text in texts]
    return interpolated(operating(one, targets), targets)


def test_the_rate_lies_on_a_line_and_the_price_is_its_reciprocal() -> None:
    # 400 ms at 8, 800 ms at 16: 500 ms at 10; the rate there is 400 + 2/8 · 200 = 450
    found = between({8: (400.0, 400.0), 16: (600.0, 800.0)}, "ttft_ms.p95=500")
    assert found is not None
    assert (found.amount, found.rate) == (10, pytest.approx(450.0))
    assert found.cost == pytest.approx(3.6 / 3600 / 450 * 1e6)
    # a line between the prices would say 2.5 − 2/8 · (2.5 − 1.667) = 2.29 USD, and is wrong
    assert found.cost == pytest.approx(2.222, abs=1e-3)


def test_the_first_of_several_targets_decides() -> None:
    loads = {8: (400.0, 400.0), 16: (600.0, 800.0)}
    found = between(loads, "ttft_ms.p95=700", "tpot_ms.p95=25")  # 20 ms at 8, 26.7 ms at 16: 25 ms at 14
    assert found is not None
    assert (found.target.name, found.amount) == ("TTFT p95", 14) or found.target.name == "TPOT p95"


def test_nothing_is_said_beyond_what_was_measured() -> None:
    assert between({8: (400.0, 400.0)}, "ttft_ms.p95=500") is None  # no higher load
    assert between({8: (400.0, 900.0)}, "ttft_ms.p95=500") is None  # no load that meets
    assert between({8: (400.0, 400.0), 16: (300.0, 800.0)}, "ttft_ms.p95=500") is None  # more load brings less


def test_no_whole_request_in_flight_lies_between() -> None:
    assert between({1: (100.0, 400.0), 2: (150.0, 800.0)}, "ttft_ms.p95=500") is None


def test_a_price_by_the_token_does_not_fall_with_the_rate() -> None:
    run = swept("a", {8: (400.0, 400.0), 16: (600.0, 800.0)}, cost=price(3.6))
    charged = TokenPriceFacts(input_per_1m=1, output_per_1m=2, currency="USD", source=Source(name="flag", title="t"))
    run.manifest.cost = CostFacts(token_price=charged)
    for load in run.summary.points:
        load.metrics["cost_per_1m_output_tokens"] = scalar("USD/1M tokens", 6.0)  # 40 tokens in at 1, 10 out at 2
    (one,) = candidates([run])
    targets = [target("ttft_ms.p95=500", "at most")]
    found = interpolated(operating(one, targets), targets)
    assert found is not None
    assert (found.rate, found.cost) == (pytest.approx(450.0), 6.0)


def test_nothing_is_said_where_another_target_fails_on_the_way_at_a_place_that_is_not_known() -> None:
    run = swept("a", {8: (400.0, 400.0), 16: (600.0, 800.0)}, cost=price(3.6))
    ends = ((1.0, 1.8), (2.5, 3.0))  # J per token by a model: from where on it is above 2 cannot be told
    for load, (low, high) in zip(run.summary.points, ends, strict=True):
        load.metrics["energy_j_per_output_token"] = Scalar(unit="J/token", value=None, low=low, high=high)
    (one,) = candidates([run])
    targets = [target("ttft_ms.p95=500", "at most"), target("energy_j_per_output_token=2", "at most")]
    judged = operating(one, targets)
    assert [load.standing for load in judged.loads] == ["meets", "fails"]
    assert interpolated(judged, targets) is None
