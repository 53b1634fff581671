"""Bodies that a server has compressed unasked, read so that its words can be shown (RFC 9110 §8.4.1)."""

import zlib

_EITHER_WRAPPING = zlib.MAX_WBITS | 32  # of gzip or of zlib, which is what `deflate` means
_READABLE = frozenset({"gzip", "x-gzip", "deflate"})


def decoded(body: bytes, coding: str, most_bytes: int) -> bytes | None:
    """Return the first bytes of a body as they were before compression; `None` where that cannot be read."""
    if not coding or coding == "identity":
        return body[:most_bytes]
    if coding not in _READABLE:
        return None
    try:
        return zlib.decompressobj(_EITHER_WRAPPING).decompress(body, most_bytes)
    except zlib.error:
        return None
