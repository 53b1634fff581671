"""Writes GGUF files: metadata, the table of tensors, then the weights, piece by piece.

Format: ggml, docs/gguf.md (version 3, little-endian). Nothing larger than a piece is held in memory.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

from profiler.models import ggml

Field = bytes
"""A value of the metadata as it is stored: the number of its type, then the value."""

_U32, _I32, _F32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_VERSION = 3
_ALIGNMENT_BYTES = 32


def u32(value: int) -> Field:
    """An unsigned number of 32 bits."""
    return struct.pack("<II", _U32, value)


def f32(value: float) -> Field:
    """A float of 32 bits."""
    return struct.pack("<If", _F32, value)


def boolean(value: bool) -> Field:
    """True or false."""
    return struct.pack("<I?", _BOOL, value)


def text(value: str) -> Field:
    """A text."""
    return struct.pack("<I", _STRING) + _string(value)


def texts(values: Sequence[str]) -> Field:
    """A list of texts."""
    return struct.pack("<IIQ", _ARRAY, _STRING, len(values)) + b"".join(map(_string, values))


def i32s(values: Sequence[int]) -> Field:
    """A list of signed numbers of 32 bits."""
    return struct.pack(f"<IIQ{len(values)}i", _ARRAY, _I32, len(values), *values)


def _string(value: str) -> bytes:
    encoded = value.encode("utf-8")
    return struct.pack("<Q", len(encoded)) + encoded


@dataclass(frozen=True)
class StoredTensor:
    """A row of the table of tensors."""

    name: str
    dimensions: tuple[int, ...]
    """Elements along each dimension, the one that lies together in memory first."""
    tensor_type: int

    @property
    def stored_bytes(self) -> int:
        """What it takes in the file, without padding."""
        return ggml.stored_bytes(prod(self.dimensions), self.tensor_type) or 0


def write(
    file: BinaryIO,
    metadata: Mapping[str, Field],
    tensors: Sequence[StoredTensor],
    pieces: Callable[[StoredTensor], Iterable[bytes | bytearray]],
) -> None:
    """Write a whole file; `pieces` gives the stored bytes of a tensor in order.

    Raises OSError, and ValueError where the pieces of a tensor are not as long as its type says.
    """
    head = _head(metadata, tensors)
    file.write(head + _padding(len(head)))
    for tensor in tensors:
        written_bytes = sum(file.write(piece) for piece in pieces(tensor))
        if written_bytes != tensor.stored_bytes:
            raise ValueError(f"{tensor.name} has {written_bytes} bytes, its type needs {tensor.stored_bytes}")
        file.write(_padding(written_bytes))


def size_bytes(metadata: Mapping[str, Field], tensors: Sequence[StoredTensor]) -> int:
    """Return how long the file will be."""
    return _padded(len(_head(metadata, tensors))) + sum(_padded(tensor.stored_bytes) for tensor in tensors)


def _head(metadata: Mapping[str, Field], tensors: Sequence[StoredTensor]) -> bytes:
    pairs = [_string(key) + field for key, field in metadata.items()]
    rows, offset_bytes = [], 0
    for tensor in tensors:
        count = len(tensor.dimensions)
        numbers = struct.pack(f"<I{count}QIQ", count, *tensor.dimensions, tensor.tensor_type, offset_bytes)
        rows.append(_string(tensor.name) + numbers)
        offset_bytes += _padded(tensor.stored_bytes)
    return b"GGUF" + struct.pack("<IQQ", _VERSION, len(tensors), len(metadata)) + b"".join(pairs + rows)


def _padded(length_bytes: int) -> int:
    return -(-length_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


def _padding(length_bytes: int) -> bytes:
    return bytes(_padded(length_bytes) - length_bytes)
