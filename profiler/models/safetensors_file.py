"""Safetensors files: reading their header, and writing small ones.

Format: safetensors, README "Format": eight bytes of length, a JSON header, then the data.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

from profiler.errors import ModelError
from profiler.files import parse_json, reading

_LONGEST_HEADER_BYTES = 100_000_000  # the format's own limit
_ELEMENT_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}  # fmt: skip


class TensorInfo(NamedTuple):
    """A tensor of a file: type as the format names it, and shape, slowest dimension first."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def stored_bytes(self) -> int:
        """What it takes in a file; 0 for a type that is not known here."""
        return self.elements * _ELEMENT_BYTES.get(self.dtype, 0)


def read(path: Path) -> dict[str, TensorInfo]:
    """Return the tensors of a file by name.

    Raises ModelError where it cannot be read, is no safetensors file, or is shorter than its tensors need.
    """
    try:
        with reading(path) as file:
            return _header(path, file)
    except OSError as error:
        raise ModelError(f"The file {path} cannot be read: {error.strerror}.") from error


def _header(path: Path, file: BinaryIO) -> dict[str, TensorInfo]:
    size_bytes = path.stat().st_size
    start = file.read(8)
    (length_bytes,) = struct.unpack("<Q", start) if len(start) == 8 else (size_bytes,)
    if length_bytes > min(size_bytes - 8, _LONGEST_HEADER_BYTES):
        raise ModelError(f"The file {path} is truncated or no safetensors file. Copy or download it again.")
    try:
        rows = parse_json(file.read(length_bytes))
        rows.pop("__metadata__", None)
        found = {name: TensorInfo(row["dtype"], tuple(map(int, row["shape"]))) for name, row in rows.items()}
        end_bytes = max((int(row["data_offsets"][1]) for row in rows.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError):
        raise ModelError(f"The header of {path} is damaged. Copy or download it again.") from None
    needed_bytes = 8 + length_bytes + end_bytes
    if needed_bytes > size_bytes:
        raise ModelError(
            f"The file {path} is truncated: it has {size_bytes} bytes, and its tensors need {needed_bytes}. "
            "Copy or download it again."
        )
    return found


def write(
    file: BinaryIO, tensors: Mapping[str, TensorInfo], data: Iterable[bytes | bytearray], metadata: Mapping[str, str]
) -> None:
    """Write a whole file; `data` holds the bytes of each tensor in the order of `tensors`. Raises OSError."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    end_bytes = 0
    for name, tensor in tensors.items():
        start_bytes, end_bytes = end_bytes, end_bytes + tensor.stored_bytes
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [start_bytes, end_bytes]}
    encoded = json.dumps(header).encode("utf-8")
    encoded += b" " * (-len(encoded) % 8)
    file.write(struct.pack("<Q", len(encoded)) + encoded)
    for piece in data:
        file.write(piece)
