"""Shapes of every family, small enough to be made and loaded in a blink."""

from dataclasses import replace

from profiler.models import shapes

_SMALL = {"hidden_size": 256, "feed_forward_size": 512, "heads": 4, "kv_heads": 2, "head_size": 64, "layers": 3}

LLAMA = replace(shapes.LLAMA31_8B, **_SMALL, basename="Small", size_label="llama", vocabulary_size=8192)
MISTRAL = replace(shapes.MISTRAL_7B, **_SMALL, basename="Small", size_label="mistral", vocabulary_size=8192)
QWEN2 = replace(shapes.QWEN25_05B, **_SMALL, basename="Small", size_label="qwen2", vocabulary_size=8192)
QWEN3 = replace(
    shapes.QWEN3_06B, **{**_SMALL, "head_size": 128}, basename="Small", size_label="qwen3", vocabulary_size=8192
)
BIG_VOCABULARY = replace(shapes.QWEN25_7B, **_SMALL, basename="Small", size_label="wide")
NOMIC = replace(shapes.NOMIC_EMBED, **{**_SMALL, "kv_heads": 4}, basename="Small", vocabulary_size=8192)
