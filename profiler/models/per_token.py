"""What making one token takes of a model's weights: bytes read and parameters multiplied with."""

from typing import NamedTuple

from profiler.models.gguf_header import Header, TensorInfo

_LOOKED_UP = {"position_embd.weight", "token_types.weight", "per_layer_token_embd.weight"}
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"
_SEGMENTS = "token_types.weight"  # only a BERT has such a table, and it ends in a vector instead of the next token
_EXPERTS = "_exps."  # blk.N.ffn_gate_exps.weight and its like hold all experts of a layer


class PerToken(NamedTuple):
    """Of one token of one stream."""

    weight_bytes: int
    parameters: int
    expert_bytes: int | None = None  # of all experts, those that a token does not use included
    expert_ratio: float | None = None  # share of them that a token uses


def per_token(header: Header) -> PerToken:
    """Count every tensor that a token is multiplied with; of a mixture of experts, the share that is used.

    Tables of which one row is looked up are left out; the embedding is one unless it is the output's matrix, too, as
    it is where there is none in a model that makes tokens. Names of tensors: gguf-py, gguf/constants.py.
    """
    names = {tensor.name for tensor in header.tensors}
    looked_up = _LOOKED_UP | ({_EMBEDDING} if names & {_OUTPUT, _SEGMENTS} else set())
    used = [tensor for tensor in header.tensors if tensor.name not in looked_up]
    share = _expert_share(header)
    experts_bytes = sum(tensor.stored_bytes for tensor in used if _EXPERTS in tensor.name)
    return PerToken(
        weight_bytes=round(sum(tensor.stored_bytes * _share(tensor, share) for tensor in used)),
        parameters=round(sum(tensor.elements * _share(tensor, share) for tensor in used)),
        expert_bytes=experts_bytes or None,
        expert_ratio=share if experts_bytes else None,
    )


def _share(tensor: TensorInfo, expert_share: float) -> float:
    return expert_share if _EXPERTS in tensor.name else 1.0


def _expert_share(header: Header) -> float:
    architecture = header.metadata.get("general.architecture")
    count = header.metadata.get(f"{architecture}.expert_count")
    used = header.metadata.get(f"{architecture}.expert_used_count")
    return used / count if isinstance(count, int) and isinstance(used, int) and 0 < used <= count else 1.0
