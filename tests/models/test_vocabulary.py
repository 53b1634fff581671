import pytest

from profiler.models import shapes, vocabulary
from profiler.workloads.words import FILLER, WORDS

SIZES = [vocabulary.smallest_size(), 8192, 49_152, 151_936, 262_144]


@pytest.mark.parametrize("size", SIZES)
def test_it_has_exactly_the_wanted_size_and_no_token_twice(size: int) -> None:
    made = vocabulary.make(size)
    assert len(made.tokens) == len(set(made.tokens)) == size
    assert len(made.merges) == len(set(made.merges)) == size - len(vocabulary.CONTROL_TOKENS) - 256


@pytest.mark.parametrize("size", SIZES[:3])
def test_every_word_is_a_token_bare_and_after_a_space(size: int) -> None:
    tokens = set(vocabulary.make(size).tokens)
    assert {*WORDS, *(vocabulary.SPACE + word for word in WORDS), vocabulary.SPACE + FILLER} <= tokens


def test_every_merge_joins_two_tokens_into_a_third_that_comes_later() -> None:
    made = vocabulary.make(8192)
    ids = {token: index for index, token in enumerate(made.tokens)}
    for merge in made.merges:
        left, right = merge.split(" ")
        assert max(ids[left], ids[right]) < ids[left + right]


def test_byte_symbols_are_256_visible_characters() -> None:
    symbols = vocabulary.byte_symbols()
    assert len(set(symbols)) == 256
    assert all(symbol.isprintable() and not symbol.isspace() for symbol in symbols)
    assert symbols[ord("a")] == "a"
    assert symbols[0x20] == "Ġ"
    assert symbols[0x0A] == "Ċ"


def test_all_but_printable_ascii_is_quiet() -> None:
    made = vocabulary.make(8192)
    assert vocabulary.quiet_ids()[:3] == [0, 1, 2]
    heard = [token for index, token in enumerate(made.tokens) if index not in set(vocabulary.quiet_ids())]
    assert all(token.replace(vocabulary.SPACE, " ").isascii() for token in heard)
    assert len(vocabulary.quiet_ids()) == 3 + 256 - 95  # ASCII has 95 printable characters


def test_a_vocabulary_too_small_for_the_words_is_refused() -> None:
    with pytest.raises(ValueError, match="too small; it takes 7580 or more"):
        vocabulary.make(7579)


def test_every_shape_has_room_for_the_words() -> None:
    assert all(
        shape.vocabulary_size >= vocabulary.smallest_size()
        for shape in shapes.SHAPES.values()
        if not shape.is_embedding
    )
