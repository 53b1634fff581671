from support.builders import workload

from profiler.reports import loads
from profiler.results.manifest import Point
from profiler.results.points import at_concurrency
from profiler.results.summary import Conclusion, Distribution, Metric, PointSummary, Scalar, Summary, Verdict


def latency(p50: float, p99: float) -> Distribution:
    quantiles = {"p50": p50, "p90": p99, "p95": p99, "p99": p99}
    return Distribution(unit="ms", n=100, mean=p50, min=p50, max=p99, quantiles=quantiles, indicative=["p95", "p99"])


def measured(concurrency: int, tokens_per_s: float | None, shares: list[float] | None = None) -> PointSummary:
    rate = Scalar(unit="tokens/s", value=tokens_per_s, per_repeat=[tokens_per_s * 0.9] if tokens_per_s else [])
    metrics: dict[str, Metric] = {"output_tokens_per_s": rate, "ttft_ms": latency(12.34, 20_000.0)}
    if shares:
        metrics["slo_attainment_ratio"] = Scalar(unit="ratio", value=min(shares), per_repeat=shares)
    return PointSummary(
        point=at_concurrency(concurrency),
        requests_ok=9,
        requests_failed=0,
        outcomes={},
        metrics=metrics,
        verdict=Verdict(level="VALID with warnings"),
    )


def summary(points: list[PointSummary], headline: str | None = None) -> Summary:
    return Summary(
        format_version=1,
        run_id="r",
        status="complete",
        status_reason=None,
        workload="w@1",
        requests_ok=9,
        requests_failed=0,
        outcomes={},
        metrics={},
        warnings=[],
        points=points,
        headline=headline,
    )


def titles(points: list[PointSummary]) -> list[str]:
    return [column.title for column in loads.columns(summary(points))]


def test_embeddings_have_columns_of_their_own() -> None:
    point = measured(2, None)
    metrics: dict[str, Metric] = {"input_tokens_per_s": Scalar(unit="tokens/s", value=512.0), "e2e_ms": latency(20, 30)}
    point = point.model_copy(update={"metrics": metrics})
    latencies = ["E2E p50, ms", "E2E p99, ms"]
    assert titles([point]) == ["Input rate, tokens/s", *latencies, "Request rate, requests/s", "Met SLOs, %"]
    assert loads.rows(summary([point]))[0].cells == ("512", "20.0", "30.0†", "", "")
    for figure in (loads.throughput([point], None), loads.latency_throughput([point])):
        assert figure is not None
        assert "input rate, tokens/s" in str(figure.layout)


def knee_at(low: float) -> Conclusion:
    return Conclusion(
        kind="knee", metric="output_tokens_per_s", unit="in flight", point="c2", low=low, sentence="Bends there."
    )


def test_rows_are_in_the_order_of_the_load_with_numbers_in_the_unit_of_their_column() -> None:
    rows = loads.rows(summary([measured(8, 400.0, [0.5, 1.0]), measured(2, 123.456)], "c8"))
    assert [row.load.replace("\u00a0", " ") for row in rows] == ["2 in flight", "8 in flight"]
    assert [row.is_headline for row in rows] == [False, True]
    cells = dict(zip(titles([measured(8, 400.0)]), rows[1].cells, strict=True))
    assert cells["Output rate, tokens/s"] == "400"
    assert cells["TTFT p50, ms"] == "12.3"
    assert cells["TTFT p99, ms"] == "20,000†"
    assert cells["Met SLOs, %"] == "50"  # of repeats with 50 and 100 %: nothing behind the point is known
    assert cells["TPOT p50, ms"] == ""
    assert rows[0].verdict == "warnings"


def test_the_knee_is_marked_where_it_is_on_a_logarithmic_axis() -> None:
    points = [measured(1, 100.0), measured(10, 200.0)]
    figure = loads.throughput(points, knee_at(10))
    assert figure is not None
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.annotations[0].x == 1.0
    assert list(figure.data[0].error_y.arrayminus) == [10.0, 20.0]


def test_few_loads_close_together_have_a_linear_axis() -> None:
    figure = loads.throughput([measured(2, 100.0), measured(3, 200.0)], knee_at(3))
    assert figure is not None
    assert figure.layout.annotations[0].x == 3


def test_latency_is_drawn_against_rate_and_hollow_where_indicative() -> None:
    figure = loads.latency_throughput([measured(1, 100.0), measured(2, 180.0)])
    assert figure is not None
    by_name = {trace.name: trace for trace in figure.data}
    assert set(by_name) == {"TTFT p50", "TTFT p99"}
    assert list(by_name["TTFT p50"].x) == [100.0, 180.0]
    assert set(by_name["TTFT p50"].marker.symbol) == {"circle"}
    assert set(by_name["TTFT p99"].marker.symbol) == {"circle-open"}


def test_every_repeat_is_a_dot_and_the_interval_is_shaded() -> None:
    points = [measured(1, 100.0, [1.0, 0.99]), measured(2, 180.0, [0.5, 0.6])]
    conclusion = Conclusion(
        kind="slo-limit", metric="slo_attainment_ratio", unit="in flight", point="c1", low=1, high=2, sentence="."
    )
    figure = loads.attainment(points, 0.99, conclusion)
    assert figure is not None
    assert list(figure.data[0].y) == [100.0, 99.0, 50.0, 60.0]
    assert {(shape.x0, shape.x1) for shape in figure.layout.shapes} == {(0, 1), (1, 2)}  # the target, the interval


def test_without_a_rate_there_is_no_figure() -> None:
    nothing = PointSummary(
        point=Point(name="c1", concurrency=1), requests_ok=0, requests_failed=3, outcomes={}, metrics={}
    )
    assert loads.throughput([nothing], None) is None
    assert loads.latency_throughput([nothing]) is None
    assert loads.attainment([nothing], 0.9, knee_at(1)) is None
    assert loads.rows(summary([nothing]))[0].cells == ("",) * len(titles([nothing]))


def test_the_knee_stands_in_both_figures() -> None:
    points = [measured(1, 100.0), measured(2, 190.0), measured(4, 200.0)]
    for figure, at in ((loads.throughput(points, knee_at(2)), 2), (loads.latency_throughput(points, knee_at(2)), 190)):
        assert figure is not None
        assert [shape.x0 for shape in figure.layout.shapes] == [at]
        assert [note.text for note in figure.layout.annotations] == ["knee"]
    plain = loads.latency_throughput(points)
    assert plain is not None
    assert not plain.layout.shapes


def test_how_many_loads_were_measured_of_how_many() -> None:
    run = summary([measured(1, 10.0), measured(2, 19.0)])
    swept, search, saturate = (
        workload(load=load)
        for load in (
            {"shape": "closed-loop", "concurrency": [1, 2, 4]},
            {"shape": "slo-search", "max_points": 12},
            {"shape": "saturate"},
        )
    )
    assert loads.measured(run, swept) == "2 loads of 3 measured"
    assert loads.measured(run, search) == "2 loads of at most 12 measured"
    assert loads.measured(run, saturate) == "2 loads measured"


def test_each_depth_has_all_loads() -> None:
    """Three loads at depth 0, cold; and at 1,024, cold and warm: nine."""
    prompts = {"source": "synthetic", "tokens": 8, "depth": [0, 1024]}
    swept = workload(load={"shape": "closed-loop", "concurrency": [1, 2, 4]}, prompts=prompts)
    assert loads.measured(summary([measured(1, 10.0), measured(2, 19.0)]), swept) == "2 loads of 9 measured"
