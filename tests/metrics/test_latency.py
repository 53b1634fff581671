import pytest
from support.builders import request

from profiler.aggregation.reads import Reads
from profiler.aggregation.request import contradictory_tokens, output_tokens, prompt_tokens
from profiler.metrics.latency import (
    decode_tokens_per_s,
    e2e_from_scheduled_ms,
    e2e_ms,
    itl_ms,
    prefill_tokens_per_s,
    tpot_ms,
    ttft_from_scheduled_ms,
    ttft_ms,
)
from profiler.metrics.registry import NotMeasuredError


def test_a_stream_of_three_tokens() -> None:
    stream = request(arrivals_ms=(10, 20, 40), prompt_tokens=8)
    assert ttft_ms(stream) == 10
    assert list(itl_ms(Reads.of([stream])).values) == [10, 20]
    assert e2e_ms(stream) == 40
    assert tpot_ms(stream) == 15  # (40 − 10) / (3 − 1)
    assert decode_tokens_per_s(stream) == pytest.approx(2 / 0.030)
    assert prefill_tokens_per_s(stream) == 800  # 8 tokens in 10 ms


def test_reads_without_tokens_do_not_count() -> None:
    # Headers at 1 ms, two tokens at 10 and 30 ms, the end of the stream at 31 ms.
    stream = request(arrivals_ms=(1, 10, 30, 31), tokens=(0, 1, 1, 0))
    assert (ttft_ms(stream), e2e_ms(stream), list(itl_ms(Reads.of([stream])).values)) == (10, 30, [20])


def test_coalesced_tokens_make_one_gap_but_count_in_tpot() -> None:
    # One token at 10 ms, three together at 40 ms: one gap of 30 ms, and 30 ms / 3 tokens.
    stream = request(arrivals_ms=(10, 40), tokens=(1, 3))
    assert list(itl_ms(Reads.of([stream])).values) == [30]
    assert tpot_ms(stream) == 10


def test_tokens_of_the_first_read_took_no_time_after_it() -> None:
    # Four at 10 ms, four at 50 ms: 40 ms for the second four. With / (completion tokens - 1) it would be 5.7.
    stream = request(arrivals_ms=(10, 50), tokens=(4, 4))
    assert tpot_ms(stream) == 10
    assert decode_tokens_per_s(stream) == 100


def test_the_servers_count_goes_before_ours() -> None:
    # Four events, of which the server says that they were twelve tokens: three each, and nine in the last 90 ms.
    stream = request(arrivals_ms=(10, 40, 70, 100), server_tokens=12)
    assert output_tokens(stream) == 12
    assert tpot_ms(stream) == 10


def test_reasoning_that_is_not_streamed_makes_no_token_faster() -> None:
    # 108 tokens made, 100 of them hidden: eight arrive, 10 ms apart
    stream = request(arrivals_ms=[500.0 + 10 * i for i in range(8)], server_tokens=108)
    stream.hidden_tokens = 100
    assert output_tokens(stream) == 108
    assert tpot_ms(stream) == pytest.approx(10)


def test_a_negative_count_says_nothing() -> None:
    stream = request(server_tokens=-1)
    stream.prompt_tokens_server = -5
    assert (output_tokens(stream), prompt_tokens(stream), tpot_ms(stream)) == (3, 8, 10)


def test_the_first_read_has_its_estimated_part_where_only_the_sum_is_told() -> None:
    # Speculative decoding begins with one token: nine tokens in three events, of which the first brought 1.6.
    stream = request(arrivals_ms=(10, 40, 84), server_tokens=9)
    stream.first_read_tokens = 1.6
    assert tpot_ms(stream) == pytest.approx(74 / 7.4)


@pytest.mark.parametrize(
    ("told", "asked", "hidden", "wrong"),
    [
        (None, 3, 0, 0),
        (3, 3, 0, 0),
        (12, 64, 0, 0),  # four tokens an event
        (4, 64, 0, 0),  # the end of the sequence has no text
        (30, 8, 0, 22),  # more than were asked for: ten for each event
        (3, 2, 0, 0),  # it does not keep to the limit, and shows what it made
        (4, 2, 0, 1),
        (2, 64, 0, 1),  # fewer than events with text
        (103, 200, 100, 0),
        (102, 200, 100, 1),
        (30, None, 0, 0),  # a run folder that does not know what was asked for
    ],
)
def test_counts_that_cannot_be_right(told: int | None, asked: int | None, hidden: int, wrong: int) -> None:
    stream = request(arrivals_ms=(10, 20, 30), server_tokens=told)
    stream.asked_tokens, stream.hidden_tokens = asked, hidden
    assert contradictory_tokens(stream) == wrong


@pytest.mark.parametrize("arrivals_ms", [(10,), (10, 10)])
def test_speed_needs_two_moments(arrivals_ms: tuple[float, ...]) -> None:
    with pytest.raises(NotMeasuredError):
        tpot_ms(request(arrivals_ms=arrivals_ms))


def test_a_first_token_at_the_moment_of_sending_has_no_speed_of_prefill() -> None:
    with pytest.raises(NotMeasuredError, match="moment of sending"):
        prefill_tokens_per_s(request(arrivals_ms=(0, 10)))


def test_prefill_speed_needs_the_length_of_the_prompt() -> None:
    with pytest.raises(NotMeasuredError, match="length of the prompt"):
        prefill_tokens_per_s(request(prompt_tokens=None))


def test_waiting_to_be_sent_counts_from_the_schedule() -> None:
    stream = request(arrivals_ms=(10, 20, 40))  # due 1 ms before it was sent
    assert (ttft_from_scheduled_ms(stream), e2e_from_scheduled_ms(stream)) == (11, 41)


def test_an_answer_without_tokens_is_there_with_its_last_byte() -> None:
    embedding = request(arrivals_ms=(9, 10), tokens=(0, 0), prompt_tokens=8)
    assert e2e_ms(embedding) == 10
    assert prefill_tokens_per_s(embedding) == 800
    assert list(itl_ms(Reads.of([embedding])).values) == []
    for metric in (ttft_ms, ttft_from_scheduled_ms, tpot_ms, decode_tokens_per_s):
        with pytest.raises(NotMeasuredError, match="tokens"):
            metric(embedding)
