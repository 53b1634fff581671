import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.timing.framing import (
    MAX_RESPONSE_BYTES,
    ChunkWalker,
    EndFinder,
    FramingError,
    ResponseTooLongError,
    chunks,
    events,
    most_response_bytes,
    parse_head,
)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def completion_read(reads: list[bytes]) -> int | None:
    """Return the number of reads after which the response was complete."""
    finder = EndFinder()
    for count in range(1, len(reads) + 1):
        if finder.feed(reads[count - 1], reads[:count]):
            return count
    return None


def test_a_head_is_read() -> None:
    head = parse_head(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
    assert head is not None
    assert (head.status, head.content_length, head.is_chunked, head.keeps_alive) == (404, 3, False, False)
    assert head.body_start == 64


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",  # Python refuses over 4,300 digits
        b"HTTP/1.1 " + b"2" * 5000 + b" OK\r\n\r\n",
        b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3000,
        b"HTTP/1.1 100 Continue\r\n\r\nSSH-2.0",
    ],
)
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    with pytest.raises(FramingError):
        parse_head(raw)


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints\r\nLink: </x>; rel=preload"])
def test_interim_responses_are_passed_over(interim: bytes) -> None:
    before = b"HTTP/1.1 " + interim + b"\r\n\r\n"
    head = parse_head(before * 2 + CHUNKED)
    assert head is not None
    assert (head.status, head.is_chunked, head.body_start) == (200, True, 2 * len(before) + len(CHUNKED))
    assert parse_head(before) is None
    assert completion_read([before, CHUNKED, b"0\r\n\r\n"]) == 3


def test_a_switch_of_protocols_is_no_interim_response() -> None:
    head = parse_head(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
    assert head is not None
    assert head.status == 101


def test_headers_have_any_case_and_may_be_folded_repeated_or_end_in_a_bare_newline() -> None:
    head = parse_head(
        b"HTTP/1.1 200\nTRANSFER-ENCODING:\tChunked \nX-A: one\n two\nConnection: Keep-Alive\nconnection: X, Close\n\n"
    )
    assert head is not None
    assert (head.status, head.is_chunked, head.keeps_alive) == (200, True, False)
    twice = parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\ncontent-length: 7, 7\r\n\r\n")
    assert twice is not None
    assert twice.content_length == 7


def test_chunks_go_before_a_length_and_only_as_the_last_coding() -> None:
    both = parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n")
    packed = parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    other = parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n")
    assert both is not None
    assert packed is not None
    assert other is not None
    assert (both.is_chunked, both.content_length) == (True, None)
    assert (packed.is_chunked, packed.encoding) == (True, "gzip")
    assert (other.is_chunked, other.content_length) == (False, None)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_parsers_fail_otherwise(raw: bytes) -> None:
    for data in (raw, b"HTTP/1.1 " + raw, CHUNKED + raw):
        try:
            head = parse_head(data)
            if head is not None:
                list(chunks(data, head.body_start))
        except FramingError:
            pass
    list(events(raw))


@pytest.mark.parametrize("size", [b"-11", b"+5", b"0x5", b"5_0", b"", b" ", b"zz", b"5g", b"1" * 17])
def test_a_chunk_size_is_hexadecimal_digits_and_nothing_else(size: bytes) -> None:
    raw = CHUNKED + b"5\r\nhello\r\n" + size + b"\r\n" + b"x" * 80 + b"\r\n"
    with pytest.raises(FramingError):
        list(chunks(raw, len(CHUNKED)))


def test_the_end_is_found_wherever_the_reads_are_cut() -> None:
    whole = CHUNKED + chunk(b"data: a\n\n") + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    for first in range(1, len(whole)):
        for second in range(first + 1, len(whole), 5):
            reads = [whole[:first], whole[first:second], whole[second:]]
            assert completion_read(reads) == 3, reads
    assert completion_read([whole]) == 1
    assert completion_read([whole[i : i + 1] for i in range(len(whole))]) == len(whole)


def test_a_last_chunk_with_extension_and_trailers_is_an_end() -> None:
    assert completion_read([CHUNKED, chunk(b"x"), b"0;a=b\r\nX-Checksum: 1\r\n\r\n"]) == 3


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"00000000\r\n\r\n", b"0 ; a=b\r\nX-Sum: 1\r\nY: }\r\n\r\n", b"0\n\n"])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_every_form_of_the_end_is_found_wherever_it_is_cut(end: bytes, line_end: bytes) -> None:
    whole = CHUNKED + b"000a" + line_end + b"data: {}\n\n" + line_end + end
    for first in range(1, len(whole)):
        assert completion_read([whole[:first], whole[first:]]) == 2, first
        assert completion_read([whole[:first], whole[first : first + 1], whole[first + 1 :]]) in (2, 3), first
    assert completion_read([whole[i : i + 1] for i in range(len(whole))]) == len(whole)


FRAGMENTS = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"0",
        b"5",
        b"a",
        b";x=y",
        b"-1",
        b"0x5",
        b"hello",
        b"0\r\n\r\n",
        b"X: y\r\n",
        b"}\n\n\r\n",
    ),
    *(chunk(b"data: {}\n\n"), chunk(b"data: [DONE]\n\n"), b"d\r\n", b"}\r\n\r\n\r\n", b"HTTP/1.1 103 x\r\n\r\n"),
    *(b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 9\r\n", CHUNKED),
]


def end_of(reads: list[bytes]) -> str:
    finder = EndFinder()
    try:
        for count in range(1, len(reads) + 1):
            if finder.feed(reads[count - 1], reads[:count]):
                return "complete"
        return "complete" if finder.catch_up(reads) else "open"
    except FramingError:
        return "malformed"


@given(
    begin=st.sampled_from([CHUNKED, b"HTTP/1.1 ", b""]),
    pieces=st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=9)), min_size=1, max_size=14),
    cuts=st.lists(st.integers(1, 400), max_size=8),
)
def test_wherever_bytes_are_cut_they_mean_the_same(begin: bytes, pieces: list[bytes], cuts: list[int]) -> None:
    raw = begin + b"".join(pieces)
    points = sorted({cut for cut in cuts if cut < len(raw)})
    reads = [raw[start:end] for start, end in zip([0, *points], [*points, len(raw)], strict=True)]
    assert end_of([read for read in reads if read] or [b"x"]) == end_of([raw or b"x"])


@pytest.mark.parametrize("form", ["padded sizes", "three writes", "one byte a write"])
def test_the_work_grows_with_the_bytes_whatever_the_writes_look_like(form: str) -> None:
    def walk(count: int) -> float:
        reads = [CHUNKED]
        for _ in range(count):
            if form == "padded sizes":
                reads.append(b"%08x\r\n%s\r\n" % (9, b"data: x\n\n"))
            elif form == "three writes":
                reads += [b"9\r\n", b"data: x\n\n", b"\r\n"]
            else:
                reads += [bytes([byte]) for byte in chunk(b"data: x\n\n")]
        finder, seen = EndFinder(), list[bytes]()
        start_s = time.process_time()
        for read in reads:
            seen.append(read)
            assert not finder.feed(read, seen)
        return time.process_time() - start_s

    # Ten times as many take about ten times as long; were each read a walk through all, it would be a hundred times.
    few_s = min(walk(300) for _ in range(5))
    assert walk(3000) < 40 * few_s + 0.02


def test_a_response_without_end_is_too_long() -> None:
    finder, reads = EndFinder(), [CHUNKED + b"ffffffffff\r\n"]
    assert not finder.feed(reads[0], reads)
    with pytest.raises(ResponseTooLongError, match="over 64 MiB"):
        for _ in range(MAX_RESPONSE_BYTES // 16_384 + 1):
            reads.append(b"x" * 16_384)
            finder.feed(reads[-1], reads)


@pytest.mark.parametrize(("tokens", "mebibytes"), [(0, 4), (64, 5), (4096, 64), (10**6, 64)])
def test_a_response_may_have_16_kib_a_token(tokens: int, mebibytes: int) -> None:
    assert most_response_bytes(tokens) == mebibytes << 20


def test_lines_between_chunks_are_bounded() -> None:
    with pytest.raises(FramingError, match="a line of over"):
        ChunkWalker().feed(b"5;" + b"a" * 20_000)
    trailers = ChunkWalker()
    trailers.feed(b"0\r\n")
    with pytest.raises(FramingError, match="trailers"):
        for _ in range(7000):
            trailers.feed(b"X-Name: a\r\n")


@pytest.mark.parametrize("text", [b"data: [DONE]\n\n", b"data:[DONE]\r\n\r\n", b"data: [DONE] \r\r"])
def test_done_is_seen_wherever_it_is_cut(text: bytes) -> None:
    for begin in (CHUNKED, b"HTTP/1.1 200 OK\r\n\r\n"):
        whole = (begin + chunk(b"data: {}\n\n") + chunk(text)) if begin is CHUNKED else begin + b"data: {}\n\n" + text
        for cut in range(1, len(whole)):
            finder = EndFinder()
            finder.feed(whole[:cut], [whole[:cut]])
            finder.feed(whole[cut:], [whole[:cut], whole[cut:]])
            assert finder.done_reads([whole[:cut], whole[cut:]]) in (1, 2), cut  # 1 where its line end is already there


def test_a_token_that_reads_done_is_not_the_end() -> None:
    finder = EndFinder()
    reads = [CHUNKED, chunk(b'data: {"choices":[{"text":"\\ndata: [DONE]\\n"}]}\n\n')]
    assert not any(finder.feed(read, reads[: count + 1]) for count, read in enumerate(reads))
    assert finder.done_reads(reads) is None


def test_a_payload_that_looks_like_the_end_is_not_mistaken_for_it() -> None:
    trap = chunk(b": ping - 12:00:00.000000\r\n0\r\n\r\n")
    assert completion_read([CHUNKED, trap, trap]) is None
    assert completion_read([CHUNKED, trap, trap, b"0\r\n\r\n"]) == 4


def test_a_body_of_known_length_ends_there() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    assert completion_read([head, b"ab", b"cd"]) == 3
    assert completion_read([head + b"abcd"]) == 1


def test_a_body_without_length_ends_with_the_connection() -> None:
    assert completion_read([b"HTTP/1.1 200 OK\r\n\r\n", b"data: a\n\n"]) is None


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_events_are_read_with_every_line_end(newline: bytes) -> None:
    body = newline.join([b": comment", b"event: x", b"data: one", b"", b"data:two", b"data: three", b"", b""])
    assert [event.data for event in events(body)] == [b"one", b"two\nthree"]


def test_an_event_ends_with_its_data_line() -> None:
    (event,) = events(b"data: abc\n\n")
    assert event.end == len(b"data: abc\n")


def test_a_data_line_that_is_cut_off_is_no_event() -> None:
    assert [event.data for event in events(b"data: a\n\ndata: {half")] == [b"a"]


def test_types_errors_and_marks_of_byte_order_are_read() -> None:
    body = b"\xef\xbb\xbfid: 1\nretry: 5\nevent: error\ndata: x\n\ndata: y\n\nerror: z\n\n"
    assert [(event.kind, event.data) for event in events(body)] == [(b"error", b"x"), (b"", b"y"), (b"error", b"z")]


def test_an_event_knows_its_lines() -> None:
    assert [event.lines for event in events(b"data: a\ndata: b\n\ndata: c\n\n")] == [2, 1]
