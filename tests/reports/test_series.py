from profiler.reports import series
from profiler.results.manifest import Phase
from profiler.results.records import Sample
from profiler.stats.pieces import Pieces

S = 1_000_000_000


def test_thinning_keeps_both_ends_and_the_tail():
    kept = series.thinned(list(range(100_000)), most=500)
    assert len(kept) <= 500
    assert kept[0] == (1, 0)
    assert [rank for rank, _ in kept[-50:]] == list(range(99_951, 100_001))
    assert series.thinned([1.0, 2.0]) == [(1, 1.0), (2, 2.0)]


def test_slices_keep_the_worst():
    slicer = series.Slicer(0.0, 100.0, most=10)
    for second in range(0, 100, 20):  # each of these calls fills two slices
        slicer.extend(Pieces.of([[second + tenth / 10 for tenth in range(200)]]), Pieces.of([[8.0] * 200]))
    slicer.extend(Pieces.of([[99.95]]), Pieces.of([[70.0]]))
    parts = slicer.slices()
    assert [part.t_s for part in parts] == [5.0 + 10 * number for number in range(10)]
    assert [part.greatest for part in parts] == [8.0] * 9 + [70.0]
    assert {part.median for part in parts} == {8.0}
    assert series.Slicer(0.0, 0.0).slices() == []


def test_times_beyond_the_ends_belong_to_the_outer_slices():
    slicer = series.Slicer(0.0, 10.0, most=2)
    slicer.extend(Pieces.of([[-1.0, 4.0, 6.0, 11.0, 12.0]]), Pieces.of([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    assert [(part.median, part.greatest) for part in slicer.slices()] == [(1.5, 2.0), (4.0, 5.0)]


def test_thinning_over_time_keeps_what_stands_out():
    points = [(second / 10, 1.0) for second in range(10_000)]
    points[1234], points[7777] = (123.4, 9.0), (777.7, -9.0)
    kept = series.extremes(points)
    assert len(kept) <= 2 * series.MOST_SLICES
    assert {(123.4, 9.0), (777.7, -9.0)} <= set(kept)
    assert kept == sorted(kept)
    assert series.extremes(points[:5]) == points[:5]


def test_phases_without_an_end_last_until_the_next_or_the_last_record(fake_run):
    manifest = fake_run().manifest
    manifest.phases = [Phase(name="warmup", start_ns=1 * S), Phase(name="repeat-1", start_ns=3 * S)]
    spans = series.spans(manifest, zero_ns=3 * S, last_ns=8 * S)
    assert [(span.name, span.start_s, span.end_s) for span in spans] == [("warmup", -2, 0), ("repeat-1", 0, 5)]


def test_samples_without_a_value_are_left_out():
    samples = [
        Sample(
            t_ns=n * S,
            server_cpu_cores=value,
            server_rss_bytes=None,
            host_cpu_ratio=None,
            host_steal_ratio=None,
            client_cpu_cores=None,
        )
        for n, value in enumerate([1.0, None, 2.0])
    ]
    assert series.sample_points(samples, 0, lambda s: s.server_cpu_cores) == [(0.0, 1.0), (2.0, 2.0)]
