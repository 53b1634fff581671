"""Whether to switch, of hosts with chosen rates; every number is worked by hand in the comments."""

from math import inf

import pytest
from support.loads import price, sweeps, swept

from profiler.errors import UsageError
from profiler.results.manifest import CostFacts
from profiler.selection.candidate import candidates
from profiler.selection.decide import Question, decide, paid_back, saved
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import parse_metric
from profiler.verdict.contrast import Rules

# 1 USD an hour for 100 output tokens/s: 8.64 million a day, 2.78 USD for a million
NOW = {8: (100.0, 400.0)}


def asked(**changes) -> Question:
    given = {"min_gain_ratio": 0.1, "switch_cost": 2000.0, "tokens_per_day": 390e6, "payback_within_days": 365.0}
    return Question(**(given | changes))


def decided(rate: float, question: Question, per_hour: float = 1.0, drift: float = 0.001):
    now = candidates(sweeps("now", NOW, cost=price(1.0), drift_ratio=drift))
    then = candidates(sweeps("then", {8: (rate, 400.0)}, cost=price(per_hour), drift_ratio=drift))
    return decide(now, then, question)


def test_a_better_host_pays_for_itself() -> None:
    # 390 million a day: 45.1 hosts now, so 46, 1,104 a day; at 125 tokens/s 36.1, so 37, 888: 216 saved, 9.26 days
    found = decided(125.0, asked())
    assert found.verdict == "worth it"
    assert (found.current.hosts, found.candidate.hosts) == ((46, 46, 46), (37, 37, 37))
    assert (found.current.day.value, found.candidate.day.value) == (1104, 888)
    assert found.payback.value == pytest.approx(2000 / 216)
    # 1 − 100 / 125 = 20 % of the cost of a token
    assert found.gain is not None
    assert found.gain.value == pytest.approx(0.2, abs=1e-6)
    assert 0.19 < found.gain.low < 0.2 < found.gain.high < 0.21
    assert [one.standing for one in found.conditions] == ["meets", "meets"]


def test_the_least_gain_decides() -> None:
    assert decided(108.0, asked()).verdict == "not worth it"  # 7.4 %
    assert decided(108.0, asked(min_gain_ratio=0.05)).verdict == "worth it"
    # 9.9 %, and runs of either side differ by 2 %: it could be 10
    noisy = decided(111.0, asked(), drift=0.02)
    assert noisy.verdict == "cannot be told"
    assert noisy.conditions[0].standing == "cannot be told"
    assert "times as many requests or runs" in noisy.conditions[0].tell or "at its limit" in noisy.conditions[0].tell


def test_nothing_is_saved_where_both_need_one_host() -> None:
    # 5 million a day: one host of either, although a token is 20 % cheaper
    found = decided(125.0, asked(tokens_per_day=5e6))
    assert (found.current.hosts, found.candidate.hosts) == ((1, 1, 1), (1, 1, 1))
    assert found.payback.least == inf
    assert found.conditions[0].standing == "meets"
    assert found.verdict == "not worth it"


def test_a_switch_that_takes_too_long_is_not_worth_it() -> None:
    assert decided(125.0, asked(switch_cost=2160.0, payback_within_days=9.0)).verdict == "not worth it"  # 10 days
    assert decided(125.0, asked(switch_cost=2160.0, payback_within_days=11.0)).verdict == "worth it"


def test_idle_time_takes_more_hosts() -> None:
    # at half of what one serves: 90.3 and 72.2 hosts
    found = decided(125.0, asked(utilisation_ratio=0.5))
    assert (found.current.hosts, found.candidate.hosts) == ((91, 91, 91), (73, 73, 73))


def test_single_runs_tell_nothing_unless_a_drift_is_stated() -> None:
    sides = [candidates([swept(name, {8: (rate, 400.0)}, cost=price(1))]) for name, rate in (("a", 100), ("b", 150))]
    found = decide(*sides, asked())
    assert found.verdict == "cannot be told"
    assert found.gain is None
    assert found.gain_value == pytest.approx(1 / 3)
    assert "of one run each" in found.conditions[0].reason
    assert decide(*sides, asked(rules=Rules(drift_ratio=0.01))).verdict == "worth it"


def test_another_metric_than_the_cost() -> None:
    found = decided(125.0, asked(metric=parse_metric("output_tokens_per_s")))
    assert found.gain is not None
    assert found.gain.value == pytest.approx(0.25, abs=1e-6)  # faster, not cheaper: 125 / 100 − 1
    # a TTFT that is the same on both sides, with runs that differ as their rates do
    assert decided(125.0, asked(metric=parse_metric("ttft_ms.p95"))).verdict == "not worth it"


def test_prices_of_two_kinds_are_compared_only_where_that_is_asked_for() -> None:
    now = candidates(sweeps("now", NOW, cost=price(1.0)))
    then = candidates(sweeps("then", NOW, cost=price(0.4, kind="spot")))
    barred = decide(now, then, asked())
    assert barred.verdict == "cannot be told"
    assert "--allow-mismatch price-kind" in barred.conditions[0].tell
    assert decide(now, then, asked(rules=Rules(allowed=("price-kind",)))).verdict == "worth it"


def test_a_saving_with_its_interval() -> None:
    # 100 (98 to 102) less 80 (77 to 83): 20 ± √(2² + 3²)
    found = saved(Estimate(100.0, 98.0, 102.0), Estimate(80.0, 77.0, 83.0))
    assert (found.value, found.low, found.high) == (20.0, pytest.approx(20 - 13**0.5), pytest.approx(20 + 13**0.5))
    payback = paid_back(2000.0, found)
    assert (payback.value, payback.least) == (100.0, pytest.approx(2000 / (20 + 13**0.5)))
    assert paid_back(2000.0, Estimate(5.0, -1.0, 10.0)).most == inf
    assert paid_back(0.0, Estimate(5.0, 1.0, 10.0)).most == 0


def test_a_switch_that_costs_nothing_is_paid_back_at_once_unless_a_day_costs_more() -> None:
    # one host of either: nothing is saved, and nothing has to be paid back
    free = decided(125.0, asked(tokens_per_day=5e6, switch_cost=0.0, metric=parse_metric("output_tokens_per_s")))
    assert (free.payback.value, free.payback.most, free.verdict) == (0, 0, "worth it")
    # twice the price of an hour: 24 a day more
    dearer = decided(125.0, asked(tokens_per_day=5e6, switch_cost=0.0), per_hour=2.0)
    assert (dearer.payback.least, dearer.verdict) == (inf, "not worth it")


def test_what_cannot_be_answered_gets_a_sentence() -> None:
    one = candidates(sweeps("a", NOW, cost=price(1)))
    with pytest.raises(UsageError, match="never converted"):
        decide(one, candidates(sweeps("b", NOW, cost=price(1, "EUR"))), asked())
    with pytest.raises(UsageError, match="has no price"):
        decide(one, candidates(sweeps("b", NOW, cost=CostFacts(price_reason="pass --price"))), asked())
    with pytest.raises(UsageError, match="--candidate: expected runs of one model, host and setting, found 2"):
        decide(one, [*one, *candidates(sweeps("b", NOW, cost=price(1)))], asked())
