"""Shapes of public models: what decides their speed, without their weights."""

from dataclasses import dataclass
from difflib import get_close_matches

from profiler.errors import ModelError


@dataclass(frozen=True)
class Shape:
    """Dimensions of a decoder of the Llama family; sizes are counts of elements unless the name says more."""

    basename: str
    size_label: str
    hidden_size: int
    feed_forward_size: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary_size: int
    context_tokens: int
    rope_theta: float
    rms_epsilon: float
    has_tied_embeddings: bool
    source: str
    """Where the numbers come from."""

    @property
    def id(self) -> str:
        """The name to type, such as `smollm2-135m`."""
        return f"{self.basename}-{self.size_label}".lower()

    @property
    def title(self) -> str:
        """The name to read, such as `SmolLM2-135M`."""
        return f"{self.basename}-{self.size_label}"


SMOLLM2_135M = Shape(
    basename="SmolLM2",
    size_label="135M",
    hidden_size=576,
    feed_forward_size=1536,
    layers=30,
    heads=9,
    kv_heads=3,
    head_size=64,
    vocabulary_size=49_152,
    context_tokens=8192,
    rope_theta=100_000.0,
    rms_epsilon=1e-5,
    has_tied_embeddings=True,
    source="config.json of HuggingFaceTB/SmolLM2-135M",
)

TINY_1M = Shape(
    basename="Tiny",
    size_label="1M",
    hidden_size=96,
    feed_forward_size=256,
    layers=2,
    heads=3,
    kv_heads=1,
    head_size=32,
    vocabulary_size=8192,
    context_tokens=2048,
    rope_theta=10_000.0,
    rms_epsilon=1e-5,
    has_tied_embeddings=True,
    source="made for tests: loads and answers in a blink",
)

SHAPES = {shape.id: shape for shape in (SMOLLM2_135M, TINY_1M)}


def named(name: str) -> Shape:
    """Return the shape of this name, capital or small; raises ModelError with the nearest names."""
    if shape := SHAPES.get(name.lower()):
        return shape
    near = get_close_matches(name.lower(), SHAPES, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ModelError(f"Unknown model shape {name!r}.{hint} Known shapes: {', '.join(SHAPES)}.")
