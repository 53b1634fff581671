from profiler.reports import series
from profiler.results.manifest import Phase
from profiler.results.records import Sample

S = 1_000_000_000


def test_thinning_keeps_both_ends_and_the_tail():
    kept = series.thinned(list(range(100_000)), most=500)
    assert len(kept) <= 500
    assert kept[0] == (1, 0)
    assert [rank for rank, _ in kept[-50:]] == list(range(99_951, 100_001))
    assert series.thinned([1.0, 2.0]) == [(1, 1.0), (2, 2.0)]


def test_slices_keep_the_worst():
    parts = series.slices([(t / 10, 8.0) for t in range(1000)] + [(99.95, 70.0)], most=10)
    assert len(parts) == 10
    assert [part.greatest for part in parts] == [8.0] * 9 + [70.0]
    assert {part.median for part in parts} == {8.0}
    assert series.slices([]) == []
    assert len(series.slices([(1.0, 2.0), (1.0, 4.0)])) == 1


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
