"""Labels: what an answer chooses, and macro F1 worked by hand."""

import pytest

from profiler.quality.catalogue import SCORERS
from profiler.quality.item import Answer, Item
from profiler.quality.labels import choice_accuracy, chosen
from profiler.stats.jackknife import added_up

LABELS = ["billing", "delivery", "not urgent", "urgent", "avería"]


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("billing", "billing"),
        ("Billing.", "billing"),
        ("The label is: **delivery**", "delivery"),
        ("Not urgent!", "not urgent"),
        ("urgent", "urgent"),
        ("AVERÍA", "avería"),
        ("billing or delivery", None),
        ("rebilling", None),
        ("", None),
    ],
)
def test_the_label_that_an_answer_chooses(said: str, label: str | None) -> None:
    assert chosen(said, LABELS) == label


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("A", "A"),
        ("b.", "B"),
        ("B. It is a fruit.", "B"),
        ("The answer is (C), a stone", "C"),
        ("A or B", None),
        ("Apple", None),
    ],
)
def test_a_letter_is_no_article(said: str, label: str | None) -> None:
    assert chosen(said, ["A", "B", "C"]) == label


@pytest.mark.parametrize(("said", "label"), [("很好。", "好"), ("坏", "坏"), ("好坏", None)])
def test_a_label_of_one_chinese_character(said: str, label: str | None) -> None:
    assert chosen(said, ["好", "坏"]) == label


@pytest.mark.parametrize(
    ("said", "labels", "label"),
    [
        ("The language is C++.", ["C", "C++", "C#"], "C++"),
        ("It is C, I think", ["C", "C++", "C#"], "C"),
        ("c#", ["C", "C++", "C#"], "C#"),
        ("C or C++", ["C", "C++", "C#"], "C++"),  # the longer one is meant where it stands, as of words
        ("+", ["+", "-"], "+"),
        ("", ["+", "neutral"], None),
        ("neutral", ["+", "neutral"], "neutral"),
        ("good", ["+", "-"], None),
        ("I would say 👎, since it broke.", ["👍", "👎"], "👎"),
        ("It is >5.", ["<5", ">5"], ">5"),
    ],
)
def test_labels_that_signs_tell_apart(said: str, labels: list[str], label: str | None) -> None:
    assert chosen(said, labels) == label


def test_macro_f1_by_hand() -> None:
    """Of a: right, right, chosen b. Of b: right. Of c: nothing chosen. F1 of a 4/5, of b 2/3, of c 0."""
    labels = ["a", "b", "c"]
    said = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("c", "I do not know")]
    answers = [(Answer(text), Item(id="1", labels=labels, references=[right])) for right, text in said]
    scorer = SCORERS["macro_f1"]
    assert scorer.counts
    assert scorer.total
    assert scorer.total(added_up([scorer.counts(*pair) for pair in answers])) == pytest.approx(
        100 * (4 / 5 + 2 / 3) / 3
    )
    assert [choice_accuracy(*pair) for pair in answers] == [100, 100, 0, 100, 0]
