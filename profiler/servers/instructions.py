"""Builds of llama.cpp that leave instructions of the processor unused: slower than the hardware, without a word."""

import re
from collections.abc import Collection

from profiler.results.manifest import EngineFacts
from profiler.servers import llama_cpp_python, llama_server

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
_REMEDIES = {llama_server.NAME: llama_server.REMEDY, llama_cpp_python.NAME: llama_cpp_python.REMEDY}


def unused_instructions(build: str | None, features: Collection[str]) -> list[str]:
    """Return those of the processor's instruction sets that a build does without, by llama.cpp's names for them.

    Empty for a build that does not say what it was compiled for. `features` are the kernel's names.
    """
    listed = re.search(r"\bCPU : (.*)", build or "")
    compiled = set(re.findall(r"(\w+) = 1", listed[1])) if listed else set(_COMPILED_AS.values())
    return [name for feature, name in _COMPILED_AS.items() if feature in features and name not in compiled]


def slow_build(engine: EngineFacts, features: Collection[str]) -> str | None:
    """Say what an engine's build leaves unused, and what to do; `None` where nothing of that is known."""
    unused = unused_instructions(engine.build, features) if engine.name in _REMEDIES else []
    if not unused:
        return None
    return (
        f"{engine.name} was compiled without {', '.join(unused)}, which this processor has: what was measured may be "
        f"the build's limit, not the hardware's. {_REMEDIES[engine.name]}"
    )
