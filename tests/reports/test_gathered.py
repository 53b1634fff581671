import random

import pytest

from profiler.reports.gathered import Extent, gather
from profiler.results.manifest import Phase, Point
from profiler.results.records import Outcome, RequestRecord

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


@pytest.fixture
def gathered(fake_run):
    """What is gathered from requests of three repeats."""
    manifest = fake_run().manifest
    manifest.phases = [Phase(name=f"repeat-{number}", start_ns=9 * S) for number in (1, 2, 3)]
    return lambda requests: gather(manifest, None, requests, [])


def test_latencies_are_those_of_the_registry(gathered):
    requests = [request(), request(outcome=Outcome.RESET, offsets_ms=(1, 2, 3)), request(phase="warmup")]
    seen = {name: list(values.ordered()) for name, values in gathered(requests).latencies_ms.items()}
    assert seen.pop("ttft_answer_ms") == []
    assert seen == {"ttft_ms": [100.0], "itl_ms": [10.0, 15.0], "tpot_ms": [12.5], "e2e_ms": [125.0]}


def test_a_single_token_has_no_time_per_output_token(gathered):
    assert len(gathered([request(offsets_ms=(100,))]).latencies_ms["tpot_ms"]) == 0


def test_timeline_shows_the_first_requests_of_every_repeat(gathered):
    requests = [request(n, f"repeat-{r}", (1000 * r + n) * S) for r in (1, 2, 3) for n in range(500)]
    random.Random(1).shuffle(requests)  # noqa: S311 - an order, not a secret
    shown = gathered(requests).timeline()
    assert shown.total == 1500
    assert [row.repeat for row in shown.rows] == ["repeat-1"] * 40 + ["repeat-2"] * 40 + ["repeat-3"] * 40
    assert [row.index for row in shown.rows[:40]] == list(range(40))
    assert shown.rows[40].sent_s == 0.0  # each repeat has a zero of its own
    assert shown.rows[41].token_s == (1.1, 1.11, 1.125)  # sent 1 s later, tokens after 100, 110 and 125 ms


def test_a_request_that_failed_lasts_until_its_outcome_was_known(gathered):
    (row,) = gathered([request(outcome=Outcome.STALLED, offsets_ms=())]).timeline().rows
    assert (row.first_token_s, row.end_s, row.outcome) == (None, 0.2, "stalled")


def test_gaps_stand_where_they_ended(gathered):
    # The zero is the first request, sent at 10 s; the second is sent 2 s later: its gaps end after 110 and 125 ms.
    gaps = gathered([request(), request(1, sent_ns=12 * S)]).gaps
    assert gaps.points() == [(0.11, 10.0), (0.125, 15.0), (2.11, 10.0), (2.125, 15.0)]


def test_many_gaps_are_cut_into_slices_that_keep_the_worst(gathered):
    requests = [request(n, sent_ns=(10 + n) * S) for n in range(1200)]
    requests[700].read_offset_ns[2] += 300 * MS
    gaps = gathered(requests).gaps
    assert (gaps.total, gaps.points()) == (2400, None)
    slices = gaps.slices()
    assert len(slices) == 400
    assert [part.greatest for part in slices if part.greatest > 15] == [315.0]
    assert {part.median for part in slices} == {12.5}


def test_failures_are_counted_and_the_first_ones_kept(gathered):
    requests = [request(n, outcome=Outcome.RESET) for n in range(100)] + [request(100)]
    random.Random(1).shuffle(requests)  # noqa: S311 - an order, not a secret
    failures = gathered(requests).failures
    assert failures.total == 100
    assert [failed.index for failed in failures.sorted()] == list(range(10))


def test_zero_is_the_first_measured_request_or_the_first_thing_known(fake_run):
    run = fake_run()
    first = min(request.sent_ns for request in run.requests if request.phase == "repeat-1")
    assert Extent(run.manifest, [run.requests], run.samples).zero_ns == first
    assert Extent(run.manifest, [], run.samples).zero_ns == run.manifest.phases[0].start_ns


def test_of_several_points_only_the_headline_is_drawn(fake_run):
    manifest = fake_run().manifest
    manifest.points = [Point(name="c1", concurrency=1), Point(name="c2", concurrency=2)]
    manifest.phases = [Phase(name=f"{name}/repeat-1", point=name, start_ns=9 * S) for name in ("c1", "c2")]
    requests = [request(0, "c1/repeat-1"), request(1, "c2/repeat-1", 20 * S, outcome=Outcome.RESET)]
    seen = gather(manifest, "c2", requests, [])
    assert [row.index for row in seen.timeline().rows] == [1]
    assert seen.extent.zero_ns == 20 * S
    assert seen.extent.last_ns == 20 * S + 200 * MS
