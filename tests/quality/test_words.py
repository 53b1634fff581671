"""Words of six languages, and of scripts that put no spaces between them."""

import pytest
from rouge_score.tokenizers import DefaultTokenizer

from profiler.quality.words import content_tokens, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The train leaves at 9:40.", ["the", "train", "leaves", "at", "9", "40"]),
        ("¿Quién escribió «Don Quijote»?", ["quién", "escribió", "don", "quijote"]),
        ("Die Straße heißt Öl-Gasse", ["die", "strasse", "heisst", "öl", "gasse"]),
        ("L'été, à l'œuvre", ["l", "été", "à", "l", "œuvre"]),
        ("中国的首都是北京。", ["中", "国", "的", "首", "都", "是", "北", "京"]),
        ("ما هي عاصمة فرنسا؟", ["ما", "هي", "عاصمة", "فرنسا"]),
        ("كِتَابٌ جديد", ["كِتَابٌ", "جديد"]),  # marks stay with their letters
        ("iPhone在北京", ["iphone", "在", "北", "京"]),
        ("snake_case — ½ ①", ["snake", "case", "1", "2", "1"]),
        ("e\u0301te\u0301", ["été"]),
        ("", []),
        ("…!?", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_ascii_is_parted_as_rouge_score_does_it() -> None:
    text = "It's 3.5 times A_b-C (see [1], e.g. http://x.org/?q=1&r=2), isn't it?\tYES"
    assert tokens(text) == DefaultTokenizer(use_stemmer=False).tokenize(text)


def test_articles_of_a_language_without_any_are_words() -> None:
    assert content_tokens("a the", "zh") == ["a", "the"]
    assert content_tokens("The a cat", None) == ["cat"]
