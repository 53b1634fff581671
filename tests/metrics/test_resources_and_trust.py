import pytest
from support.builders import MS, observed, request, workload

from profiler.aggregation.reads import Reads
from profiler.metrics.registry import NotMeasuredError
from profiler.metrics.resources import kv_cache_bytes, model_load_s, peak_rss_bytes, server_cpu_cores
from profiler.metrics.trust import (
    client_busiest_cpu_cores,
    client_cpu_cores,
    clock_offset_width_us,
    coalesced_read_ratio,
    connect_ms,
    error_ratio,
    late_coalesced_read_ratio,
    prompt_length_gap_ratio,
    read_lag_us,
    send_lag_ms,
    token_mismatch_ratio,
    tokens_beyond_limit_ratio,
    tokens_per_read,
)
from profiler.results.records import Outcome, Sample


def sample(t_ms: int, cores: float | None, rss: int | None) -> Sample:
    return Sample(
        t_ns=t_ms * MS,
        server_cpu_cores=cores,
        server_rss_bytes=rss,
        host_cpu_ratio=0.5,
        host_steal_ratio=0.0,
        client_cpu_cores=0.01,
    )


def test_loading_is_the_start_phase() -> None:
    assert model_load_s(observed([request()])) == 2  # 1 s to 3 s


def test_memory_is_the_peak_and_processors_the_steady_mean() -> None:
    # The steady window is 0–30 ms: the samples at 10 and 20 ms count, the one at 500 ms does not.
    samples = [sample(10, 2.0, 100), sample(20, 1.0, 300), sample(500, 0.0, 200), sample(25, None, None)]
    seen = observed([request()], samples=samples)
    assert peak_rss_bytes(seen) == 300
    assert server_cpu_cores(seen) == 1.5


def test_without_samples_nothing_is_claimed() -> None:
    for measure in (peak_rss_bytes, server_cpu_cores):
        with pytest.raises(NotMeasuredError):
            measure(observed([request()]))


def test_the_kv_cache_of_a_model_that_keeps_less_than_all_tokens_is_not_told() -> None:
    seen = observed([request()])
    seen.manifest.model.kv_cache_saving = "some of its layers keep a window of the context only"
    with pytest.raises(NotMeasuredError, match="takes less than all tokens would: some of its layers keep a window"):
        kv_cache_bytes(seen)


def test_errors_are_a_share_of_measured_requests() -> None:
    requests = [request(0), request(1, outcome=Outcome.STALLED), request(2, phase="warmup", outcome=Outcome.RESET)]
    assert error_ratio(observed(requests)) == 0.5
    with pytest.raises(NotMeasuredError):
        error_ratio(observed([]))


def test_a_server_that_goes_on_beyond_the_limit_is_named() -> None:
    requests = [request(0, server_tokens=10), request(1, sent_ms=40, server_tokens=None), request(2, sent_ms=80)]
    for asked, one in zip((4, 2, 64), requests, strict=True):  # by 6 of 10, by 1 of 3, and by none of 3
        one.asked_tokens = asked
    requests[0].reasoning_tokens = 2  # which may be without a limit
    assert tokens_beyond_limit_ratio(observed(requests)) == (4 + 1) / (10 + 3 + 3)


def test_trust_numbers() -> None:
    requests = [
        request(0, tokens=(1, 2, 1), server_tokens=4, lag_us=20),  # one of three reads is coalesced
        request(1, sent_ms=40, server_tokens=2, lag_us=20),  # three events with text, two tokens
        request(2, sent_ms=80, server_tokens=None),
        request(3, sent_ms=120, server_tokens=4, lag_us=20),  # three seen, four made: the last had no text
    ]
    seen = observed(requests)
    assert coalesced_read_ratio(seen) == pytest.approx(1 / 12)
    assert late_coalesced_read_ratio(seen) == 0
    assert tokens_per_read(seen) == pytest.approx((4 + 2 + 3 + 4) / 12)
    assert token_mismatch_ratio(seen) == 1 / 10  # one token is missing of ten
    assert list(read_lag_us(Reads.of(requests[:1])).values) == [20, 20, 20]
    assert send_lag_ms(requests[0]) == 1
    assert clock_offset_width_us(seen) == 0.1
    assert client_cpu_cores(seen) == 0.01  # 10 ms of processor time in a phase of 1 s
    assert client_busiest_cpu_cores(seen) == 0.01  # one worker, whose time is not written apart
    seen.manifest.phases[-1].client_busiest_cpu_ns = 8 * MS
    assert client_busiest_cpu_cores(seen) == 0.008


@pytest.mark.parametrize(("lag_us", "late"), [(900.0, 0.0), (1100.0, 1 / 3), (20.0, 0.0)])
def test_a_client_that_reads_late_may_have_merged_tokens_itself(lag_us: float, late: float) -> None:
    # 20 ms between the first read and the last, in which two tokens came: late is more than a tenth of 10 ms
    assert late_coalesced_read_ratio(observed([request(tokens=(2, 1, 1), lag_us=lag_us)])) == pytest.approx(late)


def test_the_tokens_of_one_event_arrive_together_however_late_they_are_seen() -> None:
    stream = request(tokens=(4, 4, 1), lag_us=5_000)
    stream.read_events = [1, 2, 1]
    assert late_coalesced_read_ratio(observed([stream])) == pytest.approx(1 / 3)


def test_however_fast_tokens_come_a_client_within_200_us_is_not_late() -> None:
    fast = request(arrivals_ms=(10.0, 10.1, 10.2), tokens=(2, 2, 2), lag_us=150)
    assert late_coalesced_read_ratio(observed([fast])) == 0


@pytest.mark.parametrize(
    ("prompts", "counted", "reported", "gap"),
    [
        ({"source": "synthetic", "tokens": 50}, 50, 80, 0.6),
        ({"source": "synthetic", "tokens": 50}, None, 80, 0.6),
        ({"source": "data", "file": "my.jsonl"}, 50, 80, 0.0),  # a chat template adds what it needs
        ({"source": "data", "file": "my.jsonl"}, 50, 40, 0.2),  # the server has not read all of it
    ],
)
def test_only_a_length_that_was_asked_for_can_be_exceeded(
    prompts: dict[str, object], counted: int | None, reported: int, gap: float
) -> None:
    one = request(prompt_tokens=counted)
    one.prompt_tokens_server = reported
    seen = observed([one])
    seen.manifest.workload = workload(prompts=prompts)
    assert prompt_length_gap_ratio(seen) == pytest.approx(gap)


def test_the_length_of_a_prompt_behind_a_context_is_not_that_of_the_workload() -> None:
    one = request(prompt_tokens=None)
    one.prompt_tokens_server = 4_150
    seen = observed([one])
    seen.manifest.workload = workload(prompts={"source": "synthetic", "tokens": 50, "depth": 4_096})
    with pytest.raises(NotMeasuredError, match="not counted"):
        prompt_length_gap_ratio(seen)


def test_a_server_that_counts_nothing_cannot_disagree() -> None:
    with pytest.raises(NotMeasuredError):
        token_mismatch_ratio(observed([request(server_tokens=None)]))


def test_a_full_queue_of_connections_is_no_lag_of_the_client() -> None:
    """Due at 0, it begins to connect 2 ms later and is sent when the server accepts, after 1,000 ms more."""
    record = request(sent_ms=1002.0)
    record.scheduled_ns, record.connect_began_ns = 0, 2 * MS
    assert send_lag_ms(record) == 2.0
    assert connect_ms(record) == 1000.0
    assert record.begun_ns == 2 * MS  # its slot is busy while it waits
    assert record.ended_ns - record.begun_ns == (1000 + 30) * MS


def test_a_request_that_was_sent_again_began_with_the_first_time() -> None:
    record = request(sent_ms=10.0)
    record.scheduled_ns, record.first_sent_ns, record.connect_began_ns = 0, 1 * MS, 4 * MS
    assert send_lag_ms(record) == 1.0
    assert connect_ms(record) == 6.0


def test_on_an_open_connection_there_is_no_time_to_connect() -> None:
    with pytest.raises(NotMeasuredError, match="open connection"):
        connect_ms(request())
