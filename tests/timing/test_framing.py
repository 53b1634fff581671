import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.timing.framing import EndFinder, FramingError, chunks, events, parse_head

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
        b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000,
    ],
)
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    with pytest.raises(FramingError):
        parse_head(raw)


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
