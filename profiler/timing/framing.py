"""HTTP/1.1 responses and server-sent events, as pure functions of bytes (RFC 9112; WHATWG HTML §9.2)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

HEAD_END = b"\r\n\r\n"
MAX_HEAD_BYTES = 65_536
_SIZE = re.compile(rb"0*[0-9A-Fa-f]{1,16}")
_SHORTEST_LAST_CHUNK = len(b"0\r\n\r\n")


class FramingError(ValueError):
    """The bytes are not an HTTP/1.1 response."""


class Head(NamedTuple):
    """Status line and headers of a response."""

    status: int
    is_chunked: bool
    content_length: int | None  # None: the body ends with the connection
    keeps_alive: bool
    body_start: int  # offset of the body's first byte


def parse_head(raw: bytes) -> Head | None:
    """Read the head of a response; `None` while it is incomplete. Raises `FramingError`."""
    end = raw.find(HEAD_END)
    if end < 0:
        if not b"HTTP/1.".startswith(raw[:7]) or len(raw) > MAX_HEAD_BYTES:
            raise FramingError(f"the answer does not begin like HTTP/1.1: {raw[:40]!r}")
        return None
    status_line, *lines = raw[:end].split(b"\r\n")
    parts = status_line.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
        raise FramingError(f"the answer does not begin like HTTP/1.1: {status_line[:40]!r}")
    headers = dict(_header(line) for line in lines)
    status = int(parts[1])
    return Head(
        status=status,
        is_chunked=b"chunked" in headers.get(b"transfer-encoding", b"").lower(),
        content_length=_content_length(headers, status),
        keeps_alive=parts[0] == b"HTTP/1.1" and headers.get(b"connection", b"").lower() != b"close",
        body_start=end + len(HEAD_END),
    )


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, separator, value = line.partition(b":")
    if not separator:
        raise FramingError(f"a header line without a colon: {line[:40]!r}")
    return name.strip().lower(), value.strip()


def _content_length(headers: dict[bytes, bytes], status: int) -> int | None:
    value = headers.get(b"content-length")
    if value is None:
        return 0 if status in {204, 304} else None
    if not value.isdigit():
        raise FramingError(f"content-length is not a number: {value[:40]!r}")
    return int(value)


class Slice(NamedTuple):
    """A stretch of body bytes within the raw response."""

    raw_start: int
    raw_end: int


def chunks(raw: bytes, start: int) -> Iterator[Slice]:
    """Yield each complete chunk of a chunked body; an empty slice is the last. Raises `FramingError`."""
    while (line_end := raw.find(b"\r\n", start)) >= 0:
        size_text = raw[start:line_end].split(b";", 1)[0].strip()
        if not _SIZE.fullmatch(size_text):  # `int` takes signs, underscores and 0x, too
            raise FramingError(f"a chunk size that is not hexadecimal: {size_text[:40]!r}")
        size = int(size_text, 16)
        data_start = line_end + 2
        if size == 0:
            if _trailers_are_complete(raw, data_start):
                yield Slice(data_start, data_start)
            return
        data_end = data_start + size
        if len(raw) < data_end + 2:
            return
        if raw[data_end : data_end + 2] != b"\r\n":
            raise FramingError(f"a chunk of {size} bytes that does not end where it says")
        yield Slice(data_start, data_end)
        start = data_end + 2


def _trailers_are_complete(raw: bytes, start: int) -> bool:
    return raw.startswith(b"\r\n", start) or raw.find(HEAD_END, start) >= 0


class EndFinder:
    """Tells when a response is complete, at next to no cost per read.

    Only a read that could hold the last chunk (it ends an empty line and has a line that begins with
    0, or is too short to tell) makes it walk the chunks; so the usual read costs one comparison, and
    a payload that merely looks like the end is not mistaken for it.
    """

    def __init__(self) -> None:
        """Begin before the first byte."""
        self.head: Head | None = None
        self._raw = b""
        self._received = 0

    def feed(self, data: bytes, reads: list[bytes]) -> bool:
        """Take the newest read and all reads so far; return whether the response is complete."""
        self._received += len(data)
        if self.head is None:
            self._raw += data
            self.head = parse_head(self._raw)
            if self.head is None:
                return False
            return self._is_complete(reads)
        if self.head.is_chunked:
            is_candidate = (data.endswith(HEAD_END) and b"\n0" in data) or len(data) < _SHORTEST_LAST_CHUNK
            is_candidate = is_candidate or data.startswith(b"0")
            return is_candidate and self._is_complete(reads)
        return self._is_complete(reads)

    def _is_complete(self, reads: list[bytes]) -> bool:
        head = self.head
        assert head is not None  # noqa: S101 - callers check it
        if head.is_chunked:
            last = None
            for last in chunks(b"".join(reads), head.body_start):  # noqa: B007 - the last one is wanted
                pass
            return last is not None and last.raw_start == last.raw_end
        if head.content_length is None:
            return False
        return self._received >= head.body_start + head.content_length


class Event(NamedTuple):
    """The data of one server-sent event and where its last line ended in the body."""

    data: bytes
    end: int


def events(body: bytes) -> Iterator[Event]:
    """Yield the events of a stream; comments and fields other than `data` are passed over.

    An event that the stream's end cuts off is not yielded, but one whose data line is whole and only
    lacks the empty line behind it is: some servers close the connection there.
    """
    data_lines: list[bytes] = []
    end = position = 0
    for line in body.splitlines(keepends=True):
        position += len(line)
        text = line.rstrip(b"\r\n")
        if not text:
            if data_lines:
                yield Event(b"\n".join(data_lines), end)
                data_lines = []
        elif text.startswith(b"data:") and text != line:
            data_lines.append(text[5:].removeprefix(b" "))
            end = position
    if data_lines:
        yield Event(b"\n".join(data_lines), end)
