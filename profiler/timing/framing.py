"""HTTP/1.1 responses and server-sent events, as pure functions of bytes (RFC 9112; WHATWG HTML §9.2).

Every function is total: whatever the bytes, and wherever they are cut, it ends after work that grows with their number,
and the only error that it raises is `FramingError`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_HEAD_BYTES = 65_536  # of a head with the interim ones before it, and of the trailers behind a body
MAX_RESPONSE_BYTES = 64 << 20  # 268,000 tokens in events of 250 bytes
_FEWEST_RESPONSE_BYTES = 4 << 20  # of any, a vector or an error included
_TOKEN_BYTES = 16 << 10  # a token in an event of its own, with everything that a server may add to it
_MAX_LINE_BYTES = 16_384  # a chunk size and its extensions
_SHOWN_BYTES = 8192  # quoted in an error: enough for a key to be found and hidden before the text is cut
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.(\d) +([1-9]\d\d)(?: .*)?", re.DOTALL)
_NUMBER = re.compile(rb"0*\d{1,18}")
_SIZE_LINE = re.compile(rb"0*([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")  # `int` would take signs, _ and 0x
_DONE_LINE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\] *[\r\n]")
_DONE_LINE_BYTES = len(b"\ndata: [DONE]    \n")
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL = 200
_WITHOUT_BODY = {204, 205, 304}


def most_response_bytes(tokens: int) -> int:
    """Return how long a response to a request for so many tokens may be: far longer than any is."""
    return min(MAX_RESPONSE_BYTES, _FEWEST_RESPONSE_BYTES + tokens * _TOKEN_BYTES)


class FramingError(ValueError):
    """The bytes are not an HTTP/1.1 response."""


class ResponseTooLongError(FramingError):
    """The response is longer than anything that was asked for."""


class Head(NamedTuple):
    """Status line and headers of a response."""

    status: int
    is_chunked: bool
    content_length: int | None  # None: the body ends with the connection
    keeps_alive: bool
    encoding: str  # of the content, where it is compressed; else empty
    body_start: int  # offset of the body's first byte


class HeadReader:
    """Reads the head of a response that arrives in pieces; it looks for its end in each byte once.

    Interim responses before it (status 1xx, RFC 9110 §15.2) are passed over. A line may end without its CR (RFC 9112
    §2.2).
    """

    def __init__(self) -> None:
        """Begin before the first byte."""
        self._raw = bytearray()
        self._start = 0  # of the head, behind interim ones
        self._searched = 0

    def feed(self, data: bytes) -> Head | None:
        """Take the next piece; return the head once it is complete. Raises `FramingError`."""
        self._raw += data
        while (end := _HEAD_END.search(self._raw, max(self._start, self._searched - 3))) is not None:
            if end.end() > MAX_HEAD_BYTES:
                break
            head = _head(bytes(self._raw[self._start : end.start()]), end.end())
            if head.status >= _FIRST_FINAL or head.status == _SWITCHING_PROTOCOLS:
                return head
            self._start = self._searched = end.end()
        self._searched = len(self._raw)
        begin = bytes(self._raw[self._start : self._start + _SHOWN_BYTES])
        if not b"HTTP/1.".startswith(begin[:7]) or self._searched > MAX_HEAD_BYTES:
            raise FramingError(f"the response does not begin like HTTP/1.1: {_quoted(begin)}")
        return None


def parse_head(raw: bytes) -> Head | None:
    """Read the head of a response; `None` while it is incomplete. Raises `FramingError`."""
    return HeadReader().feed(raw)


def _head(raw: bytes, body_start: int) -> Head:
    status_line, *lines = _LINE_END.split(raw)
    found = _STATUS_LINE.fullmatch(status_line)
    if found is None:
        raise FramingError(f"the response does not begin like HTTP/1.1: {_quoted(status_line)}")
    minor, status = int(found[1]), int(found[2])
    headers = _headers(lines)
    codings = _listed(headers, b"transfer-encoding")
    is_chunked = codings[-1:] == [b"chunked"]
    encodings = [*codings[: -1 if is_chunked else None], *_listed(headers, b"content-encoding")]
    return Head(
        status=status,
        is_chunked=is_chunked and status not in _WITHOUT_BODY,
        content_length=None if codings and status not in _WITHOUT_BODY else _content_length(headers, status),
        keeps_alive=minor > 0 and b"close" not in _listed(headers, b"connection"),
        encoding=b", ".join(name for name in encodings if name != b"identity").decode("latin-1"),
        body_start=body_start,
    )


def _headers(lines: list[bytes]) -> dict[bytes, list[bytes]]:
    """Return the values of each header, by its name in small letters; a folded line goes on with the one before."""
    headers: dict[bytes, list[bytes]] = {}
    values: list[bytes] = []
    for line in lines:
        name, separator, value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and values:
            values[-1] += b" " + line.strip()
        elif not separator:
            raise FramingError(f"a header line without a colon: {_quoted(line)}")
        else:
            values = headers.setdefault(name.strip().lower(), [])
            values.append(value.strip())
    return headers


def _listed(headers: dict[bytes, list[bytes]], name: bytes) -> list[bytes]:
    """Return the elements of a comma-separated header, in small letters."""
    elements = b",".join(headers.get(name, ())).lower().split(b",")
    return [element.strip() for element in elements if element.strip()]


def _content_length(headers: dict[bytes, list[bytes]], status: int) -> int | None:
    if status in _WITHOUT_BODY:
        return 0
    values = set(_listed(headers, b"content-length"))
    if not values:
        return None
    value = values.pop()
    if values or not _NUMBER.fullmatch(value):
        raise FramingError(f"content-length is not a number: {_quoted(value)}")
    return int(value)


def _quoted(raw: bytes) -> str:
    """Show bytes as text, with nothing escaped that a key may hold, so that one is found and hidden."""
    text = raw[:_SHOWN_BYTES].decode("utf-8", "replace")
    return "'" + "".join(c if c.isprintable() else " " for c in text) + "'"


class Slice(NamedTuple):
    """A stretch of body bytes within the raw response."""

    raw_start: int
    raw_end: int


class ChunkWalker:
    """Goes through a chunked body piece by piece (RFC 9112 §7.1); it looks at each byte once."""

    def __init__(self) -> None:
        """Begin before the first chunk."""
        self.is_complete = False
        self._left = 0  # bytes of the current chunk that are still to come
        self._line = b""  # the beginning of a line whose end is still to come
        self._is_after_data = False  # what comes next is the line end behind a chunk
        self._trailer_bytes: int | None = None  # None before the last chunk

    @property
    def is_within_line(self) -> bool:
        """Whether the next byte may end the body, or a line that says how it goes on."""
        return bool(self._line) or self._trailer_bytes is not None

    @property
    def _is_before_size(self) -> bool:
        return not (self._left or self._line or self._is_after_data) and self._trailer_bytes is None

    def feed(self, data: bytes, at: int = 0, found: list[Slice] | None = None) -> list[Slice]:
        """Take the next piece, from an offset on; return which stretches of it are body. Raises `FramingError`.

        With `found` they are put there, so that those before an error are known.
        """
        found = [] if found is None else found
        size = len(data)
        while at < size and not self.is_complete:
            if self._is_before_size:
                at = _whole_chunks(data, at, found)
                if at == size:
                    break
            if self._left:
                end = min(size, at + self._left)
                found.append(Slice(at, end))
                self._left -= end - at
                at = end
                if data.startswith(b"\r\n", at) and not self._left:
                    self._is_after_data = False
                    at += 2
                continue
            newline = data.find(b"\n", at)
            end = newline + 1 or size
            line = self._line + data[at:end] if self._line else data[at:end]
            at = end
            if len(line) > _MAX_LINE_BYTES:
                raise FramingError(f"a line of over {_MAX_LINE_BYTES} bytes between chunks: {_quoted(line)}")
            if newline < 0:
                self._line = line
            else:
                self._line = b""
                self._take(line)
        return found

    def _take(self, line: bytes) -> None:
        """Read a whole line: the end of a chunk, the size of the next, or a trailer."""
        if self._is_after_data:
            if line not in (b"\r\n", b"\n"):
                raise FramingError(f"a chunk that does not end where it says: {_quoted(line)}")
            self._is_after_data = False
        elif self._trailer_bytes is None:
            self._left = _size(line)
            self._is_after_data = bool(self._left)
            self._trailer_bytes = None if self._left else 0
        elif line in (b"\r\n", b"\n"):
            self.is_complete = True
        else:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MAX_HEAD_BYTES:
                raise FramingError(f"trailers of over {MAX_HEAD_BYTES} bytes behind the body")


def _whole_chunks(data: bytes, at: int, found: list[Slice]) -> int:
    """Find the chunks that are whole from an offset on, in the usual form; return where the first other line begins."""
    while (newline := data.find(b"\n", at, at + _MAX_LINE_BYTES)) >= 0:
        start = newline + 1
        end = start + _size(data[at:start])
        if end == start or not data.startswith(b"\r\n", end):
            break
        found.append(Slice(start, end))
        at = end + 2
    return at


@lru_cache(maxsize=4096)  # a stream has few sizes, over and over
def _size(line: bytes) -> int:
    found = _SIZE_LINE.fullmatch(line)
    if found is None:
        raise FramingError(f"a chunk size that is not hexadecimal: {_quoted(line.rstrip())}")
    return int(found[1], 16)


def chunks(raw: bytes, start: int) -> list[Slice]:
    """Return the stretches of body within a response that is chunked from an offset on. Raises `FramingError`."""
    return ChunkWalker().feed(raw, start)


# How a read ends that brings a whole event in a whole chunk and nothing behind it, as nearly all do.
_USUAL_ENDS = (b"}\n\n\r\n", b"}\r\n\r\n\r\n")


class EndFinder:
    """Tells when a response is complete, at next to no cost per read.

    A read that ends with an event's JSON, or in the middle of a line, cannot end a chunked body: one or two
    comparisons. Every other one makes the walker go through the reads that it has not seen yet, so the work grows with
    the bytes whatever the reads look like, and a payload that merely looks like the end is not mistaken for it.
    """

    def __init__(self) -> None:
        """Begin before the first byte."""
        self.head: Head | None = None
        self.most_bytes = MAX_RESPONSE_BYTES
        self._head_reader = HeadReader()
        self._received = 0
        self._walker = ChunkWalker()
        self._walked = 0  # reads that the walker has gone through
        self._passed_over: tuple[bytes, ...] = ()  # ends of reads that need not be looked at
        self._body_at = (0, 0)  # the read in which the body begins, and where in it
        self._done_reads: int | None = None
        self._searched = 0  # reads that were looked at for `[DONE]`
        self._tail = b""  # the last bytes of those

    def feed(self, data: bytes, reads: list[bytes]) -> bool:
        """Take the newest read and all reads so far; return whether the response is complete. Raises `FramingError`."""
        self._received += len(data)
        if self._received > self.most_bytes:
            raise ResponseTooLongError(f"a response of over {self.most_bytes >> 20} MiB")
        if data.endswith(self._passed_over):
            return False
        head = self.head
        if head is None:
            return self._read_head(data, reads)
        if head.is_chunked:
            return data.endswith(b"\n") and self._walk(reads)
        return self._has_all_of(head)

    def catch_up(self, reads: list[bytes]) -> bool:
        """Look at the reads that were passed over; return whether the response is complete. Raises `FramingError`."""
        is_behind = self.head is not None and self.head.is_chunked and self._walked < len(reads)
        return self._walk(reads) if is_behind else self._walker.is_complete

    def _read_head(self, data: bytes, reads: list[bytes]) -> bool:
        before = self._received - len(data)
        head = self.head = self._head_reader.feed(data)
        self._walked = len(reads)
        if head is None:
            return False
        self._body_at = (len(reads) - 1, head.body_start - before)
        return self._walk_piece(data[head.body_start - before :]) if head.is_chunked else self._has_all_of(head)

    def _walk(self, reads: list[bytes]) -> bool:
        pending = reads[self._walked :]
        self._walked = len(reads)
        return self._walk_piece(pending[0] if len(pending) == 1 else b"".join(pending))

    def _walk_piece(self, piece: bytes) -> bool:
        self._walker.feed(piece)
        self._passed_over = () if self._walker.is_within_line else _USUAL_ENDS
        return self._walker.is_complete

    def _has_all_of(self, head: Head) -> bool:
        return head.content_length is not None and self._received >= head.body_start + head.content_length

    def done_reads(self, reads: list[bytes]) -> int | None:
        """Return how many reads there are up to the one in which the stream said `[DONE]`; `None` if it has not.

        Only asked for where a stream goes on without an end, so it costs others nothing. Each read is searched once.
        JSON cannot hold that line, for it escapes line ends.
        """
        first, start = self._body_at
        if self.head is None or self._done_reads is not None:
            return self._done_reads
        for number in range(max(self._searched, first), len(reads)):
            seen = self._tail + (reads[number][start:] if number == first else reads[number])
            if b"[DONE]" in seen and _DONE_LINE.search(seen):
                self._done_reads = number + 1
                break
            self._tail = seen[-_DONE_LINE_BYTES:]
        self._searched = len(reads)
        return self._done_reads


class Event(NamedTuple):
    """The data of one server-sent event and where its last line ended in the body."""

    data: bytes
    end: int
    kind: bytes = b""  # what its `event:` line says, if it has one; `error` for a line `error: …`
    lines: int = 1  # lines of data


def events(body: bytes) -> Iterator[Event]:
    """Yield the events of a stream that carry data; comments and fields that no client knows are passed over.

    An event that the stream's end cuts off is not yielded, but one whose data line is whole and only
    lacks the empty line behind it is: some servers close the connection there.
    """
    data_lines: list[bytes] = []
    kind = b""
    position = len(_BOM) if body.startswith(_BOM) else 0
    end = position
    for line in body[position:].splitlines(keepends=True):
        position += len(line)
        text = line.rstrip(b"\r\n")
        if not text:
            if data_lines:
                yield _event(data_lines, end, kind)
                data_lines = []
            kind = b""
        elif text == line:
            break  # cut off
        elif text.startswith(b"data:"):
            data_lines.append(text[5:].removeprefix(b" "))
            end = position
        elif text.startswith(b"event:"):
            kind = text[6:].strip()
        elif text.startswith(b"error:"):
            yield Event(text[6:].strip(), position, b"error")
    if data_lines:
        yield _event(data_lines, end, kind)


def _event(lines: list[bytes], end: int, kind: bytes) -> Event:
    return Event(b"\n".join(lines) if len(lines) > 1 else lines[0], end, kind, len(lines))


_BOM = "\ufeff".encode()
