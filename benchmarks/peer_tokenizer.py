"""Makes the tokenizer that the peers want, without a network. Runs in a peer's environment, not in ours.

    PEER_PYTHON peer_tokenizer.py FOLDER

A byte-level BPE (Sennrich et al. 2016; bytes as in GPT-2), trained within seconds on made-up words. The truth
server's tokens, " a", are one token to it.
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FILES = {
    "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"},
    "config.json": {"model_type": "llama"},
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=4000, initial_alphabet=alphabet, special_tokens=["<s>", "</s>"])
    tokenizer.train_from_iterator(_lines(), trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, content in _FILES.items():
        (folder / name).write_text(json.dumps(content), "utf-8")


def _lines() -> Iterator[str]:
    chance = random.Random(1)  # noqa: S311 - the same tokenizer every time, not a secret one
    words = ["".join(chance.choices(_LETTERS, k=chance.randint(2, 8))) for _ in range(1500)]
    for _ in range(2000):
        yield " ".join(chance.choices(words, k=20)) + " a"


if __name__ == "__main__":
    main()
