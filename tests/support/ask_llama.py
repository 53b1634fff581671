"""Ask the real llama.cpp about a model and print the answers as JSON; a program of its own, because a crash in
native code would take the tests with it.

    python ask_llama.py MODEL
"""

import json
import random
import sys

from llama_cpp import Llama, llama_vocab_is_eog

from profiler.workloads.words import FILLER, WORDS

TOKENS = 300


def main(path: str) -> None:
    """Print what the tokenizer and the model make of words."""
    llama = Llama(path, n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False)
    answers = {
        "counts": counts(llama),
        "greedy": pieces(llama, temperature=0.0),
        "sampled": pieces(llama, temperature=0.8),
        "odd": [
            completion(llama, prompt)["usage"]["completion_tokens"] for prompt in ("é", "\n", "<|endoftext|>", "Hi!")
        ],
        "chunks": chunks(llama),
        "chat": llama.create_chat_completion([{"role": "user", "content": "Why?"}], max_tokens=20, temperature=0)[
            "usage"
        ],
        "ends": [token for token in range(llama.n_vocab()) if llama_vocab_is_eog(llama._model.vocab, token)],
    }
    print(json.dumps(answers))


def words(count: int, seed: int) -> str:
    """Join random words of synthetic prompts."""
    return " ".join(random.Random(seed).choices(WORDS, k=count))  # noqa: S311 - repeatable, not secret


def counts(llama: Llama) -> list[tuple[int, int]]:
    """Return (words, tokens) of 200 prompts, every other one with fillers behind it."""
    pairs = []
    for seed in range(200):
        fillers = seed % 2 * 3
        text = words(seed + 1, seed) + f" {FILLER}" * fillers
        pairs.append((seed + 1 + fillers, len(llama.tokenize(text.encode(), special=True))))
    return pairs


def pieces(llama: Llama, temperature: float) -> list[str]:
    """Return the text of each token generated after a prompt of words."""
    tokens = llama.generate(llama.tokenize(words(64, 0).encode()), temp=temperature)
    return [llama.detokenize([token]).decode("latin-1") for token, _ in zip(tokens, range(TOKENS), strict=False)]


def completion(llama: Llama, prompt: str) -> dict:
    """Complete an odd prompt by five tokens."""
    return llama.create_completion(prompt, max_tokens=5, temperature=0)


def chunks(llama: Llama) -> list[str]:
    """Return what 96 streamed tokens arrive as."""
    stream = llama.create_completion(words(16, 1), max_tokens=96, temperature=0, stream=True)
    return [text for chunk in stream if (text := chunk["choices"][0]["text"])]


if __name__ == "__main__":
    main(sys.argv[1])
