"""An open loop that a server keeps up with, and one that it does not."""

import pytest
from support.builders import manifest, request, workload

from profiler.aggregation.observations import Observations
from profiler.metrics.load import unserved_arrivals_ratio
from profiler.metrics.registry import NotMeasuredError
from profiler.metrics.throughput import output_tokens_per_s, requests_per_s
from profiler.results.points import points_of
from profiler.results.records import Outcome, RequestRecord
from profiler.summaries.collect import Collected
from profiler.summaries.summarize import summarize_points
from profiler.verdict.judge import judge_point
from profiler.verdict.setup import Setup


def arrivals(service_ms: float, count: int = 200, every_ms: float = 10.0) -> list[RequestRecord]:
    """A server with one slot: each request takes so long, once those before it are done."""
    records, free_ms = [], 0.0
    for i in range(count):
        sent_ms = i * every_ms
        free_ms = max(free_ms, sent_ms) + service_ms
        records.append(request(i, sent_ms=sent_ms, arrivals_ms=(free_ms - sent_ms,), tokens=(1,), server_tokens=1))
    return sorted(records, key=lambda record: record.finished_ns)


def observed(records: list[RequestRecord]) -> Observations:
    run = manifest()
    run.workload = workload(load={"shape": "open-loop", "rate_rps": 100.0})
    return Collected(run, records, [], []).point(points_of(run)[0])


def test_a_server_that_keeps_up_has_no_growing_queue() -> None:
    assert unserved_arrivals_ratio(observed(arrivals(service_ms=9.0))).range.low == 0.0


def test_a_server_that_does_not_keep_up() -> None:
    # 100 arrive a second and 50 are served. Of the first 20 arrivals the last waits 20 · 20 − 190 = 210 ms, so the
    # window opens at 210 ms with 21 sent and 10 served: 11 in flight. It closes at the last arrival, 1,990 ms, with 199
    # sent before it and 99 served: 100 in flight. Of 178 arrivals 89 were not served; by chance 2 √111 = 21 could be.
    found = unserved_arrivals_ratio(observed(arrivals(service_ms=20.0)))
    assert found.range.low == pytest.approx((89 - 21.07) / 178, abs=0.01)
    assert found.note == "100 requests/s arrived, 50.0 requests/s finished, and requests in flight went from 11 to 100"


def test_a_rate_is_what_ended_in_a_time_also_where_one_request_takes_longer_than_the_window() -> None:
    # 60 arrivals, one every 10 ms, take 30 ms each, but for one that takes 10 s. The window lasts from 30 ms to the
    # last arrival at 590 ms: 56 are sent, and one more is in flight at its end, so 55 ended in 0.56 s, 3 tokens each.
    requests = [request(i, sent_ms=10 * i, arrivals_ms=(10, 20, 10_000 if i == 40 else 30)) for i in range(60)]
    seen = observed(sorted(requests, key=lambda record: record.finished_ns))
    assert requests_per_s(seen) == pytest.approx(55 / 0.56)
    assert output_tokens_per_s(seen) == pytest.approx(3 * 55 / 0.56)
    requests[41].outcome = Outcome.TIMEOUT  # it ended as well, and brought nothing
    seen = observed(sorted(requests, key=lambda record: record.finished_ns))
    assert output_tokens_per_s(seen) == pytest.approx(3 * 55 / 0.56 * 55 / 56)


def test_a_rate_of_a_server_that_does_not_keep_up_is_what_it_gets_done() -> None:
    # 89 of 178 requests end in 1.78 s, see above.
    assert requests_per_s(observed(arrivals(service_ms=20.0))) == pytest.approx(50.0)


def test_a_few_more_in_flight_at_the_end_are_chance() -> None:
    # 12 ms each: 83 of 100 a second; of 40 arrivals some 6 more are in flight at the end, less than 2 √8.
    assert unserved_arrivals_ratio(observed(arrivals(service_ms=12.0, count=40))).range.low < 0.1


def test_a_closed_loop_has_no_arrivals() -> None:
    run = manifest()
    seen = Collected(run, [request()], [], []).point(points_of(run)[0])
    with pytest.raises(NotMeasuredError, match="open loop"):
        unserved_arrivals_ratio(seen)


def test_it_is_a_result_of_the_server_and_no_invalid_measurement() -> None:
    run = manifest()
    run.workload = workload(load={"shape": "open-loop", "rate_rps": 100.0})
    (point,) = summarize_points(run, arrivals(service_ms=20.0), [], [])
    (found,) = [one for one in judge_point("complete", point, Setup()).findings if one.rule == "server-overloaded"]
    assert found.level == "VALID with warnings"
    assert "100 requests/s arrived, 50.0 requests/s finished" in found.sentence
