"""The made-up words of synthetic prompts. The vocabulary of a synthetic model has a token for each.

A syllable is a consonant and a vowel, a word is two syllables ("bafi", "tolu"). Written after a space,
a word is exactly one token of a synthetic model, so a prompt of N words has N tokens there; a tokenizer
trained on real text needs about two tokens for a word. Letters that spell insults were left out.
"""

CONSONANTS = "bdfjlmnrstvw"
VOWELS = "aeiou"

SYLLABLES: tuple[str, ...] = tuple(consonant + vowel for consonant in CONSONANTS for vowel in VOWELS)
WORDS: tuple[str, ...] = tuple(first + second for first in SYLLABLES for second in SYLLABLES)

FILLER = "a"
"""After a space, one token in practically every vocabulary: brings a prompt to its exact length."""
