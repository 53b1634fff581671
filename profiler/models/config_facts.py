"""What a `config.json` says of the sizes of a model, under the names that its family gives them. Pure.

Names: configuration classes of transformers; `_get_num_kv_heads` and `max_model_len` of vLLM (`vllm/config/model.py`).
"""

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]

WINDOW = "some of its layers keep a window of the context only"
COMPRESSED = "its keys and values are compressed"
STATE = "some of its layers keep a state in place of the context"

_LANGUAGE_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
"""Where models that see or hear keep what concerns their text: Gemma 3, Llama 4; InternVL; DeepSeek-VL; Qwen-Omni."""
_DEEPEST_PART = 3
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_HIDDEN = ("hidden_size", "n_embd", "d_model")
_HEADS = ("num_attention_heads", "n_head", "n_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "multi_query_group_num")
_KV_HEADS_BY_LAYER = ("block_configs", "num_key_value_heads_per_layer", "num_query_heads")
_HEAD = ("head_dim", "kv_channels")
_CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length")
_VOCABULARY = ("vocab_size", "padded_vocab_size")
_STATES = (
    *("state_size", "mamba_d_state", "ssm_state_size", "conv_L_cache", "hybrid_override_pattern", "attn_layer_period"),
    *("full_attention_interval", "linear_num_key_heads", "layers_block_type", "ssm_cfg"),
)
_WINDOWED_LAYERS = {"sliding_attention", "chunked_attention"}
_ATTENDING_LAYERS = {"full_attention", *_WINDOWED_LAYERS}


def language_part(config: Config) -> dict[str, Any]:
    """Return the configuration with what it says of its language model alone on top, where it has such a part."""
    found = dict(config)
    for _ in range(_DEEPEST_PART):
        part = next((part for key in _LANGUAGE_PARTS if isinstance(part := found.pop(key, None), dict)), None)
        if part is None:
            break
        found |= {key: value for key, value in part.items() if value is not None}
    return found


def text(config: Config, key: str) -> str | None:
    """Return a text; None for anything else."""
    value = config.get(key)
    return value if isinstance(value, str) else None


def count(config: Config, *keys: str) -> int | None:
    """Return the whole number under the first of several names that has one."""
    values = (config.get(key) for key in keys)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), None)


def layers(config: Config) -> int | None:
    """Return the number of layers."""
    return count(config, *_LAYERS)


def hidden_size(config: Config) -> int | None:
    """Return the length of what is handed from layer to layer."""
    return count(config, *_HIDDEN)


def heads(config: Config) -> int | None:
    """Return the number of attention heads."""
    return count(config, *_HEADS)


def context_length(config: Config) -> int | None:
    """Return how many tokens the model was made for."""
    return count(config, *_CONTEXT)


def vocabulary_size(config: Config) -> int | None:
    """Return the number of tokens that the model knows."""
    return count(config, *_VOCABULARY)


def kv_heads(config: Config) -> int | None:
    """Return how many heads have keys and values of their own; None where that differs between layers.

    Falcon's first models have one for all (`multi_query`), whatever `num_kv_heads` says.
    """
    is_by_layer = any(config.get(key) for key in _KV_HEADS_BY_LAYER)
    if is_by_layer or any(isinstance(config.get(key), list) for key in _KV_HEADS):
        return None
    if config.get("multi_query") is True and config.get("new_decoder_architecture") is not True:
        return 1
    within = config.get("attn_config")  # MPT, DBRX
    named = count(within, "kv_n_heads") if isinstance(within, dict) else None
    return named or count(config, *_KV_HEADS) or heads(config)


def head_size(config: Config) -> int | None:
    """Return the length of a key, which is a head's share of the hidden size where nothing else is said."""
    without, rotary = count(config, "qk_nope_head_dim"), count(config, "qk_rope_head_dim")
    if without is not None and rotary is not None:
        return without + rotary  # DeepSeek: a part without positions, and one with
    many, hidden = heads(config), hidden_size(config)
    return count(config, *_HEAD) or (hidden // many if many and hidden else None)


def latent_size(config: Config) -> int | None:
    """Return the length of what is kept of a token where keys are compressed: DeepSeek, Kimi, MiniCPM3."""
    rank, rotary = count(config, "kv_lora_rank"), count(config, "qk_rope_head_dim")
    return None if rank is None or rotary is None else rank + rotary


def kv_cache_saving(config: Config) -> str | None:
    """Return why a long context takes less than keys and values of all its tokens, where it does."""
    if count(config, "kv_lora_rank"):
        return COMPRESSED
    kinds = config.get("layer_types")
    kinds = {kind for kind in kinds if isinstance(kind, str)} if isinstance(kinds, list) else set()
    if kinds - _ATTENDING_LAYERS or any(config.get(key) for key in _STATES):
        return STATE
    if kinds:
        return WINDOW if kinds & _WINDOWED_LAYERS else None
    return WINDOW if _is_window(config) else None


def _is_window(config: Config) -> bool:
    """Whether a window is set, used, and shorter than the context."""
    window, context = count(config, "sliding_window", "attention_chunk_size"), context_length(config)
    is_used = config.get("use_sliding_window") is not False
    return bool(window) and is_used and (context is None or window is None or window < context)


def packed(config: Config) -> dict[str, Any] | None:
    """Return how the weights are packed; None where they are whole."""
    found = config.get("quantization_config")
    return found if isinstance(found, dict) else None


def quantisation(config: Config) -> str | None:
    """Name how weights are stored: their type, or what packed them with the bits of a weight."""
    how = packed(config)
    if how is not None:
        parts = (text(how, "quant_method") or "quantised", _packed_as(how))
        return " ".join(filter(None, parts))
    dtype = text(config, "torch_dtype") or text(config, "dtype")
    return _DTYPES.get(dtype, dtype) if dtype else None


_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}


def _packed_as(how: Config) -> str | None:
    """Return the type of packed weights, where their packer has several: bitsandbytes, compressed-tensors, ModelOpt."""
    if algorithm := text(how, "quant_algo"):
        return algorithm.lower()
    groups = how.get("config_groups")
    first = next(iter(groups.values()), None) if isinstance(groups, dict) else None
    weights = first.get("weights") if isinstance(first, dict) else None
    within = weights if isinstance(weights, dict) else {}
    bits = count(how, "bits") or count(within, "num_bits")
    bits = bits or next((each for each in (4, 8) if how.get(f"load_in_{each}bit") is True), None)
    if bits and within.get("type") == "float":
        return f"fp{bits}"
    return f"{bits} bit" if bits else None
