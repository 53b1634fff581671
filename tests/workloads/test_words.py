from profiler.workloads.words import FILLER, SYLLABLES, WORDS


def test_words_are_two_syllables_each_and_all_different() -> None:
    assert len(SYLLABLES) == len(set(SYLLABLES)) == 60
    assert len(WORDS) == len(set(WORDS)) == 3600
    assert all(len(word) == 4 and word.isascii() and word.islower() for word in WORDS)
    assert FILLER not in WORDS
