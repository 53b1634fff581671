import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import small_shapes
from support.extras import needed

from profiler.errors import ModelError
from profiler.models import ggml, gguf_header, quantisations, synthetic
from profiler.models.random_bytes import FIRST, RandomBytes

QUANTISE = Path(__file__).parents[1] / "support" / "quantise.py"


@pytest.mark.parametrize("kind", quantisations.DRAWS, ids=lambda kind: ggml.TENSOR_TYPES[kind].name)
def test_blocks_hold_random_weights_of_the_wanted_size_around_zero(kind: int) -> None:
    numpy, gguf = needed("numpy"), needed("gguf")
    elements = 256_000
    for deviation in (0.25, 1 / 64 / 16):  # that of a narrow matrix, and of quiet rows in a wide one
        stored = quantisations.DRAWS[kind](RandomBytes(FIRST), elements, deviation)
        assert len(stored) == ggml.stored_bytes(elements, kind)
        blocks = numpy.frombuffer(stored, numpy.uint8)
        weights = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType(kind)).astype(numpy.float64)
        assert weights.size == elements
        assert numpy.isfinite(weights).all()
        assert weights.std() == pytest.approx(deviation, rel=0.02)
        assert weights.mean() == pytest.approx(0, abs=deviation * 0.01)  # the mean of so many has 0.002 deviations


@pytest.mark.parametrize("name", quantisations.QUANTISATIONS)
def test_numbers_agree_with_the_tables_of_ggml(name: str) -> None:
    quantisation = quantisations.named(name)
    assert ggml.TENSOR_TYPES[quantisation.tensor_type].name in {name, name.removesuffix("_M")}
    assert ggml.FILE_TYPES[quantisation.file_type] == name


LAYOUTS = {
    "llama": replace(small_shapes.LLAMA, layers=17),
    "tied": replace(small_shapes.QWEN2, layers=9),
    "odd-rows": replace(small_shapes.QWEN2, hidden_size=96, heads=3, kv_heads=1, head_size=32, layers=8),
    "qwen3": replace(small_shapes.QWEN3, layers=9),
    "mistral": replace(small_shapes.MISTRAL, layers=2),
    "70b": replace(small_shapes.LLAMA, feed_forward_size=256, layers=80),
    "encoder": replace(small_shapes.NOMIC, layers=8),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_tensor_is_stored_as_llama_cpp_would(tmp_path: Path, layout: str) -> None:
    needed("llama_cpp")
    shape = LAYOUTS[layout]
    full = synthetic.make(shape, quantisations.named("F16"), tmp_path)
    for quantisation in (quantisations.named(name) for name in ("Q8_0", "Q4_0", "Q4_1", "Q4_K_M")):
        target = tmp_path / f"{quantisation.name}.gguf"
        command = [sys.executable, str(QUANTISE), str(full), str(target), str(quantisation.file_type)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        theirs = {tensor.name: tensor.tensor_type for tensor in gguf_header.read(target).tensors}
        ours = {tensor.name: tensor.tensor_type for tensor in synthetic.stored_tensors(shape, quantisation)}
        assert ours == theirs


def test_rows_that_are_no_whole_blocks_are_refused() -> None:
    shape = replace(small_shapes.LLAMA, feed_forward_size=500)
    with pytest.raises(ModelError, match=r"ffn_down\.weight has rows of 500 elements, expected a multiple of 32\. Use"):
        synthetic.stored_tensors(shape, quantisations.named("Q8_0"))
    assert synthetic.stored_tensors(shape, quantisations.named("F16"))


BLOCKS_SHA256 = {
    "F16": "91d710a76f9dfcc5aa6b0d80981167fb8ade83db426f2db5645e0929e83bcd89",
    "Q4_0": "2d4b6a9f785e52b5dec845a1ffb3d9d98510612216fe1046f9bd119eb99795b6",
    "Q4_1": "4b6b21cda79e69dab3a646ae4b9237d73cb904561079cf34239d68d93e4d309b",
    "Q5_0": "fca802f2f7e3f865afccc14746803ff62f4e17c9d7ffb65b6e74645e36c137e9",
    "Q8_0": "25e9d002a78581c3de83405e81b56b2514c35f4a3e8b6eaafe4dbf0d0b7b389f",
    "Q4_K": "b6707a31e15fdf4ee6635406de8aaedb4570d411bd1c90acca6248dc3230fdf0",
    "Q5_K": "eb20f94dbb9b99d47aabe7cff7e5f0147d07fd11f0da3be74f054abf06c25802",
    "Q6_K": "9e2cf6546421ef20b2d439d6252ba7717210ca1b135fb0c5fbb44b0e125b5f09",
}
"""Of 10,240 weights of a deviation of 0.0123, drawn from the first stream."""


@pytest.mark.parametrize("has_numpy", [True, False])
@pytest.mark.parametrize("kind", quantisations.DRAWS, ids=lambda kind: ggml.TENSOR_TYPES[kind].name)
def test_blocks_are_the_same_on_every_host(kind: int, has_numpy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_numpy:
        monkeypatch.setitem(sys.modules, "numpy.random", None)
    stored = quantisations.DRAWS[kind](RandomBytes(FIRST), 10_240, 0.0123)
    assert hashlib.sha256(stored).hexdigest() == BLOCKS_SHA256[ggml.TENSOR_TYPES[kind].name]


@pytest.mark.parametrize("factor", [0.0123, 1 / 3, 1e-6, 7e-8, 3e-10, 500 / 127])
def test_float16_is_rounded_as_numpy_rounds(factor: float) -> None:
    numpy = needed("numpy")
    every = numpy.arange(256).astype("u1").view("i1")
    expected = (every * numpy.float32(factor)).astype("<f2").view("u1").reshape(-1, 2)
    assert quantisations.f16_tables(factor) == (expected[:, 0].tobytes(), expected[:, 1].tobytes())


def test_an_unknown_quantisation_is_answered_with_the_nearest() -> None:
    assert quantisations.named("q8_0").name == "Q8_0"
    with pytest.raises(ModelError, match=r"'Q8'\. Did you mean 'Q8_0'\? Known ones: F16, Q8_0, Q4_0, Q4_1, Q4_K_M\."):
        quantisations.named("Q8")
