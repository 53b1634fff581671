"""The prompts of a workload, the same ones for the same seed on every host."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from pathlib import Path
from random import Random
from sys import maxsize
from typing import NamedTuple

from profiler.workloads import rows
from profiler.workloads.schema import SyntheticPrompts, Workload
from profiler.workloads.words import FILLER, WORDS

MOST_TRIES = 8
"""Calls to the tokenizer for one prompt before the nearest length is taken."""

CountTokens = Callable[[str], int]


class Prompt(NamedTuple):
    """A prompt and how many tokens the server's own tokenizer makes of it; None where nobody counted."""

    text: str
    tokens: int | None


def make_prompts(
    workload: Workload, source_dir: Path, count: int, seed: int, count_tokens: CountTokens | None = None
) -> list[Prompt]:
    """Return `count` prompts.

    Synthetic prompts are random words. The first 3600 of them differ from the first word on, so that no
    server can reuse what it computed for an earlier one. With `count_tokens` each has exactly the wanted
    length; where a tokenizer makes that impossible, the nearest length found, and its true count. Without
    it they have as many words as tokens are wanted, which is exact on a synthetic model only.

    Data prompts are rows in an order that the seed decides, from the start again when there are too few.
    Raises WorkloadError where the data file, looked for in `source_dir`, cannot be used.
    """
    if isinstance(workload.prompts, SyntheticPrompts):
        return _synthetic(workload.prompts.tokens, count, seed, count_tokens)
    texts = _shuffled(rows.read(workload.prompts, source_dir), seed)
    counts = {text: count_tokens(text) for text in texts[:count]} if count_tokens else {}
    cycled = (texts[index % len(texts)] for index in range(count))
    return [Prompt(text, counts.get(text)) for text in cycled]


def _synthetic(tokens: int, count: int, seed: int, count_tokens: CountTokens | None) -> list[Prompt]:
    first_words = _shuffled(list(WORDS), seed)
    fitter = _Fitter(tokens, count_tokens) if count_tokens else None
    prompts = []
    for index in range(count):
        words = _Words(first_words[index % len(first_words)], f"{seed}/{index}")
        prompts.append(fitter.fit(words) if fitter else Prompt(words.text(tokens), None))
    return prompts


def _shuffled(texts: list[str], seed: int) -> list[str]:
    """Return the texts in random order; of Python's generator, only random() is the same in all versions."""
    random = Random(f"{seed}/order")  # noqa: S311 - prompts must be repeatable, not secret
    return sorted(texts, key=lambda _: random.random())


class _Words:
    """An endless row of random words after a given first one."""

    def __init__(self, first: str, seed: str) -> None:
        self._words = [first]
        self._random = Random(seed)  # noqa: S311 - prompts must be repeatable, not secret

    def text(self, words: int, fillers: int = 0) -> str:
        """Return the first `words` words, and so many fillers behind them."""
        while len(self._words) < words:
            self._words.append(WORDS[int(self._random.random() * len(WORDS))])
        return " ".join([*self._words[:words], *[FILLER] * fillers])


@dataclass
class _Fitter:
    """Finds how many words make a prompt of an exact length, learning the rate from prompt to prompt."""

    wanted_tokens: int
    count_tokens: CountTokens
    tokens_per_word: float = 1.0
    """Never less: no tokenizer has a token for two random words, and a count that says so is not believed."""

    def fit(self, words: _Words) -> Prompt:
        """Return the prompt whose length is nearest to the wanted one, and exact where that can be had."""
        taken, fillers, too_many = self._words_for(self.wanted_tokens), 0, maxsize
        nearest: Prompt | None = None
        for _ in range(MOST_TRIES):
            text = words.text(taken, fillers)
            tokens = self.count_tokens(text)
            if nearest is None or self._gap(tokens) < self._gap(nearest.tokens):
                nearest = Prompt(text, tokens)
            if tokens == self.wanted_tokens:
                break
            if tokens > self.wanted_tokens and not fillers:
                too_many = min(taken, too_many)
            self.tokens_per_word = max((tokens - fillers) / taken, 1.0)
            taken, fillers = self._next(taken, fillers, self.wanted_tokens - tokens, too_many)
        assert nearest is not None  # noqa: S101 - MOST_TRIES is not 0
        return nearest

    def _next(self, taken: int, fillers: int, missing: int, too_many: int) -> tuple[int, int]:
        """Return (words, fillers) to try: whole words as far as they go, then fillers for the rest."""
        if missing < 0 < fillers:
            return taken, max(0, fillers + missing)
        more_words = floor(missing / self.tokens_per_word)
        if missing > 0 and (more_words == 0 or taken + more_words >= too_many):
            return taken, fillers + missing
        return min(max(1, taken + more_words), self.wanted_tokens), 0

    def _words_for(self, tokens: int) -> int:
        return max(1, floor(tokens / self.tokens_per_word))

    def _gap(self, tokens: int | None) -> int:
        return abs(self.wanted_tokens - (tokens or 0))
