"""How sure the numbers of a summary are."""

from random import Random

import pytest
from support.builders import MS, manifest, request
from support.energy import meter, reading

from profiler.errors import UsageError
from profiler.results.manifest import CostFacts, EnergyFacts, PriceFacts, Source
from profiler.results.records import RequestRecord, Sample
from profiler.results.summary import Distribution, Scalar, Summary
from profiler.stats.estimates import Estimate
from profiler.stats.values import Values
from profiler.summaries.estimates import Unknown, estimate, parse_metric
from profiler.summaries.summarize import summarize


def one_after_the_other(
    durations_ms: list[float], phase: str = "repeat-1", start_ms: float = 0.0
) -> list[RequestRecord]:
    requests, sent_ms = [], start_ms
    for index, duration_ms in enumerate(durations_ms):
        arrivals_ms = (duration_ms / 2, duration_ms)
        requests.append(request(index, phase=phase, sent_ms=sent_ms, arrivals_ms=arrivals_ms))
        sent_ms += duration_ms
    return requests


def scalar(summary: Summary, name: str) -> Scalar:
    found = summary.metrics[name]
    assert isinstance(found, Scalar)
    return found


def test_rates_of_a_single_repeat_come_from_slices_of_its_window() -> None:
    # 20 requests of two tokens in ten slices: two requests take 20 or 40 ms, half of the slices each: 200 and 100
    # tokens/s. 40 tokens in 300 ms, less the relative variance of the mean of 20 durations of 10 or 20 ms, 1/9 / 19.
    # Deviation · length / mean length over the slices, then t = 2.262157 with 9 degrees of freedom
    durations_ms = [10.0, 10.0, 20.0, 20.0] * 5
    rate = scalar(summarize(manifest(), one_after_the_other(durations_ms), [], []), "output_tokens_per_s")
    mean = 40 / 0.3 * (1 - 1 / 9 / 19)
    assert rate.value == pytest.approx(mean)
    assert rate.interval is not None
    squares = 5 * ((200 - mean) * 20 / 30) ** 2 + 5 * ((100 - mean) * 40 / 30) ** 2
    half_width = 2.262157 * (squares / 9 / 10) ** 0.5
    assert rate.interval == (pytest.approx(mean - half_width), pytest.approx(mean + half_width))
    assert (rate.per_repeat, rate.interval_freedom) == ([rate.value], 9)


def test_what_a_request_costs_is_as_sure_as_how_many_there_are_in_a_time() -> None:
    # The same 20 requests at 3.6 USD an hour, 0.001 a second: 15 ms on average cost 1.5e-5, and in a slice 1e-5 or
    # 2e-5. Each slice has two requests, so all count alike: t · √(10 · (0.5e-5)² / 9 / 10).
    run = manifest()
    source = Source(name="flag", title="made up")
    run.cost = CostFacts(price=PriceFacts(per_hour=3.6, currency="USD", kind="on-demand", source=source))
    requests = one_after_the_other([10.0, 10.0, 20.0, 20.0] * 5)
    summary = summarize(run, requests, [], [])
    cost = scalar(summary, "cost_per_request")
    half_width = 2.262157 * (0.25e-10 / 9) ** 0.5
    assert cost.value == pytest.approx(1.5e-5)
    assert cost.interval == (pytest.approx(1.5e-5 - half_width), pytest.approx(1.5e-5 + half_width))
    assert estimate(summary, "cost_per_request") == Estimate(cost.value, *cost.interval, 9)
    money = scalar(summary, "output_tokens_per_currency")  # 2 tokens for 1.5e-5, in a slice for 1e-5 or 2e-5
    assert money.interval is not None
    squares = 5 * ((2 / 1e-5 - 2 / 1.5e-5) * 20 / 30) ** 2 + 5 * ((2 / 2e-5 - 2 / 1.5e-5) * 40 / 30) ** 2
    assert money.interval[1] - (money.value or 0) == pytest.approx(2.262157 * (squares / 9 / 10) ** 0.5)


def test_energy_of_a_single_repeat_has_an_interval() -> None:
    # 40 requests of 10 ms; a counter grows by 1 J in each of the first 20 and by 3 J in each of the others: 2 J each,
    # in the slices 1 or 3 J, and 100 or 300 W.
    run = manifest()
    run.energy = EnergyFacts(meter_class="counter", scope="GPU boards", meters=[meter("nvml:0:counter")])
    energy_j = [i if i <= 20 else 20 + 3 * (i - 20) for i in range(41)]
    samples = [Sample(t_ns=i * 10 * MS, energy=[reading("nvml:0:counter", i / 100, j)]) for i, j in enumerate(energy_j)]
    summary = summarize(run, one_after_the_other([10.0] * 40), samples, [])
    half_width = 2.262157 / 3
    for name, value, unit in (("energy_j_per_request", 2.0, 1.0), ("mean_power_w", 200.0, 100.0)):
        found = scalar(summary, name)
        assert found.value == pytest.approx(value)
        assert found.interval == (pytest.approx(value - unit * half_width), pytest.approx(value + unit * half_width))


def test_few_requests_make_fewer_slices() -> None:
    # two slots and 40 requests: 37 in the window, 18 for each slot, so there are five slices
    requests = sorted(one_after_the_other([10.0] * 20) + one_after_the_other([11.0] * 20), key=lambda r: r.finished_ns)
    rate = scalar(summarize(manifest(concurrency=2), requests, [], []), "requests_per_s")
    assert rate.interval is not None
    assert rate.interval_freedom == 4


def test_a_steady_rate_has_a_narrow_one() -> None:
    summary = summarize(manifest(), one_after_the_other([10.0] * 40), [], [])
    for name in ("output_tokens_per_s", "requests_per_s", "total_tokens_per_s"):
        found = scalar(summary, name)
        assert found.interval == (pytest.approx(found.value), pytest.approx(found.value))


def test_repeats_go_before_slices() -> None:
    requests = one_after_the_other([10.0] * 40) + one_after_the_other([20.0] * 40, "repeat-2", 1000)
    rate = scalar(summarize(manifest(repeats=2), requests, [], []), "requests_per_s")
    # 100 and 50 requests/s: ±12.706205 · 25
    assert rate.interval is not None
    assert rate.interval[1] == pytest.approx((rate.value or 0) + 12.706205 * 25)
    assert rate.interval[0] == 0


def test_too_few_requests_have_no_interval_and_say_so() -> None:
    few = summarize(manifest(), one_after_the_other([10.0] * 19), [], [])
    assert scalar(few, "requests_per_s").interval is None
    known = estimate(few, "requests_per_s")
    assert isinstance(known, Unknown)
    assert known.reason == "19 requests are too few for an interval, 20 are needed: raise --requests"


@pytest.mark.parametrize("repeats", [1, 3])
def test_fewer_than_five_rounds_of_the_slots_have_no_interval(repeats: int) -> None:
    # 16 slots, 60 requests in each repeat: less the first 16 and the last 15, 29 are measured; 29 or 87 for 16 slots
    requests = [
        one
        for repeat in range(repeats)
        for slot in range(16)
        for one in one_after_the_other([10.0 + slot / 100] * 4, f"repeat-{repeat + 1}", 1000.0 * repeat)
    ]
    sixty = [one for i in range(repeats) for one in sorted(requests[64 * i :][:64], key=lambda r: r.sent_ns or 0)[:60]]
    rate = scalar(summarize(manifest(repeats=repeats, concurrency=16), sixty, [], []), "requests_per_s")
    if repeats == 1:
        assert rate.interval is None
        assert (
            rate.no_interval == "1.8 requests for each one in flight are too few for an interval, 5 are needed: "
            "raise --requests"
        )
    else:
        assert rate.interval is not None


def test_what_is_not_of_the_window_has_none() -> None:
    summary = summarize(manifest(), one_after_the_other([10.0] * 40), [], [])
    assert scalar(summary, "model_load_s").interval is None
    assert scalar(summary, "coalesced_read_ratio").interval is None


def test_repeats_that_all_kept_the_slo_are_no_certainty() -> None:
    requests = one_after_the_other([10.0] * 15) + one_after_the_other([10.0] * 15, "repeat-2", 1000)
    summary = summarize(manifest(repeats=2, slo={"e2e_ms": 50}), requests, [], [])
    attained = scalar(summary, "slo_attainment_ratio")
    # 30 of 30: 0.025^(1/30) = 0.8843
    assert (attained.value, attained.interval) == (1, (pytest.approx(0.8843, abs=1e-4), 1))
    known = estimate(summary, "slo_attainment_ratio")
    assert known == Estimate(1, attained.interval[0], 1, 1)


def test_quantiles_of_a_single_repeat() -> None:
    random = Random(1)  # noqa: S311 - must be repeatable, not secret
    summary = summarize(manifest(), one_after_the_other([random.uniform(10, 20) for _ in range(200)]), [], [])
    e2e = summary.metrics["e2e_ms"]
    assert isinstance(e2e, Distribution)
    assert list(e2e.quantile_intervals) == ["p50", "p90", "p95"]  # 200 values are too few for a p99
    for name, (low, high) in e2e.quantile_intervals.items():
        assert low < e2e.quantiles[name] < high
    assert e2e.quantile_intervals["p50"][0] < 15 < e2e.quantile_intervals["p50"][1]


def test_quantiles_over_repeats() -> None:
    requests = one_after_the_other([10.0] * 6) + one_after_the_other([12.0] * 6, "repeat-2", 1000)
    e2e = summarize(manifest(repeats=2), requests, [], []).metrics["e2e_ms"]
    assert isinstance(e2e, Distribution)
    # 10 and 12: standard deviation √2, /√2 = 1, times t = 12.706205, around the p50 of all, 11; never below 0
    assert e2e.quantile_intervals["p50"] == (0, pytest.approx(11 + 12.706205))


@pytest.mark.parametrize(("each", "with_interval"), [(5, []), (22, ["p50", "p90"]), (65, ["p50", "p90", "p95"])])
def test_quantiles_of_few_values_have_none_over_repeats_either(each: int, with_interval: list[str]) -> None:
    # 11 values are needed for p50, 64 for p90, 130 for p95, 662 for p99: with fewer the interval covers too little
    repeats = 3 if each == 22 else 2
    requests = [
        one
        for i in range(repeats)
        for one in one_after_the_other([10.0 + i + j % 7 for j in range(each)], f"repeat-{i + 1}", 10_000 * i)
    ]
    e2e = summarize(manifest(repeats=repeats), requests, [], []).metrics["e2e_ms"]
    assert isinstance(e2e, Distribution)
    assert list(e2e.quantile_intervals) == with_interval


def test_a_speed_has_the_quantiles_of_its_slow_tail() -> None:
    # requests of 10, 20, … 1000 ms with two tokens each, one of them after half of it: speeds of 2, … 200 tokens/s
    requests = one_after_the_other([1000 / (i + 1) for i in range(100)])
    speed = summarize(manifest(), requests, [], []).metrics["decode_tokens_per_s"]
    assert isinstance(speed, Distribution)
    assert list(speed.quantiles) == ["p50", "p90", "p95", "p99", "p5", "p1"]
    # of 100 values 2, 4, … 200 the p5 lies 0.05 · 99 = 4.95 steps above the first
    assert speed.quantiles["p5"] == pytest.approx(2 + 2 * 4.95, rel=1e-6)
    assert speed.indicative == ["p95", "p99", "p5", "p1"]
    latency = summarize(manifest(), requests, [], []).metrics["e2e_ms"]
    assert isinstance(latency, Distribution)
    assert "p5" not in latency.quantiles
    assert parse_metric("decode_tokens_per_s.p5") == ("decode_tokens_per_s", "p5")
    with pytest.raises(UsageError, match="p50, p90, p95, p99"):
        parse_metric("e2e_ms.p5")


def test_values_that_are_only_counted_have_none() -> None:
    values = Values(exact=50)
    values.extend(float(i) for i in range(100))
    assert values.quantile_interval(0.5, 50.0, values.ordered()) is None
