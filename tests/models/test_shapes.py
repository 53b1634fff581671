import pytest

from profiler.errors import ModelError
from profiler.models import layout, quantisations, shapes, synthetic


@pytest.mark.parametrize("shape", shapes.SHAPES.values(), ids=shapes.SHAPES.keys())
def test_sizes_are_legal(shape: shapes.Shape) -> None:
    for quantisation in quantisations.QUANTISATIONS.values():
        assert synthetic.stored_tensors(shape, quantisation)  # raises where rows are no whole number of blocks
    assert shape.heads % shape.kv_heads == 0
    assert shape.head_size % 2 == 0  # rotary embedding turns pairs


PUBLISHED = {
    # `safetensors.total` of huggingface.co/api/models/NAME, the name of each in the comment, 2026-11-21.
    "smollm2-135m": 134_515_008,  # HuggingFaceTB/SmolLM2-135M
    "qwen2.5-0.5b": 494_032_768,  # Qwen/Qwen2.5-0.5B
    "llama-3.2-1b": 1_235_814_400,  # meta-llama/Llama-3.2-1B
    "llama-3.2-3b": 3_212_749_824,  # meta-llama/Llama-3.2-3B
    "llama-3.1-8b": 8_030_261_248,  # meta-llama/Llama-3.1-8B
    "mistral-7b": 7_248_023_552,  # mistralai/Mistral-7B-v0.3
    "qwen2.5-7b": 7_615_616_512,  # Qwen/Qwen2.5-7B
    "qwen3-0.6b": 596_049_920,  # Qwen/Qwen3-0.6B, whose files hold the tied matrix twice: 751_632_384 there
    "qwen3-4b": 4_022_468_096,  # Qwen/Qwen3-4B
    "qwen3-8b": 8_190_735_360,  # Qwen/Qwen3-8B
    "nomic-embed-text-v1.5": 136_731_648,  # nomic-ai/nomic-embed-text-v1.5
}


def test_every_public_shape_has_the_published_number_of_parameters() -> None:
    counted = {name: layout.parameters(shape) for name, shape in shapes.SHAPES.items() if name != "tiny-1m"}
    assert counted == PUBLISHED


def test_a_shape_is_found_whatever_its_capitals() -> None:
    assert shapes.named("SmolLM2-135M") is shapes.SMOLLM2_135M
    assert shapes.SMOLLM2_135M.id == "smollm2-135m"


def test_an_unknown_shape_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ModelError, match=r"'smollm-135m'\. Did you mean 'smollm2-135m'\? Known shapes: smollm2-135m, .* config\.json"
    ):
        shapes.named("smollm-135m")
    with pytest.raises(ModelError, match=r"Unknown model shape ''\. Known shapes"):
        shapes.named("")
