"""The header of a GGUF file: metadata and the table of tensors, without the weights.

Format: ggml, docs/gguf.md (versions 2 and 3, little-endian). Read in one pass with the standard library
alone; the big arrays that nobody asks for (merges, scores) are skipped.
"""

import os
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

from profiler.errors import ModelError
from profiler.models import ggml

Value = int | float | bool | str | list["Value"]

_SCALARS = {
    kind: struct.Struct("<" + code)
    for kind, code in {
        0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"
    }.items()
}  # fmt: skip
_U32, _U64 = _SCALARS[4], _SCALARS[10]
_STRING, _ARRAY = 8, 9

_WANTED_ARRAYS = {"tokenizer.ggml.tokens", "general.languages", "general.tags"}

# What no model comes near, so that a header of lies costs neither time nor memory: the largest vocabularies have
# 262,144 tokens with twice as many merges, the largest models some ten thousand tensors.
_LONGEST_STRING_BYTES = 16 * 1024 * 1024
_MOST_STRING_BYTES = 128 * 1024 * 1024
_MOST_PAIRS = 1 << 14
_MOST_TENSORS = 1 << 17
_MOST_ITEMS = 1 << 21
_LONGEST_DIMENSION = 1 << 40
_MOST_DIMENSIONS = 8
_DEEPEST_ARRAY = 4
_DEFAULT_ALIGNMENT_BYTES = 32

_AGAIN = "Copy or download it again."


@dataclass(frozen=True)
class TensorInfo:
    """A row of the table of tensors."""

    name: str
    dimensions: tuple[int, ...]
    """Elements along each dimension, the one that lies together in memory first."""
    tensor_type: int
    offset_bytes: int
    """From the start of the tensor data."""

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.dimensions)

    @property
    def stored_bytes(self) -> int:
        """What it takes in the file; 0 for a type that is not known here."""
        return ggml.stored_bytes(self.elements, self.tensor_type) or 0


@dataclass(frozen=True)
class Header:
    """What a GGUF file says of itself."""

    size_bytes: int
    metadata: dict[str, Value]
    """Arrays only where they are wanted: tokens, languages, tags."""
    tensors: list[TensorInfo]


class _DamageError(Exception):
    """The bytes are not what the format says; the message goes on after the file's name."""


def read(path: Path) -> Header:
    """Return the header of the GGUF file at `path`.

    Raises ModelError where it is missing, not a file, not GGUF, or shorter than its tensors need.
    """
    try:
        if not path.is_file():
            raise ModelError(_not_a_file(path))
        with path.open("rb") as file:
            return _Reader(file).header()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror}.") from error
    except _DamageError as damage:
        raise ModelError(f"The model file {path} {damage}") from None


def _not_a_file(path: Path) -> str:
    if path.is_dir():
        return f"The model path {path} is a folder; name the .gguf file inside it."
    if path.exists():
        return f"The model path {path} is not a regular file; name a .gguf file."
    return f"There is no model file {path}. Check the path, or leave --model out for a synthetic model."


class _Reader:
    """Reads one file from its start; raises _DamageError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size_bytes = os.fstat(file.fileno()).st_size
        self._items_left = _MOST_ITEMS
        self._string_bytes_left = _MOST_STRING_BYTES

    def header(self) -> Header:
        self._check_preamble()
        tensor_count, pair_count = self._u64(), self._u64()
        metadata: dict[str, Value] = {}
        self._check_count("tensors", tensor_count, _MOST_TENSORS)
        self._check_count("pairs of metadata", pair_count, _MOST_PAIRS)
        for _ in range(pair_count):
            self._read_pair(metadata)
        tensors = [self._tensor() for _ in range(tensor_count)]
        self._check_extent(tensors, metadata.get("general.alignment", _DEFAULT_ALIGNMENT_BYTES))
        return Header(self._size_bytes, metadata, tensors)

    def _check_count(self, what: str, count: int, most: int) -> None:
        if count > most:
            raise _DamageError(f"is damaged: its header tells of {count} {what}; expected at most {most}. {_AGAIN}")

    def _check_preamble(self) -> None:
        if self._size_bytes == 0:
            raise _DamageError(f"is empty. {_AGAIN}")
        magic = self._file.read(4)
        if magic != b"GGUF":
            raise _DamageError(
                f"is not a GGUF file: it begins with {magic!r}, expected b'GGUF'. "
                "Convert the model to GGUF, or name another file."
            )
        version = self._u32()
        if version not in {2, 3}:
            raise _DamageError(
                f"has the GGUF version {version}; expected 2 or 3, little-endian. "
                "Convert the model again with a current llama.cpp."
            )

    def _read_pair(self, metadata: dict[str, Value]) -> None:
        key, kind = self._name("a key"), self._u32()
        if kind == _ARRAY and key not in _WANTED_ARRAYS:
            self._skip_array()
        else:
            metadata[key] = self._value(kind)

    def _tensor(self) -> TensorInfo:
        name, dimensions = self._name("a tensor"), self._u32()
        if dimensions > _MOST_DIMENSIONS:
            raise _DamageError(f"is damaged: a tensor in it has {dimensions} dimensions. {_AGAIN}")
        lengths = tuple(self._u64() for _ in range(dimensions))
        self._check_count("weights in a row", max(lengths, default=0), _LONGEST_DIMENSION)
        return TensorInfo(name, lengths, tensor_type=self._u32(), offset_bytes=self._u64())

    def _check_extent(self, tensors: list[TensorInfo], alignment_bytes: Value) -> None:
        """Compare where the last tensor ends with the size of the file."""
        if not isinstance(alignment_bytes, int) or alignment_bytes < 1:
            raise _DamageError(f"is damaged: its alignment is {alignment_bytes!r}. {_AGAIN}")
        start_bytes = -(-self._file.tell() // alignment_bytes) * alignment_bytes
        ends = (start_bytes + tensor.offset_bytes + tensor.stored_bytes for tensor in tensors)
        needed_bytes = max(ends, default=0)
        if needed_bytes > self._size_bytes:
            raise _DamageError(
                f"is truncated: it has {self._size_bytes} bytes, and its tensors need {needed_bytes}. {_AGAIN}"
            )

    def _value(self, kind: int, depth: int = 0) -> Value:
        if kind == _STRING:
            return self._string()
        if kind in _SCALARS:
            value: Value = _SCALARS[kind].unpack(self._bytes(_SCALARS[kind].size))[0]
            return value
        if kind != _ARRAY or depth >= _DEEPEST_ARRAY:
            raise _DamageError(f"is damaged: its header holds a value of the unknown type {kind}. {_AGAIN}")
        item_kind, length = self._u32(), self._items()
        return [self._value(item_kind, depth + 1) for _ in range(length)]

    def _skip_array(self) -> None:
        kind = self._u32()
        if kind in _SCALARS:
            self._skip(self._u64() * _SCALARS[kind].size)
            return
        for _ in range(self._items()):
            if kind == _STRING:
                self._skip(self._u64())
            else:
                self._value(kind, depth=1)

    def _items(self) -> int:
        """Return the length of an array that is read item by item."""
        length = self._u64()
        self._check_count("items in arrays", length, self._items_left)
        self._items_left -= length
        return length

    def _name(self, what: str) -> str:
        name = self._string()
        if not name:
            raise _DamageError(f"is damaged: {what} in its header has no name. {_AGAIN}")
        return name

    def _string(self) -> str:
        piece = self._bytes(self._u64())
        self._check_count("bytes of text", len(piece), self._string_bytes_left)
        self._string_bytes_left -= len(piece)
        return piece.decode("utf-8", "replace")

    def _u32(self) -> int:
        return int(_U32.unpack(self._bytes(4))[0])

    def _u64(self) -> int:
        return int(_U64.unpack(self._bytes(8))[0])

    def _bytes(self, count: int) -> bytes:
        if count > _LONGEST_STRING_BYTES:
            raise _DamageError(f"is damaged: its header holds a text of {count} bytes. {_AGAIN}")
        piece = self._file.read(count)
        if len(piece) < count:
            raise self._cut_short()
        return piece

    def _skip(self, count: int) -> None:
        if count > self._size_bytes - self._file.tell():
            raise self._cut_short()
        self._file.seek(count, os.SEEK_CUR)

    def _cut_short(self) -> _DamageError:
        return _DamageError(f"is truncated: it ends inside its header, after {self._size_bytes} bytes. {_AGAIN}")
