import gzip
import json
import struct
import zlib

import pytest

from profiler.results.records import Outcome, RequestRecord
from profiler.timing.interpret import to_record
from profiler.timing.messages import Exchange

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WALL_AHEAD_NS = 1_000_000_000_000


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def token(text: str, **choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"text": text, **choice}]}).encode() + b"\n\n"


def timespec(monotonic_ns: int) -> bytes:
    return struct.pack("@qq", *divmod(monotonic_ns + WALL_AHEAD_NS, 10**9))


def exchange(
    reads: list[bytes],
    kernel_ns: list[int | None] | None = None,
    ending: str = "ok",
    drift_ns: int = 0,
    sent_ns: int | None = None,
) -> Exchange:
    """A request sent at 1,000 ns; its reads were seen at 2,000, 3,000, … and stamped by the kernel as given."""
    stamps = kernel_ns or [None] * len(reads)
    return Exchange(
        index=0,
        phase="repeat-1",
        ending=ending,
        detail=None,
        scheduled_ns=900,
        sent_user_ns=1_000,
        send_call_ns=5,
        send_stamp=b"" if sent_ns is None else timespec(sent_ns),
        finished_user_ns=9_000,
        user_ns=[2_000 + 1_000 * i for i in range(len(reads))],
        kernel_stamp=[b"" if t is None else timespec(t) for t in stamps],
        data=reads,
        offset_first=(900, WALL_AHEAD_NS, 40),
        offset_last=(9_000, WALL_AHEAD_NS + drift_ns, 60),
    )


def test_tokens_are_attributed_to_the_read_that_completes_their_event() -> None:
    first, second = chunk(token("a")), chunk(token("b", finish_reason="length"))
    # Read 1: head and half of the first token; read 2: the other half; read 3: both the second token and the end.
    record = to_record(exchange([HEAD + first[:20], first[20:], second + b"0\r\n\r\n"]), 2, 3)
    assert record.outcome is Outcome.OK
    assert record.read_tokens == [0, 1, 1]
    assert record.read_offset_ns == [1_000, 2_000, 3_000]
    assert record.finish_reason == "length"
    assert (record.completion_tokens, record.completion_tokens_server, record.prompt_tokens) == (2, 2, 3)


def test_several_tokens_in_one_read_are_counted_there() -> None:
    record = to_record(exchange([HEAD, chunk(token("a") + token("b")) + chunk(token("c")), b"0\r\n\r\n"]), 3, None)
    assert record.read_tokens == [0, 3, 0]


def test_an_event_across_two_chunks_counts_with_the_second() -> None:
    event = token("a")
    record = to_record(exchange([HEAD + chunk(event[:10]), chunk(event[10:]), b"0\r\n\r\n"]), 1, None)
    assert record.read_tokens == [0, 1, 0]


def test_kernel_stamps_become_monotonic_and_the_lag_is_kept() -> None:
    # Kernel: 1,400 and 2,700 on the monotonic scale; seen at 2,000 and 3,000: lags of 600 and 300.
    record = to_record(exchange([HEAD + chunk(token("a")), b"0\r\n\r\n"], kernel_ns=[1_400, 2_700]), 1, None)
    assert record.stamp_source == "kernel"
    assert record.read_offset_ns == [400, 1_700]
    assert record.read_lag_ns == [600, 300]
    assert record.clock_offset_width_ns == 60


def test_without_kernel_stamps_our_own_stand_in() -> None:
    record = to_record(exchange([HEAD + chunk(token("a")), b"0\r\n\r\n"], kernel_ns=[1_400, None]), 1, None)
    assert record.stamp_source == "mixed"
    assert record.read_offset_ns == [400, 2_000]
    assert record.read_lag_ns == [600, None]
    assert to_record(exchange([HEAD]), 1, None).stamp_source == "user"


def test_the_kernels_word_on_sending_goes_before_ours() -> None:
    # Left at 950 by the kernel; our call returned at 1,000, when the first token (at 1,400) was already close.
    record = to_record(exchange([HEAD + chunk(token("a"))], kernel_ns=[1_400], sent_ns=950), 1, None)
    assert (record.sent_ns, record.sent_stamp_source) == (950, "kernel")
    assert record.read_offset_ns == [450]
    assert to_record(exchange([HEAD]), 1, None).sent_stamp_source == "user"


def test_a_wall_clock_that_was_stepped_voids_the_kernel_stamps() -> None:
    record = to_record(
        exchange([HEAD + chunk(token("a"))], kernel_ns=[1_400], drift_ns=5_000_000, sent_ns=950), 1, None
    )
    assert record.stamp_source == "user"
    assert record.read_offset_ns == [1_000]
    assert record.clock_offset_drift_ns == 5_000_000


def test_the_role_event_is_no_token_and_reasoning_is() -> None:
    events = [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {"role": "assistant"}}]},
        {"choices": [{"delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"content": "a"}}]},
        {"choices": [{"delta": {"content": None, "tool_calls": [{"index": 0}]}}]},
        {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
    ]
    reads = [HEAD] + [chunk(b"data: " + json.dumps(event).encode() + b"\n\n") for event in events] + [b"0\r\n\r\n"]
    record = to_record(exchange(reads), 99, None)
    assert record.read_tokens == [0, 0, 0, 1, 1, 1, 0, 0]
    assert (record.prompt_tokens_server, record.completion_tokens_server) == (7, 3)


def test_tokens_without_text_count_where_the_server_counts_along() -> None:
    # A role, a token, half a character, its other half with one more token, and a special token at the end.
    counted = [(0, "", None), (1, "a", None), (2, "", None), (4, "é", None), (5, "", "length")]
    events = [
        {"choices": [{"text": text, "finish_reason": reason}], "usage": {"prompt_tokens": 7, "completion_tokens": n}}
        for n, text, reason in counted
    ]
    events.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}})
    reads = [HEAD] + [chunk(b"data: " + json.dumps(event).encode() + b"\n\n") for event in events] + [b"0\r\n\r\n"]
    record = to_record(exchange(reads), 5, None)
    assert record.read_tokens == [0, 0, 1, 1, 2, 1, 0, 0]
    assert (record.completion_tokens, record.completion_tokens_server) == (5, 5)


def test_a_count_that_comes_only_at_the_end_does_not_stand_for_tokens_without_text() -> None:
    last = b'data: {"choices": [{"text": "b"}], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}\n\n'
    record = to_record(exchange([HEAD, chunk(token("a")), chunk(last), b"0\r\n\r\n"]), 9, None)
    assert record.read_tokens == [0, 1, 1, 0]
    assert (record.completion_tokens, record.completion_tokens_server) == (2, 9)


def test_what_came_before_a_broken_event_is_kept() -> None:
    record = to_record(exchange([HEAD + chunk(token("a")), chunk(b"data: {oops\n\n"), b"0\r\n\r\n"]), 2, None)
    assert record.outcome is Outcome.MALFORMED_SSE
    assert record.completion_tokens == 1


def test_a_stream_that_is_cut_off_keeps_its_tokens_and_its_name() -> None:
    record = to_record(exchange([HEAD + chunk(token("a"))], ending="truncated"), 2, None)
    assert record.outcome is Outcome.TRUNCATED
    assert record.completion_tokens == 1
    assert record.completion_tokens_server is None


@pytest.mark.parametrize("body", [b"\xff\xfe", b"<html>busy</html>"])
def test_an_http_error_shows_what_was_said(body: bytes) -> None:
    raw = b"HTTP/1.1 500 Oops\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    record = to_record(exchange([raw]), 2, None)
    assert record.outcome is Outcome.HTTP_ERROR
    assert record.http_status == 500
    assert (record.detail or "").startswith("HTTP 500: ")


def embedded(*reads: bytes, ending: str = "ok") -> RequestRecord:
    return to_record(exchange(list(reads), ending=ending), 0, 3)


def plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def vectors(*numbers: list[float] | None, **more: object) -> bytes:
    return json.dumps({"data": [{"embedding": vector} for vector in numbers], **more}).encode()


def test_an_embedding_has_no_tokens_and_tells_the_length_of_its_text() -> None:
    usage = {"prompt_tokens": 7, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 2}}
    raw = plain(vectors([0.5, 1, -2e-3], model="m", usage=usage))
    record = embedded(raw[:60], raw[60:])
    assert (record.outcome, record.detail) == (Outcome.OK, None)
    assert (record.completion_tokens, record.completion_tokens_server, record.read_tokens) == (0, None, [0, 0])
    assert (record.prompt_tokens, record.prompt_tokens_server, record.served_model) == (3, 7, "m")
    assert record.prompt_tokens_cached == 2
    assert record.read_offset_ns == [1_000, 2_000]


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"total_tokens": 7}, 7),  # Voyage
        ({"prompt_tokens": 0, "total_tokens": 7}, 7),
        ({"prompt_tokens": 0, "total_tokens": 0}, None),  # a gateway that does not count
        ({"prompt_tokens": 6, "total_tokens": 7}, 6),
        (None, None),
    ],
)
def test_the_length_of_a_text_is_told_or_not_known(usage: object, tokens: int | None) -> None:
    assert embedded(plain(vectors([0.5], usage=usage))).prompt_tokens_server == tokens


def test_an_embedding_may_come_in_chunks() -> None:
    body = vectors([0.5])
    assert embedded(HEAD + chunk(body[:9]), chunk(body[9:]) + b"0\r\n\r\n").outcome is Outcome.OK


@pytest.mark.parametrize(
    ("body", "outcome", "says"),
    [
        (vectors(), Outcome.NO_EMBEDDING, "expected one vector"),
        (vectors([]), Outcome.NO_EMBEDDING, "expected one vector"),
        (vectors([1.0], [2.0]), Outcome.NO_EMBEDDING, "expected one vector"),
        (b'{"data": [{"embedding": [1.0, null]}]}', Outcome.NO_EMBEDDING, "Expected `float`, got `null`"),
        # Three bytes: no number of 32 bits. Four would be one, in base64.
        (b'{"data": [{"embedding": "AAAA"}]}', Outcome.NO_EMBEDDING, "expected one vector"),
        (b'{"detail": "no such model"}', Outcome.SERVER_ERROR, "no such model"),
        (b"hello", Outcome.NO_EMBEDDING, "malformed"),
        (b'{"error": {"message": "too long"}}', Outcome.SERVER_ERROR, "too long"),
    ],
)
def test_what_is_no_embedding_is_an_error(body: bytes, outcome: Outcome, says: str) -> None:
    record = embedded(plain(body))
    assert record.outcome is outcome
    assert says in (record.detail or "")


def test_half_an_embedding_keeps_the_outcome_of_the_wire() -> None:
    assert embedded(plain(vectors([0.5]))[:-4], ending="truncated").outcome is Outcome.TRUNCATED


@pytest.mark.parametrize(
    ("said", "cached"),
    [
        ({"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}}, 4),
        ({"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"audio_tokens": 4}}}, None),
        ({"usage": {"prompt_tokens": 9, "prompt_tokens_details": None}}, None),
        ({"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5}}, 4),  # DeepSeek
        ({"usage": {"prompt_tokens": 9, "cached_tokens": 4}}, 4),  # Moonshot
        ({"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 4}}, 0),
        ({"timings": {"prompt_n": 6, "prompt_ms": 1, "predicted_n": 1, "predicted_ms": 1}}, None),  # older llama-server
        ({"timings": {"cache_n": 3, "prompt_n": 6, "prompt_ms": 1, "predicted_n": 1, "predicted_ms": 1}}, 3),
        ({}, None),
    ],
)
def test_what_the_server_says_of_its_cache_is_kept(said: dict[str, object], cached: int | None) -> None:
    last = b"data: " + json.dumps({"choices": [], **said}).encode() + b"\n\n"
    record = to_record(exchange([HEAD + chunk(token("a") + last) + b"0\r\n\r\n"]), 1, 9)
    assert (record.outcome, record.prompt_tokens_cached) == (Outcome.OK, cached)


LAST = b"0\r\n\r\n"
DONE = chunk(b"data: [DONE]\n\n")


def usage(completion: object, **more: object) -> bytes:
    said = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": completion, **more}}
    return chunk(b"data: " + json.dumps(said).encode() + b"\n\n")


def three(finish_reason: str | None = None) -> list[bytes]:
    return [HEAD, chunk(token("a")), chunk(token("b")), chunk(token("c", finish_reason=finish_reason))]


@pytest.mark.parametrize(("predicted", "told"), [(5, 5), (3, 3), (0, None)])
def test_without_usage_the_timings_of_llama_server_tell_its_count(predicted: int, told: int | None) -> None:
    timings = {"prompt_n": 6, "prompt_ms": 1, "predicted_n": predicted, "predicted_ms": 1}
    last = chunk(b"data: " + json.dumps({"choices": [], "timings": timings}).encode() + b"\n\n")
    record = to_record(exchange([*three("stop"), last, DONE, LAST]), 8, None)
    assert (record.outcome, record.completion_tokens, record.completion_tokens_server) == (Outcome.OK, 3, told)


@pytest.mark.parametrize("ending", ["ok", "truncated", "stalled", "timeout", "reset"])
def test_done_ends_a_stream_whatever_becomes_of_the_connection(ending: str) -> None:
    record = to_record(exchange([*three(), DONE], ending=ending), 8, None)
    assert (record.outcome, record.detail, record.completion_tokens) == (Outcome.OK, None, 3)


def test_a_body_that_ends_early_without_a_word_is_cut_off() -> None:
    record = to_record(exchange([*three(), LAST]), 8, None)
    assert record.outcome is Outcome.TRUNCATED
    assert "3 of at most 8 tokens without a finish reason" in (record.detail or "")


@pytest.mark.parametrize("end", [DONE, usage(3), chunk(token("", finish_reason="stop")), b""])
def test_each_sign_of_an_end_is_enough(end: bytes) -> None:
    # Without any, three tokens of three are complete.
    assert to_record(exchange([*three(), end + LAST]), 3 if not end else 8, None).outcome is Outcome.OK


def test_a_finish_reason_that_is_a_failure_is_an_error_of_the_server() -> None:
    record = to_record(exchange([*three("abort"), DONE + LAST]), 8, None)
    assert record.outcome is Outcome.SERVER_ERROR
    assert "'abort'" in (record.detail or "")
    assert (record.finish_reason, record.completion_tokens) == ("abort", 3)


def test_a_count_that_the_server_does_not_tell_is_not_invented() -> None:
    # `length` may be the limit of the context: three of eight. With three of three both agree.
    assert to_record(exchange([*three("length"), DONE + LAST]), 8, None).completion_tokens_server is None
    assert to_record(exchange([*three("length"), DONE + LAST]), 3, None).completion_tokens_server == 3
    assert to_record(exchange([*three("length"), usage(-1), DONE + LAST]), 3, None).completion_tokens_server is None


def test_a_count_of_none_beside_text_is_not_told() -> None:
    record = to_record(exchange([*three("stop"), usage(0, prompt_tokens=0), DONE + LAST]), 3, None)
    assert (record.completion_tokens, record.completion_tokens_server, record.prompt_tokens_server) == (3, None, None)


def test_the_end_of_a_sequence_is_the_token_of_the_event_that_says_so() -> None:
    reads = [*three(), chunk(token("", finish_reason="stop")), usage(4), DONE + LAST]
    record = to_record(exchange(reads), 64, None)
    assert record.read_tokens == [0, 1, 1, 1, 1, 0, 0]
    assert (record.completion_tokens, record.completion_tokens_server) == (4, 4)
    # Two more than there was text: which of the events brought two is not known.
    record = to_record(exchange([*three(), chunk(token("", finish_reason="stop")), usage(5), DONE + LAST]), 64, None)
    assert record.read_tokens == [0, 1, 1, 1, 0, 0, 0]


def test_where_events_bring_several_tokens_the_first_has_its_part_of_those_that_are_more() -> None:
    # Three events, nine tokens: six more than events, of which the first has a third, as of the text: 1 + 2.
    assert to_record(exchange([*three("length"), usage(9), DONE + LAST]), 9, None).first_read_tokens == 3
    # Speculative decoding begins with one token: 2 of 20 characters, so 1 + 0.1·6.
    reads = [HEAD, chunk(token("ab")), chunk(token("c" * 9)), chunk(token("d" * 9, finish_reason="length"))]
    assert to_record(exchange([*reads, usage(9), DONE + LAST]), 9, None).first_read_tokens == pytest.approx(1.6)
    assert to_record(exchange([*three("length"), usage(3), DONE + LAST]), 3, None).first_read_tokens is None


def test_reasoning_that_is_not_streamed_is_told_apart() -> None:
    details = {"completion_tokens_details": {"reasoning_tokens": 100}}
    record = to_record(exchange([*three("stop"), usage(103, **details), DONE + LAST]), 200, None)
    assert (record.completion_tokens, record.completion_tokens_server) == (3, 103)
    assert (record.reasoning_tokens, record.hidden_tokens) == (100, 100)
    thought = chunk(b'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n')
    record = to_record(exchange([HEAD, thought, *three("stop")[1:], usage(4, **details), DONE + LAST]), 200, None)
    assert (record.reasoning_tokens, record.hidden_tokens) == (100, 0)


def test_reasoning_that_is_counted_apart_is_no_contradiction() -> None:
    # xAI: completion tokens without those of reasoning, whether these are streamed or not.
    details = {"completion_tokens_details": {"reasoning_tokens": 2}}
    thought = chunk(b'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n')
    record = to_record(
        exchange([HEAD, thought, thought, *three("stop")[1:], usage(3, **details), DONE + LAST]), 9, None
    )
    assert (record.completion_tokens_server, record.hidden_tokens) == (5, 0)
    record = to_record(exchange([*three("stop"), usage(3, **details), DONE + LAST]), 9, None)
    assert (record.completion_tokens_server, record.hidden_tokens) == (3, 0)


def test_events_are_counted_apart_from_tokens_where_one_brings_several() -> None:
    def event(text: str, count: int) -> bytes:
        said = {"choices": [{"text": text}], "usage": {"prompt_tokens": 7, "completion_tokens": count}}
        return chunk(b"data: " + json.dumps(said).encode() + b"\n\n")

    record = to_record(exchange([HEAD, event("abcd", 4), event("e", 5) + event("f", 6), DONE + LAST]), 6, None)
    assert (record.read_tokens, record.read_events) == ([0, 4, 2, 0], [0, 1, 2, 0])
    assert to_record(exchange([*three("length"), DONE + LAST]), 3, None).read_events == []


def test_what_came_before_a_broken_chunk_is_kept() -> None:
    record = to_record(exchange([*three(), b"-11\r\n"], ending="malformed_http"), 8, None)
    assert (record.outcome, record.completion_tokens) == (Outcome.MALFORMED_HTTP, 3)
    assert "'-11'" in (record.detail or "")


def test_a_compressed_response_is_named() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
    assert "compressed (gzip)" in (to_record(exchange([raw]), 8, None).detail or "")


@pytest.mark.parametrize(
    ("coding", "body", "said"),
    [
        (b"gzip", gzip.compress(b'{"error": "boom"}', mtime=0), 'HTTP 500: {"error": "boom"}'),
        (b"deflate", zlib.compress(b"boom"), "HTTP 500: boom"),
        (b"gzip", b"boom", "HTTP 500: its words are compressed (gzip)"),
        (b"br", b"boom", "HTTP 500: its words are compressed (br)"),
        (b"identity", b"", "HTTP 500"),
    ],
)
def test_the_words_of_an_error_may_be_compressed(coding: bytes, body: bytes, said: str) -> None:
    head = b"HTTP/1.1 500 X\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    assert to_record(exchange([head + body]), 8, None).detail == said


KEY = "sk-0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 " + KEY.encode() + b" no\r\n\r\n",
        b"X" * 20 + KEY.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: " + KEY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"no colon " + KEY.encode() + b"\r\n\r\n",
        HEAD + b"5;" + KEY.encode() + b"\r\nhello" + KEY.encode() + b"\r\n\r\n",
        HEAD + KEY.encode() + b"\r\n",
        b"HTTP/1.1 401 No\r\nContent-Length: 340\r\n\r\n" + b"x" * 280 + KEY.encode() + b"y" * 20,
        HEAD + chunk(b'data: {"error":"' + b"x" * 270 + KEY.encode() + b'"}\n\n') + LAST,
        HEAD + chunk(b'data: {"choices":[{"text":"a","finish_reason":"' + KEY.encode() * 20 + b'"}]}\n\n') + LAST,
        HEAD + chunk(b'data: {"model":"' + b"m" * 290 + KEY.encode() + b'","choices":[{"text":"a"}]}\n\n') + LAST,
    ],
)
def test_a_key_that_a_server_repeats_is_hidden_before_anything_is_cut(raw: bytes) -> None:
    record = to_record(exchange([raw]), 1, None, lambda text: text.replace(KEY, "[hidden]"))
    text = f"{record.detail} {record.finish_reason} {record.served_model}"
    assert KEY[:6] not in text
    assert all(len(part or "") <= 301 for part in (record.detail, record.finish_reason, record.served_model))
