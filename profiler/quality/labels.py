"""One of several labels: which one an answer chooses, and scores of that."""

import re
from collections.abc import Sequence
from statistics import fmean

from profiler.quality.item import Answer, Item
from profiler.quality.scorer import POINTS, Counts, corpus_scorer, scorer
from profiler.quality.words import occurs, stands_alone, tokens


def chosen(text: str, labels: Sequence[str]) -> str | None:
    """Return the label that an answer chooses: the only one whose words stand in it; None where it is none or several.

    Of labels that contain one another ("urgent", "not urgent") the longer one is meant where it stands. A label of one
    letter that stands in its own case outweighs one that does not, so that "B, a fruit" chooses B and not A. Labels
    that signs alone tell apart ("C", "C++"; "+", "-") are looked for as they are written.
    """
    found = {label: f" {' '.join(tokens(label))} " for label in labels}
    if len({words for words in found.values() if words.strip()}) == len(found):
        said = f" {' '.join(tokens(text))} "
        inside = {label for label, words in found.items() if words in said}
    else:
        found = {label: label.strip().casefold() for label in labels}
        inside = {label for label, written in found.items() if written and occurs(text, written)}
    inside = {label for label in inside if _in_its_case(label, text)} or inside
    meant = {one for one in inside if not any(found[one] in found[other] for other in inside - {one})}
    return meant.pop() if len(meant) == 1 else None


def _in_its_case(label: str, text: str) -> bool:
    return len(label) > 1 or stands_alone(label) or re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) is not None


@scorer(
    "Right label",
    needs={"labels", "references"},
    source="accuracy, as in Banking77, Casanueva et al., 2020 (arXiv:2003.04807)",
    correct_from=POINTS,
    is_binary=True,
)
def choice_accuracy(answer: Answer, item: Item) -> float:
    """100 where the only label whose words stand in the answer is the right one, else 0."""
    return POINTS * (chosen(answer.text, item.labels) == item.references[0])


def _counts(answer: Answer, item: Item) -> Counts:
    """Count an answer as right for its label, or as missing for the right one and wrong for the chosen one."""
    choice, right = chosen(answer.text, item.labels), item.references[0]
    if choice == right:
        return {f"tp {right}": 1}
    return {f"fn {right}": 1} if choice is None else {f"fn {right}": 1, f"fp {choice}": 1}


def _macro_f1(counts: Counts) -> float:
    names = {name.partition(" ")[2] for name, count in counts.items() if count}
    return POINTS * fmean(_f1(*(counts.get(f"{kind} {name}", 0) for kind in ("tp", "fp", "fn"))) for name in names)


def _f1(right: float, wrong: float, missing: float) -> float:
    return 2 * right / (2 * right + wrong + missing)


@corpus_scorer(
    "Macro F1 over labels",
    needs={"labels", "references"},
    source="Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, §13.6",
    counts=_counts,
    total=_macro_f1,
)
def macro_f1(answer: Answer, item: Item) -> float:
    """Mean, over all labels that are right or chosen, of the harmonic mean of precision and recall.

    An answer that chooses no label, or several, is missing for the right one and wrong for none. One answer has 0
    or 100.
    """
    return choice_accuracy(answer, item)
