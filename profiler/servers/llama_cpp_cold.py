"""The server of llama-cpp-python that computes every prompt whole: `python -m profiler.servers.llama_cpp_cold …`.

The library keeps what it computed for the last prompt and reuses what the next one has in common with it, be it only
the beginning of a chat template. No option of its server switches that off; `Llama.reset` before each prompt does.
"""

from collections.abc import Iterator
from typing import Any

from llama_cpp import Llama
from llama_cpp.server.__main__ import main

_generate = Llama.generate


def _generate_anew(model: Llama, tokens: Any, *arguments: Any, **options: Any) -> Iterator[int]:
    """Forget the last prompt, then generate."""
    model.reset()
    yield from _generate(model, tokens, *arguments, **options)


if __name__ == "__main__":
    Llama.generate = _generate_anew
    main()
