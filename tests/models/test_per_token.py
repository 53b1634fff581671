"""What a token takes of a model's weights."""

from profiler.models.gguf_header import Header, TensorInfo
from profiler.models.per_token import PerToken, per_token

F32 = 0


def header(tensors: dict[str, int], **metadata: int) -> Header:
    return Header(
        0, {"general.architecture": "a", **metadata}, [TensorInfo(n, (e,), F32, 0) for n, e in tensors.items()]
    )


def test_an_embedding_with_an_output_of_its_own_is_looked_up() -> None:
    assert per_token(header({"token_embd.weight": 100, "output.weight": 100, "norm": 4})) == PerToken(416, 104)


def test_an_embedding_that_is_the_output_is_multiplied_with() -> None:
    assert per_token(header({"token_embd.weight": 100, "norm": 4})) == PerToken(416, 104)


def test_a_bert_looks_its_embedding_up() -> None:
    assert per_token(header({"token_embd.weight": 100, "token_types.weight": 2, "norm": 4})) == PerToken(16, 4)


def test_of_experts_only_the_chosen_ones_are_read() -> None:
    # 2 of 8 experts: a quarter of 800 elements; the router and the shared expert are read whole.
    tensors = {"blk.0.ffn_up_exps.weight": 800, "blk.0.ffn_gate_inp.weight": 8, "blk.0.ffn_up_shexp.weight": 50}

    assert per_token(header(tensors, **{"a.expert_count": 8, "a.expert_used_count": 2})) == PerToken(
        1032, 258, 3200, 0.25
    )
    assert per_token(header(tensors)).parameters == 858
