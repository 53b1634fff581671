"""How large the keys and values of a context are: what a token adds to them, and what a server sets aside.

For attention in which every layer keeps every token. Where layers keep a window only (Gemma), less is taken than is
said here: `kv_cache_saving` of the facts says so.
"""

from profiler.results.model_facts import ModelFacts

_F16_BYTES = 2

CELLS_AT_ONCE = 256
"""llama.cpp rounds the context of a sequence up to a multiple of so many tokens (llama-context.cpp, n_ctx_seq)."""


def elements_per_token(model: ModelFacts) -> int | None:
    """Return how many numbers are kept of a token, keys and values of all layers; `None` where a size is unknown.

    Heads that share keys and values (grouped-query attention) count once.
    """
    if model.kv_bytes_per_token is not None:
        return model.kv_bytes_per_token // _F16_BYTES
    return _elements(model.layers, model.kv_heads, head_size(model))


def f16_bytes_per_token(
    layers: int | None, kv_heads: int | None, head_size: int | None, latent_size: int | None = None
) -> int | None:
    """Return what keys and values of a token take in float16; `None` where a size is unknown.

    `latent_size`: of the vector that all heads of a layer make their keys and values of, with the part that has the
    positions. It is kept in their place (multi-head latent attention: DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1.3).
    """
    if latent_size is not None:
        return None if layers is None else layers * latent_size * _F16_BYTES
    elements = _elements(layers, kv_heads, head_size)
    return None if elements is None else elements * _F16_BYTES


def _elements(layers: int | None, kv_heads: int | None, length: int | None) -> int | None:
    return None if layers is None or kv_heads is None or length is None else 2 * layers * kv_heads * length


def cells(context_tokens: int) -> int:
    """Return the context of a sequence as llama.cpp sets it aside."""
    return -(-context_tokens // CELLS_AT_ONCE) * CELLS_AT_ONCE


def head_size(model: ModelFacts) -> int | None:
    """Return the length of a key; where the facts do not say it, a head's share of the hidden size."""
    if model.head_size is not None or not model.heads or model.hidden_size is None:
        return model.head_size
    return model.hidden_size // model.heads


def allocated_bytes(model: ModelFacts, element_bytes: float, context_tokens: int, slots: int = 1) -> int | None:
    """Return what a llama.cpp server sets aside as it starts, for `slots` contexts of `context_tokens` each.

    `element_bytes`: of a number as the cache stores it, such as 2 (f16) or 34 / 32 (q8_0). `None` where the model does
    not say its sizes.
    """
    elements = elements_per_token(model)
    if elements is None:
        return None
    return round(elements * element_bytes * cells(context_tokens) * slots)
