"""Short answers, scored by hand."""

import pytest

from profiler.quality.answers import contains, exact_match, token_f1
from profiler.quality.item import Answer, Item


@pytest.mark.parametrize(
    ("said", "right", "exact", "f1", "contained"),
    [
        ("Paris", "Paris", 100, 100, 100),
        ("  paris. ", "Paris", 100, 100, 100),
        ("The capital is Paris.", "Paris", 0, 50, 100),  # words capital, is, paris: 2 × 1 / (3 + 1)
        ("Parisian", "Paris", 0, 0, 0),
        ("", "Paris", 0, 0, 0),
        ("«Madrid»", "madrid", 100, 100, 100),
        ("北京。", "北京", 100, 100, 100),
        ("باريس.", "باريس", 100, 100, 100),
        ("STRASSE", "Straße", 100, 100, 100),
        ("+", "+", 100, 100, 100),
        ("-", "+", 0, 0, 0),  # a sign is a word where no word is asked for
        ("…", "+", 0, 0, 0),
        ("", "+", 0, 0, 0),
        ("It is + here.", "+", 0, 0, 100),
    ],
)
def test_one_reference(said: str, right: str, exact: float, f1: float, contained: float) -> None:
    item, answer = Item(id="1", references=[right]), Answer(said)
    assert (exact_match(answer, item), token_f1(answer, item), contains(answer, item)) == (exact, f1, contained)


def test_the_nearest_reference_counts() -> None:
    item = Item(id="1", references=["platform 4", "4"])
    assert (exact_match(Answer("4"), item), token_f1(Answer("Platform 4."), item)) == (100, 100)


def test_articles_are_those_of_the_language() -> None:
    assert exact_match(Answer("la luna"), Item(id="1", language="es", references=["Luna"])) == 100
    assert exact_match(Answer("la luna"), Item(id="1", references=["luna"])) == 0


@pytest.mark.parametrize(("language", "right"), [("en", "A"), (None, "A"), ("es", "LA"), ("de", "Die"), ("fr", "L")])
def test_an_answer_that_is_spelt_as_an_article_is_an_answer(language: str | None, right: str) -> None:
    item = Item(id="1", language=language, references=[right])
    for scorer in (exact_match, token_f1):
        assert scorer(Answer(f"{right}."), item) == 100
        assert scorer(Answer(""), item) == 0
        assert scorer(Answer("B"), item) == 0
    assert exact_match(Answer("the"), Item(id="1", references=["A"])) == 0


@pytest.mark.parametrize(
    ("said", "right", "score"),
    [("الجليد", "جليد", 100), ("جَلِيد.", "جليد", 100), ("الثلج", "جليد", 0), ("الله", "الله", 100), ("له", "الله", 0)],
)
def test_arabic_is_compared_without_article_and_short_vowels(said: str, right: str, score: float) -> None:
    item = Item(id="1", language="ar", references=[right])
    assert [exact_match(Answer(said), item), contains(Answer(f"هو {said}"), item)] == [score, score]


@pytest.mark.parametrize(
    ("said", "right", "score"),
    [
        ("It is 1,000,000.", "1000000", 100),
        ("Son 12.500 euros", "12500", 100),
        ("1000", "1,000", 100),
        ("1\u202f000 km", "1000", 100),
        ("10,00", "1000", 0),
        ("at 11:100", "11100", 0),
        ("3.5", "35", 0),
    ],
)
def test_a_long_number_is_the_same_in_groups_of_three_digits(said: str, right: str, score: float) -> None:
    assert contains(Answer(said), Item(id="1", references=[right])) == score


@pytest.mark.parametrize(
    ("language", "said", "right", "score"),
    [
        ("en", "It is 3.5 metres.", "5", 0),
        ("en", "It is 3.5 metres.", "3.5", 100),
        ("es", "Mide 3,5 metros.", "5", 0),
        ("es", "Mide 3,5 metros.", "3.5", 100),
        ("en", "1, 2,3", "2", 100),  # a list
        ("en", "from 1.2.3 on", "2", 100),  # a version, whose parts are no fractions
        ("en", "It is -5 °C.", "5", 0),
        ("en", "It is \u22125 °C.", "-5", 100),
        ("en", "2-5 days", "5", 100),
        ("en", "(a)-5", "5", 100),
    ],
)
def test_a_number_is_one_word_with_its_decimals_and_its_minus(
    language: str, said: str, right: str, score: float
) -> None:
    assert contains(Answer(said), Item(id="1", language=language, references=[right])) == score


def test_a_chinese_sentence_contains_an_answer() -> None:
    assert contains(Answer("中国的首都是北京。"), Item(id="1", language="zh", references=["北京"])) == 100
