"""Short answers against the right ones."""

from collections import Counter

from profiler.quality.item import Answer, Item
from profiler.quality.scorer import POINTS, scorer
from profiler.quality.words import content_tokens, occurs

_SQUAD = "SQuAD, Rajpurkar et al., 2016 (arXiv:1606.05250)"


@scorer("Exact match", needs={"references"}, source=_SQUAD, correct_from=POINTS, is_binary=True)
def exact_match(answer: Answer, item: Item) -> float:
    """100 where the answer has the words of one of the references, articles left out, in their order; else 0."""
    return POINTS * any(_words(answer.text, item) == right for right in _right(item))


@scorer("Token F1", needs={"references"}, source=_SQUAD)
def token_f1(answer: Answer, item: Item) -> float:
    """Harmonic mean of precision and recall of the words, articles left out, against the nearest reference."""
    said = _words(answer.text, item)
    return POINTS * max(_f1(said, right) for right in _right(item))


@scorer(
    "Contains a right answer",
    needs={"references"},
    source="as in Liu et al., 2023 (arXiv:2307.03172)",
    correct_from=POINTS,
    is_binary=True,
)
def contains(answer: Answer, item: Item) -> float:
    """100 where the words of one of the references stand side by side in the answer, articles left out; else 0."""
    said = _side_by_side(content_tokens(answer.text, item.language))
    return POINTS * any(_stands_in(reference, said, answer, item) for reference in item.references)


def _stands_in(reference: str, said: str, answer: Answer, item: Item) -> bool:
    """Whether a reference stands in the words of an answer; one of signs alone, such as +, in its text."""
    right = content_tokens(reference, item.language)
    return _side_by_side(right) in said if right else bool(reference.strip()) and occurs(answer.text, reference.strip())


def _right(item: Item) -> list[list[str]]:
    return [_words(reference, item) for reference in item.references]


def _words(text: str, item: Item) -> list[str]:
    """Return the words that count; of a text of signs alone the signs, for + is not − where a sign is asked for."""
    return content_tokens(text, item.language) or text.split()


def _side_by_side(words: list[str]) -> str:
    return f" {' '.join(words)} "


def _f1(said: list[str], right: list[str]) -> float:
    if not said or not right:
        return float(said == right)
    common = (Counter(said) & Counter(right)).total()
    return 2 * common / (len(said) + len(right))
