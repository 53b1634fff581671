import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import small_shapes
from support.extras import needed

from profiler.errors import ModelError
from profiler.models import ggml, gguf_header, quantisations, synthetic
from profiler.models.quantisations import RandomBytes

QUANTISE = Path(__file__).parents[1] / "support" / "quantise.py"


@pytest.mark.parametrize("kind", quantisations.DRAWS, ids=lambda kind: ggml.TENSOR_TYPES[kind].name)
def test_blocks_hold_random_weights_of_the_wanted_size_around_zero(kind: int) -> None:
    numpy, gguf = needed("numpy"), needed("gguf")
    elements = 256_000
    for deviation in (0.25, 1 / 64 / 16):  # that of a narrow matrix, and of quiet rows in a wide one
        stored = quantisations.DRAWS[kind](RandomBytes(1), elements, deviation)
        assert stored.nbytes == ggml.stored_bytes(elements, kind)
        weights = gguf.quants.dequantize(stored, gguf.GGMLQuantizationType(kind)).astype(numpy.float64)
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
    for quantisation in (quantisations.named(name) for name in ("Q8_0", "Q4_0", "Q4_K_M")):
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


def test_random_bytes_are_the_same_on_every_host() -> None:
    needed("numpy")
    assert RandomBytes(7).int8(12).tolist() == [-117, 74, -27, -15, -87, 65, 6, -96, -107, 106, 38, -81]
    assert min(RandomBytes(7).int8(100_000)) == -127


def test_an_unknown_quantisation_is_answered_with_the_nearest() -> None:
    assert quantisations.named("q8_0").name == "Q8_0"
    with pytest.raises(ModelError, match=r"'Q8'\. Did you mean 'Q8_0'\? Known ones: F16, Q8_0, Q4_0, Q4_K_M\."):
        quantisations.named("Q8")
