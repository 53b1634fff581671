"""The response to a request for an embedding: one JSON object with one vector."""

import base64
import binascii
from struct import unpack
from typing import Any, NamedTuple

import msgspec

from profiler.timing.error_forms import is_error, says_error
from profiler.timing.stream import DECODING_ERRORS, ServerSaidError, read_json, shown
from profiler.timing.usage import Usage, count_of, read_usage, text_of

_F32_BYTES = 4


class _Vector(msgspec.Struct):
    embedding: list[float] | str  # numbers, or f32 in base64


class _Embeddings(msgspec.Struct):
    data: list[_Vector] | None = None
    usage: Any = None
    error: Any = None
    model: Any = None


_decode_embeddings = msgspec.json.Decoder(_Embeddings).decode


class NoEmbeddingError(ValueError):
    """A response that is not one vector of numbers."""


class Embedding(NamedTuple):
    """What a response tells beside its vector."""

    usage: Usage
    model: str | None


def read_embedding(body: bytes) -> Embedding:
    """Read a complete body. Raises `ServerSaidError`, `NoEmbeddingError`."""
    found = _one_vector(body)
    return Embedding(_usage(found.usage), text_of(found.model))


def _usage(said: object) -> Usage:
    """Return what was counted; Voyage tells the sum alone, which of a text without an answer is that of the text."""
    usage = read_usage(said) or Usage()
    if usage.prompt_tokens is None and isinstance(said, dict):
        usage.prompt_tokens = count_of(said.get("total_tokens")) or None
    return usage


def read_vector(body: bytes) -> list[float]:
    """Return the numbers of a complete body's vector. Raises `ServerSaidError`, `NoEmbeddingError`."""
    vectors = _one_vector(body).data or []
    return _numbers(vectors[0].embedding)


def _one_vector(body: bytes) -> _Embeddings:
    try:
        found: _Embeddings = _decode_embeddings(body)
    except DECODING_ERRORS as error:
        raise NoEmbeddingError(f"{error}: {shown(body)}") from error
    vectors = found.data or []
    if is_error(found.error) or (not vectors and _says_error(body)):
        raise ServerSaidError(shown(body))
    if len(vectors) != 1 or not _numbers(vectors[0].embedding):
        raise NoEmbeddingError(f"expected one vector: {shown(body)}")
    return found


def _says_error(body: bytes) -> bool:
    try:
        said = read_json(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and says_error(said)


def _numbers(vector: list[float] | str) -> list[float]:
    """Return the numbers, written out or f32 in base64, which some servers send unasked; none where it is neither."""
    if isinstance(vector, list):
        return vector
    try:
        packed = base64.b64decode(vector, validate=True)
    except (binascii.Error, ValueError):
        return []
    return list(unpack(f"<{len(packed) // _F32_BYTES}f", packed)) if len(packed) % _F32_BYTES == 0 else []
