"""The size of a KV cache, worked by hand; against a real server: tests/servers/test_kv_cache.py."""

import pytest
from support.launch import model

from profiler.models.kv_cache import allocated_bytes, elements_per_token

SMOLLM2 = model().model_copy(update={"layers": 30, "heads": 9, "kv_heads": 3, "hidden_size": 576, "head_size": 64})


def test_by_hand() -> None:
    assert elements_per_token(SMOLLM2) == 2 * 30 * 3 * 64  # keys and values
    assert allocated_bytes(SMOLLM2, 2.0, 4096) == 11_520 * 2 * 4096  # 90 MiB, as its log says
    assert allocated_bytes(SMOLLM2, 34 / 32, 2048, slots=2) == 11_520 * 34 * 128  # 4096 cells / 32
    assert allocated_bytes(SMOLLM2, 2.0, 1000) == allocated_bytes(SMOLLM2, 2.0, 1024)


def test_a_head_is_a_share_of_the_hidden_size_unless_its_size_is_said() -> None:
    assert elements_per_token(SMOLLM2.model_copy(update={"head_size": None})) == 11_520
    assert elements_per_token(SMOLLM2.model_copy(update={"head_size": 128})) == 23_040


@pytest.mark.parametrize("unknown", [{"layers": None}, {"kv_heads": None}, {"head_size": None, "heads": None}])
def test_what_a_model_does_not_say_is_not_guessed(unknown: dict[str, None]) -> None:
    assert allocated_bytes(SMOLLM2.model_copy(update=unknown), 2.0, 4096) is None
