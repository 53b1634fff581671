"""How much of a reference stands in a text: BLEU and chrF by sacrebleu, ROUGE by rouge-score."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from profiler.quality.item import Answer, Item
from profiler.quality.scorer import POINTS, Counts, corpus_scorer, library, scorer
from profiler.quality.words import CHINESE, tokens

_SPACED, _UNSPACED = (
    "13a",
    "zh",
)  # of sacrebleu's tokenizers: that of WMT, and the one that cuts Chinese into characters
_BY_CHARACTERS = CHINESE | {"ja"}
_SEVERAL = "var"  # sacrebleu's word for references of which there are not equally many


@cache
def _metric(name: str, tokenizer: str | None = None, *, is_single: bool = False) -> Any:
    """Return sacrebleu's BLEU or CHRF with its own defaults; of a single sentence BLEU takes the orders it has."""
    metrics = library("sacrebleu.metrics")
    if tokenizer is None:
        return getattr(metrics, name)()
    return getattr(metrics, name)(tokenize=tokenizer, effective_order=is_single)


def _tokenizer(item: Item) -> str:
    return _UNSPACED if item.language in _BY_CHARACTERS else _SPACED


def _streams(item: Item) -> list[list[str]]:
    return [[reference] for reference in item.references]


def _counted(metric: Any, answer: Answer, item: Item) -> Counts:
    """Return the statistics of one answer, which sacrebleu adds up over a corpus, by their place."""
    (statistics,) = metric._extract_corpus_statistics([answer.text], _streams(item))
    return {str(place): count for place, count in enumerate(statistics)}


def _scored(metric: Any, counts: Counts) -> float:
    return float(metric._compute_score_from_stats([counts[str(place)] for place in range(len(counts))]).score)


def _signature(metric: Any, items: Collection[Item]) -> str:
    """Return sacrebleu's own signature, with the number of references."""
    metric.corpus_score(["a"], [["a"]])
    numbers = {len(item.references) for item in items}
    return str(metric.get_signature().format()).replace(
        "nrefs:1", f"nrefs:{numbers.pop() if len(numbers) == 1 else _SEVERAL}"
    )


def _bleu_signature(items: Collection[Item]) -> str:
    used = sorted({_tokenizer(item) for item in items})
    return " and ".join(_signature(_metric("BLEU", tokenizer), items) for tokenizer in used)


@corpus_scorer(
    "BLEU",
    needs={"references"},
    source="Papineni et al., 2002 (aclanthology.org/P02-1040), by sacrebleu, Post, 2018 (arXiv:1804.08771)",
    counts=lambda answer, item: _counted(_metric("BLEU", _tokenizer(item)), answer, item),
    total=lambda counts: _scored(_metric("BLEU", _SPACED), counts),
    signature=_bleu_signature,
)
def bleu(answer: Answer, item: Item) -> float:
    """Geometric mean of the precisions of 1- to 4-grams of all answers together × brevity penalty.

    sacrebleu's defaults: tokenizer 13a, case kept; Chinese and Japanese by characters. Of a single answer without the
    orders that it is too short for.
    """
    metric = _metric("BLEU", _tokenizer(item), is_single=True)
    return float(metric.sentence_score(answer.text, item.references).score)


@corpus_scorer(
    "Character F-score (chrF)",
    needs={"references"},
    source="Popović, 2015 (aclanthology.org/W15-3049), by sacrebleu, Post, 2018 (arXiv:1804.08771)",
    counts=lambda answer, item: _counted(_metric("CHRF"), answer, item),
    total=lambda counts: _scored(_metric("CHRF"), counts),
    signature=lambda items: _signature(_metric("CHRF"), items),
)
def chrf(answer: Answer, item: Item) -> float:
    """F-score (β = 2) of n-grams of 1 to 6 characters of all answers together; without words, so for any language."""
    return float(_metric("CHRF").sentence_score(answer.text, item.references).score)


class _Tokenizer:
    """What rouge-score asks for, in any script: its own keeps only a to z and 0 to 9."""

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text."""
        return tokens(text)


@cache
def _rouge_scorer() -> Any:
    return library("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=_Tokenizer())


def _rouge_signature(_items: Collection[Item]) -> str:
    library("rouge_score")
    settings = "F1, no stemming, best of the references, Unicode tokenizer of Aforo"
    return f"rouge-score {version('rouge-score')}, {settings}"


def _rouge(kind: str, said: str, references: Sequence[str]) -> float:
    scorer_ = _rouge_scorer()
    return POINTS * max(float(scorer_.score(reference, said)[kind].fmeasure) for reference in references)


def _declare_rouge(kind: str, label: str, what: str) -> Callable[[Answer, Item], float]:
    def score(answer: Answer, item: Item) -> float:
        return _rouge(kind, answer.text, item.references)

    score.__name__ = kind
    score.__doc__ = f"F1 of {what} of answer and reference, the best reference counts; mean over answers."
    return scorer(
        label,
        needs={"references"},
        source="Lin, 2004 (aclanthology.org/W04-1013), by rouge-score",
        signature=_rouge_signature,
    )(score)


rouge1 = _declare_rouge("rouge1", "ROUGE-1", "the words")
rouge2 = _declare_rouge("rouge2", "ROUGE-2", "the pairs of neighbouring words")
rouge_l = _declare_rouge("rougeL", "ROUGE-L", "the longest common subsequence of words")
