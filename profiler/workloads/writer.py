"""Texts of an exact length in the tokens of a model, made of random words."""

from collections.abc import Callable, Sequence
from math import floor
from random import Random
from sys import maxsize
from typing import NamedTuple, TypeVar

from profiler.workloads.words import FILLER, WORDS

MOST_TRIES = 8
"""Calls to the tokenizer for one text before the nearest length is taken."""

CountTokens = Callable[[str], int]

_Item = TypeVar("_Item")


class Text(NamedTuple):
    """Some words, and how many tokens they make together with all that stands before them."""

    words: str
    tokens: int | None


NOTHING = Text("", 0)


class Fit(NamedTuple):
    """How a text gets its length: so many words, so many fillers behind them. Enough to write it again."""

    words: int
    fillers: int
    tokens: int | None


class Words:
    """An endless row of random words, the same for the same seed; the first may be given."""

    def __init__(self, seed: str, first: str | None = None) -> None:
        """Of Python's generator, only random() is the same in all versions."""
        self._words = [] if first is None else [first]
        self._random = Random(seed)  # noqa: S311 - prompts must be repeatable, not secret

    def text(self, words: int, fillers: int = 0) -> str:
        """Return the first `words` words, and so many fillers behind them."""
        while len(self._words) < words:
            self._words.append(WORDS[int(self._random.random() * len(WORDS))])
        return " ".join([*self._words[:words], *[FILLER] * fillers])


class Writer:
    """Writes texts of a wanted length, learning from text to text how many tokens a word has.

    With a tokenizer a text has exactly the wanted length; where that is impossible, the nearest found, and its true
    count. Without one it has as many words as tokens are wanted, which is exact on a synthetic model only.
    """

    def __init__(self, count_tokens: CountTokens | None) -> None:
        """Take the server's own tokenizer, where it has one to ask."""
        self._count_tokens = count_tokens
        self._tokens_per_word = 1.0  # never less: no tokenizer has a token for two random words

    def write(self, words: Words, tokens: int, before: Sequence[Text] = ()) -> Text:
        """Return words that make what stands before them longer by `tokens` tokens."""
        fit = self.fit(words, tokens, _join(before))
        return Text(words.text(fit.words, fit.fillers), fit.tokens)

    def measured(self, words: str) -> Text:
        """Return words that are given, and their count."""
        return Text(words, self._count_tokens(words) if self._count_tokens else None)

    def fit(self, words: Words, tokens: int, before: Text = NOTHING) -> Fit:
        """Find the length whose count, with `before` in front, comes nearest to `before.tokens + tokens`."""
        if self._count_tokens is None:
            return Fit(tokens, 0, None)
        start = before.tokens or 0
        wanted = start + tokens
        taken, fillers, too_many = max(1, floor(tokens / self._tokens_per_word)), 0, maxsize
        best = Fit(taken, fillers, maxsize)
        for _ in range(MOST_TRIES):
            counted = self._count_tokens(f"{before.words} {words.text(taken, fillers)}".lstrip())
            if abs(wanted - counted) < abs(wanted - (best.tokens or 0)):
                best = Fit(taken, fillers, counted)
            if counted == wanted:
                break
            if counted > wanted and not fillers:
                too_many = min(taken, too_many)
            self._tokens_per_word = max((counted - start - fillers) / taken, 1.0)
            taken, fillers = self._next(taken, fillers, wanted - counted, too_many)
            taken = min(taken, tokens)
        return best

    def _next(self, taken: int, fillers: int, missing: int, too_many: int) -> tuple[int, int]:
        """Return (words, fillers) to try: whole words as far as they go, then fillers for the rest."""
        if missing < 0 < fillers:
            return taken, max(0, fillers + missing)
        more_words = floor(missing / self._tokens_per_word)
        if missing > 0 and (more_words == 0 or taken + more_words >= too_many):
            return taken, fillers + missing
        return max(1, taken + more_words), 0


def _join(texts: Sequence[Text]) -> Text:
    """Return texts that follow one another as one."""
    return Text(" ".join(text.words for text in texts), texts[-1].tokens) if texts else NOTHING


def shuffled(texts: Sequence[_Item], seed: int | str) -> list[_Item]:
    """Return texts, or rows, in random order; of Python's generator, only random() is the same in all versions."""
    random = Random(f"{seed}/order")  # noqa: S311 - prompts must be repeatable, not secret
    return sorted(texts, key=lambda _: random.random())
