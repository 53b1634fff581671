import pytest

from profiler.reports import figures, series
from profiler.reports.ecdf import Mark, ecdf
from profiler.reports.series import Row, Slice, Span
from profiler.reports.timeline import timeline

PHASES = [Span("warmup", -2.0, 0.0, False), Span("repeat-1", 0.0, 5.0, True), Span("stop-server", 5.0, 6.0, False)]


def mark(name, share, value, is_indicative=False):
    return Mark(name, share, value, f"{value:g} ms", is_indicative)


def shapes(figure):
    return [(shape.x0, shape.x1) for shape in figure.layout.shapes]


def test_ecdf_steps_from_zero_to_a_hundred_percent():
    curve, _ = ecdf([10.0, 20.0, 30.0, 40.0], [mark("p50", 50, 25.0)], "TTFT").data
    assert curve.x == (10.0, 10.0, 20.0, 30.0, 40.0)
    assert curve.y == (0.0, 25.0, 50.0, 75.0, 100.0)
    assert curve.line.shape == "hv"


def test_percentiles_stand_on_their_share_and_are_hollow_when_indicative():
    values = [10.0 + n / 10 for n in range(100)]
    marks = [mark("p50", 50, 15.0), mark("p95", 95, 19.5), mark("p99", 99, 19.9, is_indicative=True)]
    _, drawn = ecdf(values, marks, "ITL").data
    assert drawn.y == (50, 95, 99)
    assert drawn.marker.symbol == ("circle", "circle", "circle-open")
    assert drawn.text == ("p50 15 ms", "", "p99 19.9 ms")
    assert drawn.hovertext[2] == "p99 19.9 ms (indicative)"


def test_an_slo_close_by_is_a_line_within_the_axis():
    figure = ecdf([150.0, 160.0, 170.0], [], "TTFT", slo_ms=200.0)
    assert shapes(figure) == [(200.0, 200.0)]
    low, high = figure.layout.xaxis.range
    assert low < 150.0
    assert high > 200.0
    assert figure.layout.annotations[0].text == "SLO 200\u00a0ms"


@pytest.mark.parametrize(("slo_ms", "text", "x"), [(2000.0, "SLO 2,000\u00a0ms →", 1), (1.0, "← SLO 1\u00a0ms", 0)])
def test_an_slo_far_away_is_named_at_the_edge(slo_ms, text, x):
    figure = ecdf([150.0, 160.0, 170.0], [], "TTFT", slo_ms=slo_ms)
    assert shapes(figure) == []
    assert (figure.layout.annotations[0].text, figure.layout.annotations[0].x) == (text, x)
    assert figure.layout.xaxis.range[1] < 175


def test_long_tails_get_a_logarithmic_axis_that_says_so():
    axis = ecdf([8.0] * 99 + [95.0], [], "ITL").layout.xaxis
    assert (axis.type, axis.title.text) == ("log", "ITL, ms (logarithmic)")
    assert {"10", "20", "50"} <= set(axis.ticktext)


def test_long_latencies_are_in_seconds():
    figure = ecdf([20_000.0, 25_000.0], [], "E2E", slo_ms=30_000.0)
    assert figure.layout.xaxis.title.text == "E2E, s"
    assert figure.data[0].x[-1] == 25.0
    assert figure.layout.annotations[0].text == "SLO 30\u00a0s"


def test_equal_values_have_an_axis_with_a_width():
    low, high = ecdf([8.0, 8.0, 8.0], [], "ITL").layout.xaxis.range
    assert low < 8.0 < high


def test_timeline_waits_streams_ticks_and_crosses():
    rows = [
        Row(7, "repeat-1", "ok", 0.0, 0.2, 0.5, (0.2, 0.3, 0.5)),
        Row(8, "repeat-2", "stalled", 0.0, None, 0.9, ()),
    ]
    waiting, streaming, ticks, failed = timeline(rows).data
    assert (waiting.base, waiting.x) == ((0.0, 0.0), (0.2, 0.9))
    assert (streaming.base, streaming.x) == ((0.2,), (0.3,))
    assert ticks.x == (0.2, 0.2, None, 0.3, 0.3, None, 0.5, 0.5, None)
    assert (failed.x, failed.hovertext[0].split("<br>")[0]) == ((0.9,), "request 8, stalled")
    assert waiting.y[1] - waiting.y[0] == 4  # one row down, three rows of headroom for the name


def test_timeline_escapes_what_a_file_gave_it():
    figure = timeline([Row(0, "repeat-<b>", "ok", 0.0, 0.1, 0.2, (0.1, 0.2))])
    assert figure.layout.annotations[0].text == "Repeat &lt;b&gt;"


def test_timeline_stops_ticking_at_its_limit():
    rows = [Row(n, "repeat-1", "ok", 0.0, 0.0, 1.0, (0.5,) * 5000) for n in range(3)]
    ticks = next(trace for trace in timeline(rows).data if trace.name == "token")
    assert len(ticks.x) == 3 * series.MOST_TICKS


def test_time_figures_shade_warm_up_and_measured_phases_only():
    figure = figures.cores([(0.0, 1.9), (1.0, 1.95)], [], PHASES)
    assert shapes(figure) == [(-2.0, 0.0), (0.0, 5.0)]
    assert [shape.fillcolor for shape in figure.layout.shapes] == [figures.WARMUP_SHADE, figures.MEASURED_SHADE]
    assert [trace.name for trace in figure.data] == ["model server"]  # the driver's series had no points


def test_shares_are_shown_in_percent():
    busy, steal = figures.host_shares([(0.0, 0.98)], [(0.0, 0.02)], []).data
    assert (busy.y, steal.y) == ((98.0,), (2.0,))


def test_memory_picks_a_unit():
    figure = figures.memory([(0.0, 2**30), (1.0, 3 * 2**30)], [])
    assert figure.layout.yaxis.title.text == "resident memory, GiB"
    assert figure.data[0].y == (1.0, 3.0)


def test_gaps_over_time_keep_zero_in_sight_unless_logarithmic():
    assert figures.gap_dots([(0.0, 8.0), (1.0, 9.0)], PHASES).layout.yaxis.rangemode == "tozero"
    figure = figures.gap_slices([Slice(0.5, 8.0, 80.0)], PHASES)
    assert figure.layout.yaxis.type == "log"
    assert [trace.name for trace in figure.data] == ["worst in the slice", "median of the slice"]


def test_every_axis_has_a_title_with_a_unit():
    drawn = [
        ecdf([1.0, 2.0], [], "TTFT"),
        figures.cores([(0.0, 1.0)], [], []),
        figures.host_shares([(0.0, 1.0)], [], []),
        figures.memory([(0.0, 1.0)], []),
        figures.gap_dots([(0.0, 8.0)], []),
    ]
    for figure in drawn:
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text
