"""Which language an answer is written in."""

from collections.abc import Collection
from functools import cache
from importlib.metadata import version

from profiler.quality.item import Answer, Item
from profiler.quality.scorer import POINTS, NotScoredError, library, scorer


def language_of(text: str) -> str:
    """Return the likeliest language of a text, ISO 639-1. Raises `NotScoredError` without the library.

    py3langid, whose model of 97 languages is in its wheel (Lui and Baldwin, 2012); of a text of one or two words it
    says little.
    """
    found: str = library("py3langid").classify(text)[0]
    return found


def is_in(text: str, language: str | None) -> bool:
    """Whether a text is likeliest in a language. Raises `NotScoredError` for one that the library does not know."""
    if language not in _known():
        raise NotScoredError(f"py3langid does not know the language {language!r}: expected a code such as es")
    return bool(text.strip()) and language_of(text) == language


@cache
def _known() -> frozenset[str]:
    return frozenset(name for name, _ in library("py3langid").rank("a"))


def _signature(_items: Collection[Item]) -> str:
    library("py3langid")
    return f"py3langid {version('py3langid')}"


@scorer(
    "Right language",
    needs={"language"},
    source="langid.py, Lui and Baldwin, 2012 (aclanthology.org/P12-3005), by the library py3langid",
    is_binary=True,
    signature=_signature,
)
def language_match(answer: Answer, item: Item) -> float:
    """100 where the answer is written in the language of its item, by statistics of its letters, else 0."""
    return POINTS * is_in(answer.text, item.language)
