import json
import struct
from pathlib import Path

import pytest

from profiler.errors import ModelError
from profiler.models import safetensors_file
from profiler.models.safetensors_file import TensorInfo

TENSORS = {"a": TensorInfo("F16", (2, 3)), "b": TensorInfo("F32", (4,))}


def written(folder: Path) -> Path:
    path = folder / "weights.safetensors"
    with path.open("wb") as file:
        safetensors_file.write(file, TENSORS, [bytes(12), bytes(16)], {"format": "pt"})
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert safetensors_file.read(path) == TENSORS
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert length % 8 == 0
    assert len(data) == 8 + length + 28
    assert json.loads(data[8 : 8 + length])["b"] == {"dtype": "F32", "shape": [4], "data_offsets": [12, 28]}


def test_a_file_cut_anywhere_is_truncated(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="truncated"):
            safetensors_file.read(path)


@pytest.mark.parametrize("header", [b"{", b"[]", b'{"a": 1}', b'{"a": {"dtype": "F16"}}', b'{"a": {"shape": "x"}}'])
def test_a_damaged_header_is_named(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(ModelError, match=r"header of .* is damaged"):
        safetensors_file.read(path)
    with pytest.raises(ModelError, match="cannot be read"):
        safetensors_file.read(tmp_path / "none")
