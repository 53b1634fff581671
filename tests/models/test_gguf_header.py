import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import gguf_bytes as g
from support.extras import needed

from profiler.errors import ModelError
from profiler.models import gguf_header

VALID = g.file(
    [
        g.string_pair("general.architecture", "llama"),
        g.number_pair("llama.block_count", 2),
        g.pair("a.flag", g.BOOL, b"\x01"),
        g.pair("a.ratio", g.F32, struct.pack("<f", 0.5)),
        g.texts_pair("tokenizer.ggml.tokens", ["<s>", "x", "é"]),
        g.texts_pair("tokenizer.ggml.merges", ["a b", "c d"]),
        g.pair("tokenizer.ggml.scores", g.ARRAY, struct.pack("<IQ3f", g.F32, 3, 1, 2, 3)),
        g.pair("a.nested", g.ARRAY, struct.pack("<IQIQI", g.ARRAY, 1, g.U32, 1, 7)),
    ],
    [g.tensor("first", (4, 2), 0, 0), g.tensor("second", (32,), 8, 32)],
    data_bytes=66,  # 32 bytes of F32 and a Q8_0 block of 34
)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(data)
    return path


def complaint(folder: Path, data: bytes) -> str:
    path = written(folder, data)
    with pytest.raises(ModelError) as caught:
        gguf_header.read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_metadata_and_tensors_are_read(tmp_path: Path) -> None:
    header = gguf_header.read(written(tmp_path, VALID))
    assert header.metadata == {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "a.flag": True,
        "a.ratio": 0.5,
        "tokenizer.ggml.tokens": ["<s>", "x", "é"],
    }
    assert [(tensor.name, tensor.elements, tensor.stored_bytes) for tensor in header.tensors] == [
        ("first", 8, 32),
        ("second", 32, 34),
    ]
    assert header.size_bytes == len(VALID)


def test_a_version_2_file_is_read(tmp_path: Path) -> None:
    assert gguf_header.read(written(tmp_path, g.file([], [], 0, version=2))).tensors == []


def test_a_tensor_of_an_unknown_type_is_passed_over(tmp_path: Path) -> None:
    (tensor,) = gguf_header.read(written(tmp_path, g.file([], [g.tensor("new", (5,), 200, 0)], 8))).tensors
    assert tensor.stored_bytes == 0


def test_a_file_cut_anywhere_is_truncated(tmp_path: Path) -> None:
    for length in range(len(VALID)):
        sentence = complaint(tmp_path, VALID[:length])
        assert any(word in sentence for word in ("is truncated", "is empty", "is not a GGUF file"))
        assert sentence.endswith(("again.", "another file."))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", r"begins with b'PK\x03\x04', expected b'GGUF'"),
        (g.file([], [], 0, version=1), "GGUF version 1; expected 2 or 3"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "little-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 0), "tells of 9223372036854775808 tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63), "tells of 9223372036854775808 pairs"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "a text of 4611686018427387904 bytes"),
        (g.file([g.pair("a", 77, b"")], [], 0), "unknown type 77"),
        (g.file([g.pair("a", g.ARRAY, struct.pack("<IQ", g.U64, 2**61))], [], 0), "is truncated"),
        (g.file([g.pair("a", g.ARRAY, struct.pack("<IQ", g.ARRAY, 1) * 50)], [], 0), "unknown type 9"),
        (g.file([], [g.tensor("t", (1,) * 9, 0, 0)], 0), "9 dimensions"),
        (g.file([], [g.tensor("t", (2**40, 2**40), 0, 0)], 64), "its tensors need"),
        (g.file([], [g.tensor("t", (4,), 0, 2**40)], 64), "its tensors need"),
        (g.file([g.number_pair("general.alignment", 0)], [], 0), "its alignment is 0"),
        (g.file([g.string_pair("general.alignment", "x")], [], 0), "its alignment is 'x'"),
    ],
)
def test_damage_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    assert says in complaint(tmp_path, data)


@given(st.binary(max_size=200), st.integers(0, len(VALID)))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int) -> None:
    folder = tmp_path_factory.mktemp("any")
    for damaged in (b"GGUF" + data, VALID[:at] + data + VALID[at + len(data) :]):
        try:
            gguf_header.read(written(folder, damaged))
        except ModelError:
            continue


def test_what_is_not_a_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, says in [
        (tmp_path / "none.gguf", "There is no model file"),
        (tmp_path, "is a folder; name the .gguf file"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ]:
        with pytest.raises(ModelError, match=says):
            gguf_header.read(path)


def test_it_agrees_with_the_reader_of_gguf(tiny: Path) -> None:
    header, theirs = gguf_header.read(tiny), needed("gguf").GGUFReader(tiny)
    assert [(tensor.name, tensor.elements, tensor.stored_bytes) for tensor in header.tensors] == [
        (tensor.name, tensor.n_elements, tensor.n_bytes) for tensor in theirs.tensors
    ]
    for key, value in header.metadata.items():
        assert theirs.fields[key].contents() == value


_START = b"GGUF" + struct.pack("<I", 3)
_HUGE = 1 << 60


def _array(key: str, kind: int, length: int, then: bytes = b"") -> bytes:
    return g.text(key) + struct.pack("<IIQ", g.ARRAY, kind, length) + then


@pytest.mark.parametrize(
    ("after_version", "says"),
    [
        (struct.pack("<QQ", _HUGE, 0), f"tells of {_HUGE} tensors; expected at most"),
        (struct.pack("<QQ", 0, _HUGE), f"tells of {_HUGE} pairs of metadata; expected at most"),
        (struct.pack("<QQ", 100_000, 0), "a tensor in its header has no name"),
        (struct.pack("<QQ", 0, 10_000), "a key in its header has no name"),
        (struct.pack("<QQQ", 0, 1, _HUGE), f"a text of {_HUGE} bytes"),
        (struct.pack("<QQ", 0, 1) + g.text("k") + struct.pack("<IQ", g.STRING, _HUGE), f"a text of {_HUGE} bytes"),
        (struct.pack("<QQ", 0, 1) + g.text("k") + struct.pack("<IQ", g.STRING, 1 << 25), "a text of 33554432 bytes"),
        (struct.pack("<QQ", 0, 1) + _array("k", g.STRING, _HUGE), f"tells of {_HUGE} items in arrays"),
        (struct.pack("<QQ", 0, 1) + _array("tokenizer.ggml.tokens", g.STRING, _HUGE), "items in arrays"),
        (struct.pack("<QQ", 0, 1) + _array("tokenizer.ggml.tokens", g.U32, _HUGE), "items in arrays"),
        (struct.pack("<QQ", 0, 1) + _array("k", g.U32, _HUGE), "is truncated"),
        (struct.pack("<QQ", 0, 1) + _array("k", g.ARRAY, _HUGE), "items in arrays"),
        (
            struct.pack("<QQ", 0, 1) + _array("k", g.ARRAY, 1, struct.pack("<IQ", g.ARRAY, 1) * 5000),
            "a value of the unknown type 9",
        ),
        (struct.pack("<QQ", 1, 0) + g.tensor("t", (_HUGE,), 0, 0), f"tells of {_HUGE} weights in a row"),
        (struct.pack("<QQ", 1, 0) + g.text("t") + struct.pack("<I", 1 << 31), "2147483648 dimensions"),
    ],
)
def test_a_header_that_asks_for_much_costs_nothing(tmp_path: Path, after_version: bytes, says: str) -> None:
    """Sparse: fifty gigabytes that take no room on a disk, so that nothing ends early for want of bytes."""
    path = written(tmp_path, _START + after_version)
    os.truncate(path, 50_000_000_000)
    with pytest.raises(ModelError, match=says):
        gguf_header.read(path)


def test_the_largest_vocabularies_are_read(tmp_path: Path) -> None:
    tokens = [f"t{number}" for number in range(300_000)]
    pairs = [g.texts_pair("tokenizer.ggml.tokens", tokens), g.texts_pair("tokenizer.ggml.merges", [*tokens, *tokens])]
    header = gguf_header.read(written(tmp_path, g.file(pairs, [], 0)))
    assert header.metadata["tokenizer.ggml.tokens"] == tokens


def test_texts_together_are_bounded(tmp_path: Path) -> None:
    """Sixteen MiB each, 128 together: with their nine keys of two bytes, the eighth is the first too many."""
    pairs = [g.string_pair(f"k{number}", "x" * (1 << 24)) for number in range(9)]
    with pytest.raises(ModelError, match="16777216 bytes of text; expected at most 16777200"):
        gguf_header.read(written(tmp_path, g.file(pairs, [], 0)))
