"""A WordPiece vocabulary, as BERT models have, in which every made-up word is one token.

Ids of the special tokens are those of BERT's own vocabulary (bert-base-uncased, vocab.txt).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from string import ascii_lowercase, digits, punctuation

from profiler.workloads.words import SYLLABLES, WORDS

PAD, UNKNOWN, START, SEPARATOR, MASK = 0, 100, 101, 102, 103

_SPECIAL = {PAD: "[PAD]", UNKNOWN: "[UNK]", START: "[CLS]", SEPARATOR: "[SEP]", MASK: "[MASK]"}
_BEGINS_WORD = "\N{LOWER ONE EIGHTH BLOCK}"
"""Stands before a token that begins a word in a GGUF file; BERT's own files mark all other tokens, with ##."""


@dataclass(frozen=True)
class Wordpieces:
    """Tokens in the order of their ids, as a GGUF file holds them."""

    tokens: list[str]
    special_ids: list[int]


def make(size: int) -> Wordpieces:
    """Return a vocabulary of exactly `size` tokens; raises ValueError where the words do not fit."""
    if size < smallest_size():
        raise ValueError(f"A vocabulary of {size} tokens is too small; it takes {smallest_size()} or more.")
    special = [_SPECIAL.get(number, f"[unused{number}]") for number in range(MASK + 1)]
    return Wordpieces([*special, *islice(_pieces(), size - len(special))], list(range(len(special))))


def smallest_size() -> int:
    """Return how many tokens a vocabulary needs to hold every character and every word."""
    return MASK + 1 + 2 * len(_CHARACTERS) + len(WORDS)


_CHARACTERS = ascii_lowercase + digits + punctuation


def _pieces() -> Iterator[str]:
    """Yield characters and words, then longer words, without end."""
    yield from (_BEGINS_WORD + character for character in _CHARACTERS)
    yield from _CHARACTERS
    longer = list(WORDS)
    while True:
        yield from (_BEGINS_WORD + word for word in longer)
        longer = [word + syllable for word, syllable in product(longer, SYLLABLES)]
