import pytest

from profiler.models import shapes, wordpiece
from profiler.workloads.words import WORDS


@pytest.mark.parametrize("size", [wordpiece.smallest_size(), shapes.NOMIC_EMBED.vocabulary_size])
def test_it_has_exactly_the_wanted_size_and_no_token_twice(size: int) -> None:
    made = wordpiece.make(size)
    assert len(made.tokens) == len(set(made.tokens)) == size


def test_special_tokens_have_the_ids_of_bert() -> None:
    tokens = wordpiece.make(8192).tokens
    assert [tokens[number] for number in (0, 100, 101, 102, 103)] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def test_every_word_is_one_token() -> None:
    assert {f"\u2581{word}" for word in WORDS} <= set(wordpiece.make(wordpiece.smallest_size()).tokens)


def test_a_vocabulary_too_small_for_the_words_is_refused() -> None:
    with pytest.raises(ValueError, match="too small; it takes 3840 or more"):
        wordpiece.make(3839)
