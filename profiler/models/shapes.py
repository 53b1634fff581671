"""Shapes of public models: what decides their speed, without their weights."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from profiler.errors import ModelError

Family = Literal["llama", "mistral", "qwen2", "qwen3", "nomic-bert"]


@dataclass(frozen=True)
class Llama3Rope:
    """How Llama 3.1 and later stretch rotary frequencies (`rope_scaling` of the type `llama3`)."""

    factor: float
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_context_tokens: int = 8192


@dataclass(frozen=True)
class Shape:
    """Dimensions of a dense transformer; sizes are counts of elements unless the name says more."""

    basename: str
    size_label: str
    family: Family
    hidden_size: int
    feed_forward_size: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary_size: int
    context_tokens: int
    rope_theta: float
    norm_epsilon: float
    has_tied_embeddings: bool
    source: str
    """Where the numbers come from."""
    rope_scaling: Llama3Rope | None = None

    @property
    def id(self) -> str:
        """The name to type, such as `smollm2-135m`."""
        return self.title.lower()

    @property
    def title(self) -> str:
        """The name to read, such as `SmolLM2-135M`."""
        return f"{self.basename}-{self.size_label}" if self.size_label else self.basename

    @property
    def architecture(self) -> str:
        """What llama.cpp calls the family: Mistral 7B is a Llama there."""
        return "llama" if self.family == "mistral" else self.family

    @property
    def has_qkv_bias(self) -> bool:
        """Whether queries, keys and values have a bias."""
        return self.family == "qwen2"

    @property
    def has_qk_norm(self) -> bool:
        """Whether queries and keys are normalised, head by head."""
        return self.family == "qwen3"

    @property
    def is_embedding(self) -> bool:
        """Whether it turns a text into one vector and generates nothing."""
        return self.family == "nomic-bert"


SMOLLM2_135M = Shape(
    basename="SmolLM2",
    size_label="135M",
    family="llama",
    hidden_size=576,
    feed_forward_size=1536,
    layers=30,
    heads=9,
    kv_heads=3,
    head_size=64,
    vocabulary_size=49_152,
    context_tokens=8192,
    rope_theta=100_000.0,
    norm_epsilon=1e-5,
    has_tied_embeddings=True,
    source="config.json of HuggingFaceTB/SmolLM2-135M",
)

QWEN25_05B = Shape(
    basename="Qwen2.5",
    size_label="0.5B",
    family="qwen2",
    hidden_size=896,
    feed_forward_size=4864,
    layers=24,
    heads=14,
    kv_heads=2,
    head_size=64,
    vocabulary_size=151_936,
    context_tokens=32_768,
    rope_theta=1_000_000.0,
    norm_epsilon=1e-6,
    has_tied_embeddings=True,
    source="config.json of Qwen/Qwen2.5-0.5B",
)

LLAMA32_1B = Shape(
    basename="Llama-3.2",
    size_label="1B",
    family="llama",
    hidden_size=2048,
    feed_forward_size=8192,
    layers=16,
    heads=32,
    kv_heads=8,
    head_size=64,
    vocabulary_size=128_256,
    context_tokens=131_072,
    rope_theta=500_000.0,
    norm_epsilon=1e-5,
    has_tied_embeddings=True,
    source="config.json of meta-llama/Llama-3.2-1B",
    rope_scaling=Llama3Rope(factor=32.0),
)

LLAMA32_3B = Shape(
    basename="Llama-3.2",
    size_label="3B",
    family="llama",
    hidden_size=3072,
    feed_forward_size=8192,
    layers=28,
    heads=24,
    kv_heads=8,
    head_size=128,
    vocabulary_size=128_256,
    context_tokens=131_072,
    rope_theta=500_000.0,
    norm_epsilon=1e-5,
    has_tied_embeddings=True,
    source="config.json of meta-llama/Llama-3.2-3B",
    rope_scaling=Llama3Rope(factor=32.0),
)

LLAMA31_8B = Shape(
    basename="Llama-3.1",
    size_label="8B",
    family="llama",
    hidden_size=4096,
    feed_forward_size=14_336,
    layers=32,
    heads=32,
    kv_heads=8,
    head_size=128,
    vocabulary_size=128_256,
    context_tokens=131_072,
    rope_theta=500_000.0,
    norm_epsilon=1e-5,
    has_tied_embeddings=False,
    source="config.json of meta-llama/Llama-3.1-8B",
    rope_scaling=Llama3Rope(factor=8.0),
)

MISTRAL_7B = Shape(
    basename="Mistral",
    size_label="7B",
    family="mistral",
    hidden_size=4096,
    feed_forward_size=14_336,
    layers=32,
    heads=32,
    kv_heads=8,
    head_size=128,
    vocabulary_size=32_768,
    context_tokens=32_768,
    rope_theta=1_000_000.0,
    norm_epsilon=1e-5,
    has_tied_embeddings=False,
    source="config.json of mistralai/Mistral-7B-v0.3",
)

QWEN25_7B = Shape(
    basename="Qwen2.5",
    size_label="7B",
    family="qwen2",
    hidden_size=3584,
    feed_forward_size=18_944,
    layers=28,
    heads=28,
    kv_heads=4,
    head_size=128,
    vocabulary_size=152_064,
    context_tokens=131_072,
    rope_theta=1_000_000.0,
    norm_epsilon=1e-6,
    has_tied_embeddings=False,
    source="config.json of Qwen/Qwen2.5-7B",
)

QWEN3_06B = Shape(
    basename="Qwen3",
    size_label="0.6B",
    family="qwen3",
    hidden_size=1024,
    feed_forward_size=3072,
    layers=28,
    heads=16,
    kv_heads=8,
    head_size=128,
    vocabulary_size=151_936,
    context_tokens=40_960,
    rope_theta=1_000_000.0,
    norm_epsilon=1e-6,
    has_tied_embeddings=True,
    source="config.json of Qwen/Qwen3-0.6B",
)

QWEN3_4B = Shape(
    basename="Qwen3",
    size_label="4B",
    family="qwen3",
    hidden_size=2560,
    feed_forward_size=9728,
    layers=36,
    heads=32,
    kv_heads=8,
    head_size=128,
    vocabulary_size=151_936,
    context_tokens=40_960,
    rope_theta=1_000_000.0,
    norm_epsilon=1e-6,
    has_tied_embeddings=True,
    source="config.json of Qwen/Qwen3-4B",
)

QWEN3_8B = Shape(
    basename="Qwen3",
    size_label="8B",
    family="qwen3",
    hidden_size=4096,
    feed_forward_size=12_288,
    layers=36,
    heads=32,
    kv_heads=8,
    head_size=128,
    vocabulary_size=151_936,
    context_tokens=40_960,
    rope_theta=1_000_000.0,
    norm_epsilon=1e-6,
    has_tied_embeddings=False,
    source="config.json of Qwen/Qwen3-8B",
)

NOMIC_EMBED = Shape(
    basename="nomic-embed-text-v1.5",
    size_label="",
    family="nomic-bert",
    hidden_size=768,
    feed_forward_size=3072,
    layers=12,
    heads=12,
    kv_heads=12,
    head_size=64,
    vocabulary_size=30_528,
    context_tokens=2048,
    rope_theta=1000.0,
    norm_epsilon=1e-12,
    has_tied_embeddings=True,
    source="config.json of nomic-ai/nomic-embed-text-v1.5; 2048 tokens is its context without rescaling",
)

TINY_1M = Shape(
    basename="Tiny",
    size_label="1M",
    family="llama",
    hidden_size=96,
    feed_forward_size=256,
    layers=2,
    heads=3,
    kv_heads=1,
    head_size=32,
    vocabulary_size=8192,
    context_tokens=2048,
    rope_theta=10_000.0,
    norm_epsilon=1e-5,
    has_tied_embeddings=True,
    source="made for tests: loads and answers in a blink",
)

SHAPES = {
    shape.id: shape
    for shape in (
        SMOLLM2_135M,
        QWEN25_05B,
        LLAMA32_1B,
        LLAMA32_3B,
        LLAMA31_8B,
        MISTRAL_7B,
        QWEN25_7B,
        QWEN3_06B,
        QWEN3_4B,
        QWEN3_8B,
        NOMIC_EMBED,
        TINY_1M,
    )
}


def named(name: str) -> Shape:
    """Return the shape of this name, capital or small; raises ModelError with the nearest names."""
    if shape := SHAPES.get(name.lower()):
        return shape
    near = get_close_matches(name.lower(), SHAPES, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ModelError(
        f"Unknown model shape {name!r}.{hint} Known shapes: {', '.join(SHAPES)}; "
        "the path of a config.json of the Llama, Mistral, Qwen2 or Qwen3 family works, too."
    )
