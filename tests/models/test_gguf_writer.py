import io
from pathlib import Path

import pytest
from support.extras import needed

from profiler.models import gguf_header, gguf_writer
from profiler.models.gguf_writer import StoredTensor, boolean, f32, i32s, text, texts, u32

METADATA = {
    "general.architecture": text("llama"),
    "a.number": u32(7),
    "a.ratio": f32(0.5),
    "a.flag": boolean(True),
    "tokenizer.ggml.tokens": texts(["<s>", "é"]),
    "tokenizer.ggml.token_type": i32s([3, -1]),
}
TENSORS = [StoredTensor("first", (4, 2), 0), StoredTensor("second", (32,), 8)]  # 32 bytes of F32, 34 of Q8_0


def written(folder: Path) -> Path:
    path = folder / "model.gguf"
    with path.open("wb") as file:
        gguf_writer.write(file, METADATA, TENSORS, lambda tensor: [b"x", b"y" * (tensor.stored_bytes - 1)])
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    header = gguf_header.read(written(tmp_path))
    assert header.metadata == {
        "general.architecture": "llama",
        "a.number": 7,
        "a.ratio": 0.5,
        "a.flag": True,
        "tokenizer.ggml.tokens": ["<s>", "é"],
    }
    assert [(tensor.name, tensor.dimensions, tensor.offset_bytes) for tensor in header.tensors] == [
        ("first", (4, 2), 0),
        ("second", (32,), 32),
    ]


def test_the_size_is_known_before(tmp_path: Path) -> None:
    assert gguf_writer.size_bytes(METADATA, TENSORS) == written(tmp_path).stat().st_size


def test_another_reader_finds_the_same(tmp_path: Path) -> None:
    reader = needed("gguf").GGUFReader(written(tmp_path))
    assert reader.get_field("tokenizer.ggml.token_type").contents() == [3, -1]
    assert [tensor.name for tensor in reader.tensors] == ["first", "second"]
    assert bytes(reader.tensors[1].data) == b"x" + b"y" * 33


def test_pieces_of_the_wrong_length_are_not_taken() -> None:
    with pytest.raises(ValueError, match="first has 3 bytes, its type needs 32"):
        gguf_writer.write(io.BytesIO(), METADATA, TENSORS, lambda _: [b"abc"])
