import pytest
from support.extras import needed

from profiler.errors import ModelError
from profiler.models import ggml, quantisations
from profiler.models.quantisations import RandomBytes


@pytest.mark.parametrize("name", quantisations.QUANTISATIONS)
def test_blocks_hold_random_weights_of_the_wanted_size(name: str) -> None:
    numpy, gguf = needed("numpy"), needed("gguf")
    quantisation = quantisations.named(name)
    stored = quantisation.draw(RandomBytes(1), 64_000, 0.25)
    assert stored.nbytes == ggml.stored_bytes(64_000, quantisation.tensor_type)
    weights = gguf.quants.dequantize(stored, gguf.GGMLQuantizationType(quantisation.tensor_type)).astype(numpy.float32)
    assert weights.size == 64_000
    assert weights.std() == pytest.approx(0.25, rel=0.02)
    assert weights.mean() == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize("name", quantisations.QUANTISATIONS)
def test_numbers_agree_with_the_tables_of_ggml(name: str) -> None:
    quantisation = quantisations.named(name)
    assert ggml.TENSOR_TYPES[quantisation.tensor_type].name == name
    assert ggml.FILE_TYPES[quantisation.file_type] == name


def test_random_bytes_are_the_same_on_every_host() -> None:
    needed("numpy")
    assert RandomBytes(7).int8(12).tolist() == [-117, 74, -27, -15, -87, 65, 6, -96, -107, 106, 38, -81]
    assert min(RandomBytes(7).int8(100_000)) == -127


def test_an_unknown_quantisation_is_answered_with_the_nearest() -> None:
    assert quantisations.named("q8_0").name == "Q8_0"
    with pytest.raises(ModelError, match=r"'Q8'\. Did you mean 'Q8_0'\? Known ones: F16, Q8_0\."):
        quantisations.named("Q8")
