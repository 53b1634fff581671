"""Let the real llama.cpp answer with and without a LoRA adapter; a program of its own, because a crash in native
code would take the tests with it.

    python lora_llama.py MODEL ADAPTER
"""

import json
import sys

from llama_cpp import Llama


def main(model: str, adapter: str) -> None:
    """Print both answers."""
    print(json.dumps([answer(model), answer(model, lora_path=adapter)]))


def answer(model: str, **options: str) -> str:
    """Return the tokens that come out at a temperature of zero."""
    llama = Llama(model, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False, **options)
    return llama.create_completion("bafi tolu", max_tokens=24, temperature=0)["choices"][0]["text"]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
