import pytest

from profiler.errors import ModelError
from profiler.models import shapes


@pytest.mark.parametrize("shape", shapes.SHAPES.values(), ids=shapes.SHAPES.keys())
def test_sizes_are_legal(shape: shapes.Shape) -> None:
    for columns in (shape.hidden_size, shape.feed_forward_size, shape.heads * shape.head_size):
        assert columns % 32 == 0  # blocks of Q8_0
    assert shape.heads % shape.kv_heads == 0
    assert shape.head_size % 2 == 0  # rotary embedding turns pairs


def test_a_shape_is_found_whatever_its_capitals() -> None:
    assert shapes.named("SmolLM2-135M") is shapes.SMOLLM2_135M
    assert shapes.SMOLLM2_135M.id == "smollm2-135m"


def test_an_unknown_shape_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"'smollm-135m'\. Did you mean 'smollm2-135m'\? Known shapes: smollm2-135m"):
        shapes.named("smollm-135m")
    with pytest.raises(ModelError, match=r"Unknown model shape ''\. Known shapes"):
        shapes.named("")
