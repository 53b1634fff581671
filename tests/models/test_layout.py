import math

import pytest

from profiler.models import layout, shapes
from profiler.models.shapes import LLAMA31_8B, LLAMA32_1B, QWEN3_06B, QWEN25_05B, SMOLLM2_135M, Llama3Rope


def names(shape: shapes.Shape) -> list[str]:
    return [tensor.name for tensor in layout.tensors(shape)]


def test_the_tensors_of_smollm2_135m_are_those_of_the_public_model() -> None:
    assert len(names(SMOLLM2_135M)) == 272  # 30 layers of 9, embeddings, last norm
    assert "output.weight" not in names(SMOLLM2_135M)


def test_qwen_has_biases_and_llama_3_rotary_factors() -> None:
    assert {"blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.23.attn_v.bias"} <= set(names(QWEN25_05B))
    assert "blk.0.attn_output.bias" not in names(QWEN25_05B)
    assert "rope_freqs.weight" not in names(QWEN25_05B)
    assert {"rope_freqs.weight", "output.weight"} <= set(names(LLAMA31_8B))
    assert "output.weight" not in names(LLAMA32_1B)


def test_qwen_3_normalises_queries_and_keys_instead() -> None:
    normalised = {tensor.name: tensor.dimensions for tensor in layout.tensors(QWEN3_06B) if "_norm" in tensor.name}
    assert normalised["blk.27.attn_q_norm.weight"] == normalised["blk.0.attn_k_norm.weight"] == (128,)
    assert not [name for name in names(QWEN3_06B) if name.endswith(".bias")]
    assert not [name for name in names(QWEN25_05B) if "q_norm" in name]


def test_every_shape_of_the_table_can_be_laid_out() -> None:
    for shape in shapes.SHAPES.values():
        tensors = list(layout.tensors(shape))
        assert len({tensor.name for tensor in tensors}) == len(tensors)
        assert all(tensor.elements > 0 for tensor in tensors)


def test_fast_rotations_stay_and_slow_ones_are_stretched() -> None:
    # Wavelengths in tokens: 2 pi · theta^(2 pair / head size), here 2 pi · 500 000^(pair / 64).
    factors = layout.rope_factors(LLAMA31_8B, Llama3Rope(factor=8.0))
    assert len(factors) == 64
    assert factors[0] == 1.0  # 6.3 tokens, far below 8192 / 4
    assert factors[63] == pytest.approx(8.0)  # 2.6 million tokens, far beyond 8192 / 1
    # Pair 32: 2 pi · 707 = 4443 tokens, 1.844 turns in 8192; share (1.844 − 1) / 3 = 0.2813 of no stretch.
    turns = 8192 / (2 * math.pi * math.sqrt(500_000))
    share = (turns - 1) / 3
    assert factors[32] == pytest.approx(1 / ((1 - share) / 8 + share))
    assert factors[32] == pytest.approx(2.695, rel=1e-3)
    assert list(factors) == sorted(factors)
