import pytest

from profiler.reports import series
from profiler.results.manifest import Phase
from profiler.results.records import Outcome, RequestRecord, Sample

S = 1_000_000_000
MS = 1_000_000


def request(index=0, phase="repeat-1", sent_ns=10 * S, offsets_ms=(100, 110, 125), outcome=Outcome.OK):
    return RequestRecord(
        index=index,
        phase=phase,
        outcome=outcome,
        scheduled_ns=sent_ns,
        sent_ns=sent_ns,
        finished_ns=sent_ns + 200 * MS,
        read_offset_ns=[offset * MS for offset in offsets_ms],
        read_tokens=[1] * len(offsets_ms),
        completion_tokens=len(offsets_ms),
    )


def test_latencies_are_those_of_the_registry():
    requests = [request(), request(outcome=Outcome.RESET, offsets_ms=(1, 2, 3))]
    assert series.latencies_ms("ttft_ms", requests) == [100.0]
    assert series.latencies_ms("itl_ms", requests) == [10.0, 15.0]
    assert series.latencies_ms("tpot_ms", requests) == [12.5]  # (125 − 100) / 2
    assert series.latencies_ms("e2e_ms", requests) == [125.0]


def test_a_single_token_has_no_time_per_output_token():
    assert series.latencies_ms("tpot_ms", [request(offsets_ms=(100,))]) == []


def test_thinning_keeps_both_ends_and_the_tail():
    kept = series.thinned(list(range(100_000)), most=500)
    assert len(kept) <= 500
    assert kept[0] == (1, 0)
    assert [rank for rank, _ in kept[-50:]] == list(range(99_951, 100_001))
    assert series.thinned([1.0, 2.0]) == [(1, 1.0), (2, 2.0)]


def test_timeline_shows_the_first_requests_of_every_repeat():
    shown = series.timeline([request(n, f"repeat-{r}", (10 * r + n) * S) for r in (1, 2, 3) for n in range(500)])
    assert shown.total == 1500
    assert [row.repeat for row in shown.rows] == ["repeat-1"] * 40 + ["repeat-2"] * 40 + ["repeat-3"] * 40
    assert shown.rows[40].sent_s == 0.0  # each repeat has a zero of its own
    assert shown.rows[41].token_s == (1.1, 1.11, 1.125)  # sent 1 s later, tokens after 100, 110 and 125 ms


def test_a_request_that_failed_lasts_until_its_outcome_was_known():
    (row,) = series.timeline([request(outcome=Outcome.STALLED, offsets_ms=())]).rows
    assert (row.first_token_s, row.end_s, row.outcome) == (None, 0.2, "stalled")


def test_gap_points_stand_where_the_gap_ended():
    # sent at 10 s, zero at 9 s: gaps of 10 and 15 ms end at 1.11 and 1.125 s
    assert series.gap_points([request()], zero_ns=9 * S) == [(1.11, 10.0), (1.125, 15.0)]


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


@pytest.mark.parametrize("has_requests", [True, False])
def test_zero_is_the_first_measured_request_or_the_first_thing_known(fake_run, has_requests):
    run = fake_run()
    measured = series.measured(run.manifest, run.requests) if has_requests else []
    expected = measured[0].sent_ns if has_requests else run.manifest.phases[0].start_ns
    assert series.origin_ns(run.manifest, measured, run.samples) == expected


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
