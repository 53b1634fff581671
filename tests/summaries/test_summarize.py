import pytest
from support.builders import MS, S, manifest, request

from profiler.results.manifest import Manifest, Phase, Point
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.results.summary import Distribution, NotMeasured, Scalar
from profiler.summaries.summarize import compose, summarize, summarize_points


def test_a_run_of_two_repeats() -> None:
    requests = [
        request(0, phase="warmup", arrivals_ms=(500, 600)),
        request(1, sent_ms=0, arrivals_ms=(10, 20)),
        request(2, sent_ms=30, arrivals_ms=(20, 30)),
        request(3, sent_ms=60, outcome=Outcome.TIMEOUT),
        request(4, phase="repeat-2", sent_ms=1000, arrivals_ms=(30, 40)),
    ]
    summary = summarize(manifest(repeats=2), requests, [], [])
    assert (summary.requests_ok, summary.requests_failed) == (3, 1)
    assert summary.outcomes == {"ok": 3, "timeout": 1}
    ttft = summary.metrics["ttft_ms"]
    assert isinstance(ttft, Distribution)
    assert (ttft.n, ttft.min, ttft.mean, ttft.max) == (3, 10, 20, 30)
    assert ttft.quantiles["p50"] == 20
    assert ttft.indicative == ["p50", "p90", "p95", "p99"]
    assert ttft.per_repeat_mean == [15, 30]
    rate = summary.metrics["requests_per_s"]
    assert isinstance(rate, Scalar)
    # of the first repeat the slot was busy for 20, 30 and 30 ms in 90: the one that failed took its time as well
    assert rate.per_repeat == pytest.approx([2 / 0.090, 1 / 0.040])
    assert rate.value == pytest.approx(3 / 0.130)


def test_nothing_finished_is_said_not_shown_as_zero() -> None:
    summary = summarize(manifest(), [request(0, outcome=Outcome.RESET)], [], [])
    assert summary.metrics["ttft_ms"] == NotMeasured(unit="ms", reason="no request finished")
    rate = summary.metrics["output_tokens_per_s"]
    assert isinstance(rate, Scalar)
    assert rate.value is None
    assert "succeeded" in (rate.reason or "")
    errors = summary.metrics["error_ratio"]
    assert isinstance(errors, Scalar)
    assert (errors.value, errors.interval) == (1, (pytest.approx(0.025), 1))  # one of one


def test_the_same_records_give_the_same_bytes() -> None:
    requests = [request(i, sent_ms=40 * i) for i in range(70)]
    first = summarize(manifest(), requests, [], []).model_dump_json()
    assert summarize(manifest(), requests, [], []).model_dump_json() == first


SWEEP = [Point(name="c1", concurrency=1), Point(name="c2", concurrency=2), Point(name="r5", rate_rps=5.0)]


def sweep() -> Manifest:
    """Three points of two repeats, 10 s apart; the server starts before all of them."""
    phases = [Phase(name="start-server", start_ns=0, end_ns=2 * S)]
    for number, point in enumerate(SWEEP, start=1):
        for repeat in (1, 2):
            start_ns = (10 * number + repeat) * S
            name = f"{point.name}/repeat-{repeat}"
            phases.append(Phase(name=name, point=point.name, start_ns=start_ns, end_ns=start_ns + S, client_cpu_ns=MS))
    return manifest(phases=phases).model_copy(update={"points": SWEEP})


def sweep_requests() -> list[RequestRecord]:
    """Four requests of 30 ms in each repeat: one slot, two slots 5 ms apart, and arrivals every 20 ms."""
    sent_ms = {"c1": (0, 30, 60, 90), "c2": (0, 5, 30, 35), "r5": (0, 20, 40, 60)}
    requests: list[RequestRecord] = []
    for number, point in enumerate(SWEEP, start=1):
        for repeat in (1, 2):
            base_ms = (10 * number + repeat) * 1000
            phase = f"{point.name}/repeat-{repeat}"
            requests += [
                request(len(requests) + i, phase=phase, sent_ms=base_ms + t) for i, t in enumerate(sent_ms[point.name])
            ]
    return requests


def value(metric: object) -> float | None:
    assert isinstance(metric, Scalar)
    return metric.value


def test_each_point_of_a_sweep_has_the_windows_of_its_own_load() -> None:
    points = summarize_points(sweep(), sweep_requests(), [], [])
    assert [done.point.name for done in points] == ["c1", "c2", "r5"]
    assert {done.requests_ok for done in points} == {8}
    # requests of 30 ms: one in flight makes 1/30 ms; two 2/30 ms; of arrivals every 20 ms 1.5 are in flight: 1/20 ms
    rates = [value(done.metrics["requests_per_s"]) for done in points]
    assert rates == pytest.approx([1 / 0.030, 2 / 0.030, 1 / 0.020])
    assert value(points[0].metrics["idle_slot_ratio"]) == 0
    assert value(points[2].metrics["idle_slot_ratio"]) is None
    assert value(points[1].metrics["model_load_s"]) == 2


def test_samples_of_other_points_do_not_count() -> None:
    sizes = {11: 100, 21: 700, 25: 900}  # in c1, in c2, between c2 and r5
    samples = [
        Sample(
            t_ns=t_s * S + 1,
            server_cpu_cores=None,
            server_rss_bytes=size,
            host_cpu_ratio=None,
            host_steal_ratio=None,
            client_cpu_cores=None,
        )
        for t_s, size in sizes.items()
    ]
    points = summarize_points(sweep(), sweep_requests(), samples, [])
    assert [value(done.metrics["peak_rss_bytes"]) for done in points] == [100, 700, None]


def test_the_headline_is_the_last_point_that_was_measured_unless_another_is_named() -> None:
    requests = [r for r in sweep_requests() if not r.phase.startswith("r5")]
    summary = summarize(sweep(), requests, [], [])
    assert summary.headline == "c2"
    assert summary.metrics == summary.points[1].metrics
    assert [done.requests_ok for done in summary.points] == [8, 8, 0]
    named = compose(sweep(), summary.points, "c1")
    assert (named.headline, named.metrics) == ("c1", summary.points[0].metrics)


def test_a_run_of_one_point_is_a_plain_run() -> None:
    plain = summarize(manifest(), [request()], [], [])
    assert (plain.points, plain.headline) == ([], None)
    named = manifest().model_copy(update={"points": SWEEP[:1]})
    assert summarize(named, [request()], [], []) == plain


def test_of_rates_the_slow_tail_is_told_too() -> None:
    """Requests at 1, 2, …, 101 tokens/s: p5 is 6 and p1 is 2, as far from the lowest as p95, p99 from the highest."""
    requests = [
        request(i, sent_ms=3_000.0 * i, arrivals_ms=(10.0, 10.0 + 1_000 / (i + 1)), server_tokens=2) for i in range(101)
    ]
    rate = summarize(manifest(), requests, [], []).metrics["decode_tokens_per_s"]
    assert isinstance(rate, Distribution)
    assert (rate.quantiles["p5"], rate.quantiles["p1"]) == (pytest.approx(6), pytest.approx(2))
    assert (rate.quantiles["p95"], rate.quantiles["p99"]) == (pytest.approx(96), pytest.approx(100))
    # 101 values are enough for p90, which takes 64, and too few for p95 and p5, which take 130
    assert rate.indicative == ["p95", "p99", "p5", "p1"]
    assert ("p5" in rate.quantile_intervals) == ("p95" in rate.quantile_intervals)
    latency = summarize(manifest(), requests, [], []).metrics["ttft_ms"]
    assert isinstance(latency, Distribution)
    assert list(latency.quantiles) == ["p50", "p90", "p95", "p99"]
