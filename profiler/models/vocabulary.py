"""A byte-level BPE vocabulary in which every made-up word after a space is one token.

Merges are ranked so that each word is built in one way only: syllables first, then the space with the
first syllable, then syllable by syllable from the left. Everything that a vocabulary of the wanted size
has room for beyond that is longer words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from profiler.workloads.words import CONSONANTS, FILLER, SYLLABLES, VOWELS, WORDS

CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Ids 0, 1 and 2, as in SmolLM2."""

Merge = tuple[str, str]


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their ids, and merges in the order of their rank."""

    tokens: list[str]
    merges: list[str]


def byte_symbols() -> list[str]:
    """Return the 256 characters that stand for bytes in a GPT-2 vocabulary, in the order of the bytes.

    Bytes that Latin-1 prints stand for themselves; the others get the code points from 256 on
    (GPT-2, "Language Models are Unsupervised Multitask Learners", released tokenizer).
    """
    spare = iter(range(256, 512))
    return [chr(byte) if _stands_for_itself(byte) else chr(next(spare)) for byte in range(256)]


def _stands_for_itself(byte: int) -> bool:
    return 0x21 <= byte <= 0x7E or (0xA1 <= byte <= 0xFF and byte != 0xAD)


SPACE = byte_symbols()[0x20]


def _merges() -> Iterator[Merge]:
    """Yield merges from the lowest rank on, without end."""
    yield from product(CONSONANTS, VOWELS)
    yield from product([SPACE], SYLLABLES)
    yield from product([SPACE + syllable for syllable in SYLLABLES], SYLLABLES)
    yield from product(SYLLABLES, SYLLABLES)
    yield (SPACE, FILLER)
    longer = [SPACE + word for word in WORDS]
    while True:
        yield from product(longer, SYLLABLES)
        longer = [word + syllable for word, syllable in product(longer, SYLLABLES)]


def smallest_size() -> int:
    """Return how many tokens a vocabulary needs to hold every word, bare and after a space."""
    return len(CONTROL_TOKENS) + 256 + 2 * len(SYLLABLES) + 2 * len(WORDS) + len(FILLER)


def make(size: int) -> Vocabulary:
    """Return a vocabulary of exactly `size` tokens; raises ValueError where the words do not fit."""
    if size < smallest_size():
        raise ValueError(f"A vocabulary of {size} tokens is too small; it takes {smallest_size()} or more.")
    symbols = byte_symbols()
    base = [*CONTROL_TOKENS, *symbols]
    merges = list(islice(_merges(), size - len(base)))
    return Vocabulary(
        tokens=[*base, *(left + right for left, right in merges)],
        merges=[f"{left} {right}" for left, right in merges],
    )


def quiet_ids() -> list[int]:
    """Return the tokens that a model must never emit: control tokens and bytes that are not printable ASCII."""
    first_byte = len(CONTROL_TOKENS)
    unprintable = [first_byte + byte for byte in range(256) if not 0x20 <= byte <= 0x7E]
    return [*range(first_byte), *unprintable]
