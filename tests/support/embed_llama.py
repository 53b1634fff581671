"""Ask the real llama.cpp for embeddings and print them as JSON; a program of its own, because a crash in native
code would take the tests with it.

    python embed_llama.py MODEL
"""

import json
import random
import sys

from llama_cpp import Llama

from profiler.workloads.words import WORDS


def main(path: str) -> None:
    """Print vectors of three texts, and the lengths of texts in words and tokens."""
    llama = Llama(path, n_ctx=1024, n_threads=1, n_threads_batch=1, embedding=True, verbose=False)
    texts = ["bafi tolu", "bafi tolu", "dudu wane wane"]
    vectors = [row["embedding"] for row in llama.create_embedding(texts)["data"]]
    counts = []
    for words in range(1, 50):
        text = " ".join(random.Random(words).choices(WORDS, k=words))  # noqa: S311 - repeatable, not secret
        counts.append((words, len(llama.tokenize(text.encode()))))
    print(json.dumps({"vectors": vectors, "counts": counts}))


if __name__ == "__main__":
    main(sys.argv[1])
