"""The tensors that a model of a shape is made of, as llama.cpp names them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi, prod, sqrt

from profiler.models.shapes import Llama3Rope, Shape

ROPE_FACTORS = "rope_freqs.weight"
"""A table of rotary frequencies: stored among the tensors, but no parameter of the model."""

TOKEN_ROWS = ("token_embd.weight", "output.weight")
"""Matrices with a row for each token."""


@dataclass(frozen=True)
class Tensor:
    """Random weights or, where `deviation` is None, given values."""

    name: str
    dimensions: tuple[int, ...]
    """(columns, rows) of a matrix, (length,) of a vector."""
    deviation: float | None = None
    values: float | tuple[float, ...] = 1.0
    """What it holds where it is not random: one value for all, or each."""

    @property
    def columns(self) -> int:
        """Elements that lie together in memory."""
        return self.dimensions[0]

    @property
    def elements(self) -> int:
        """How many weights it holds."""
        return prod(self.dimensions)


def parameters(shape: Shape) -> int:
    """Return how many parameters a model of this shape has."""
    return sum(tensor.elements for tensor in tensors(shape) if tensor.name != ROPE_FACTORS)


def tensors(shape: Shape) -> Iterator[Tensor]:
    """Yield what a llama.cpp model of this shape is made of.

    Matrices are drawn with a variance of 1 / columns, which keeps activations near 1 at any depth.
    """
    return _encoder(shape) if shape.is_embedding else _decoder(shape)


def _decoder(shape: Shape) -> Iterator[Tensor]:
    yield _matrix("token_embd", shape.hidden_size, shape.vocabulary_size)
    if shape.rope_scaling is not None:
        yield Tensor(ROPE_FACTORS, (shape.head_size // 2,), values=rope_factors(shape, shape.rope_scaling))
    for layer in range(shape.layers):
        yield from _decoder_layer(shape, f"blk.{layer}.")
    yield _ones("output_norm", shape.hidden_size)
    if not shape.has_tied_embeddings:
        yield _matrix("output", shape.hidden_size, shape.vocabulary_size)


def _decoder_layer(shape: Shape, prefix: str) -> Iterator[Tensor]:
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    hidden, inner = shape.hidden_size, shape.feed_forward_size
    yield _ones(f"{prefix}attn_norm", hidden)
    for name, rows in (("attn_q", queries), ("attn_k", keys), ("attn_v", keys)):
        yield _matrix(prefix + name, hidden, rows)
        if shape.has_qkv_bias:
            yield _zeros(prefix + name, rows)
    if shape.has_qk_norm:
        yield _ones(f"{prefix}attn_q_norm", shape.head_size)
        yield _ones(f"{prefix}attn_k_norm", shape.head_size)
    yield _matrix(f"{prefix}attn_output", queries, hidden)
    yield _ones(f"{prefix}ffn_norm", hidden)
    yield _matrix(f"{prefix}ffn_gate", hidden, inner)
    yield _matrix(f"{prefix}ffn_up", hidden, inner)
    yield _matrix(f"{prefix}ffn_down", inner, hidden)


def _encoder(shape: Shape) -> Iterator[Tensor]:
    """A Nomic BERT: rotary positions, gated feed-forward, norms after each part, no biases but theirs."""
    hidden, inner = shape.hidden_size, shape.feed_forward_size
    yield _matrix("token_embd", hidden, shape.vocabulary_size)
    yield Tensor("token_types.weight", (hidden, 2), values=0.0)
    yield from _norm("token_embd_norm", hidden)
    for layer in range(shape.layers):
        prefix = f"blk.{layer}."
        yield _matrix(f"{prefix}attn_qkv", hidden, 3 * hidden)
        yield _matrix(f"{prefix}attn_output", hidden, hidden)
        yield from _norm(f"{prefix}attn_output_norm", hidden)
        yield _matrix(f"{prefix}ffn_up", hidden, inner)
        yield _matrix(f"{prefix}ffn_gate", hidden, inner)
        yield _matrix(f"{prefix}ffn_down", inner, hidden)
        yield from _norm(f"{prefix}layer_output_norm", hidden)


def _norm(name: str, length: int) -> Iterator[Tensor]:
    yield _ones(name, length)
    yield _zeros(name, length)


def _matrix(name: str, columns: int, rows: int) -> Tensor:
    return Tensor(f"{name}.weight", (columns, rows), deviation=1 / sqrt(columns))


def _ones(name: str, length: int) -> Tensor:
    return Tensor(f"{name}.weight", (length,), values=1.0)


def _zeros(name: str, length: int) -> Tensor:
    return Tensor(f"{name}.bias", (length,), values=0.0)


def rope_factors(shape: Shape, scaling: Llama3Rope) -> tuple[float, ...]:
    """Return what each rotary frequency is divided by.

    Slow frequencies are stretched by the whole factor, fast ones not at all, those between by a blend
    (transformers, modeling_rope_utils, `llama3`).
    """
    exponents = (2 * pair / shape.head_size for pair in range(shape.head_size // 2))
    return tuple(_rope_factor(2 * pi * shape.rope_theta**exponent, scaling) for exponent in exponents)


def _rope_factor(wavelength_tokens: float, scaling: Llama3Rope) -> float:
    low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
    turns = scaling.original_context_tokens / wavelength_tokens
    share = min(max((turns - low) / (high - low), 0.0), 1.0)
    return 1 / ((1 - share) / scaling.factor + share)
