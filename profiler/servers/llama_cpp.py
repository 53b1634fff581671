"""What all engines made of llama.cpp have in common."""

import re
from collections.abc import Collection

from profiler.models.ggml import TENSOR_TYPES

# As the kernel calls what a processor has, and as llama.cpp lists what it was compiled for (ggml-cpu's features).
_COMPILED_AS = {
    "f16c": "F16C",
    "fma": "FMA",
    "avx2": "AVX2",
    "avx512f": "AVX512",
    "avx512_vnni": "AVX512_VNNI",
    "avx512_bf16": "AVX512_BF16",
    "amx_int8": "AMX_INT8",
    "asimdhp": "FP16_VA",
    "asimddp": "DOTPROD",
    "i8mm": "MATMUL_INT8",
    "sve": "SVE",
}
_KV_TYPE = "f16"  # by default

REPACKED = frozenset({"Q4_0", "Q4_K_M", "Q4_K_S", "IQ4_NL", "Q8_0", "Q2_K"})
"""Quantisations that it lays out anew for the instructions of some CPUs as it loads a model (ggml-cpu: repack, amx)."""


def unused_instructions(build: str | None, features: Collection[str]) -> list[str]:
    """Return those of the processor's instruction sets that a build does without, by llama.cpp's names for them.

    Empty for a build that does not say what it was compiled for. `features` are the kernel's names.
    """
    listed = re.search(r"\bCPU : (.*)", build or "")
    compiled = set(re.findall(r"(\w+) = 1", listed[1])) if listed else set(_COMPILED_AS.values())
    return [name for feature, name in _COMPILED_AS.items() if feature in features and name not in compiled]


def kv_element_bytes(kv_type: str | None) -> float | None:
    """Return what an element of the KV cache takes, by ggml's names of types: f16, q8_0, …; `None` for another name."""
    known = {each.name.lower(): each.block_bytes / each.block_elements for each in TENSOR_TYPES.values()}
    return known.get(kv_type or _KV_TYPE)
