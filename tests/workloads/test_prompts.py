from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.workloads import load
from profiler.workloads.prompts import MOST_TRIES, Prompt, make_prompts
from profiler.workloads.schema import ClosedLoop, DataPrompts, SyntheticPrompts, Workload
from profiler.workloads.words import WORDS


def workload(prompts: SyntheticPrompts | DataPrompts) -> Workload:
    return Workload(
        id="x",
        version=1,
        description="x",
        prompts=prompts,
        output_tokens=1,
        load=ClosedLoop(shape="closed-loop"),
        requests=1,
    )


def synthetic(tokens: int, count: int, seed: int = 1, counter: Callable[[str], int] | None = None) -> list[Prompt]:
    prompts = SyntheticPrompts(source="synthetic", tokens=tokens)
    return make_prompts(workload(prompts), Path(), count, seed, counter)


class Counter:
    """A tokenizer, by how many tokens it makes of a word; it knows the filler."""

    def __init__(self, tokens_of_word: Callable[[str], int], extra_tokens: int = 0) -> None:
        self.tokens_of_word = tokens_of_word
        self.extra_tokens = extra_tokens
        self.calls = 0

    def __call__(self, text: str) -> int:
        self.calls += 1
        return self.extra_tokens + sum(1 if word == "a" else self.tokens_of_word(word) for word in text.split(" "))


def one(_word: str) -> int:
    return 1


def uneven(word: str) -> int:
    """1 to 3 tokens, 2 on average, like tokenizers trained on real text."""
    return 1 + sum(map(ord, word)) % 3


def test_every_prompt_begins_with_another_word() -> None:
    prompts = synthetic(tokens=4, count=3600)
    assert len({prompt.text.split(" ")[0] for prompt in prompts}) == 3600


def test_without_a_tokenizer_there_is_a_word_for_each_token_and_no_count() -> None:
    (prompt,) = synthetic(tokens=7, count=1)
    assert set(prompt.text.split(" ")) <= set(WORDS)
    assert len(prompt.text.split(" ")) == 7
    assert prompt.tokens is None


def test_the_same_seed_gives_the_same_prompts_for_ever() -> None:
    assert synthetic(tokens=3, count=2, seed=1) == [("nuwa vulo livi", None), ("dosi muse rimu", None)]


def test_prompts_depend_on_the_seed_and_not_on_their_number() -> None:
    assert synthetic(tokens=9, count=5, seed=3)[:2] == synthetic(tokens=9, count=2, seed=3)
    assert synthetic(tokens=9, count=5, seed=3) != synthetic(tokens=9, count=5, seed=4)


def test_words_that_are_tokens_take_one_call_each() -> None:
    counter = Counter(one)
    prompts = synthetic(tokens=128, count=10, counter=counter)
    assert [prompt.tokens for prompt in prompts] == [128] * 10
    assert counter.calls == 10


@pytest.mark.parametrize("tokens", [1, 2, 16, 128, 1024])
@pytest.mark.parametrize("tokens_of_word", [one, uneven, len, lambda word: 2], ids=["one", "uneven", "letters", "two"])
@pytest.mark.parametrize("extra_tokens", [0, 1])
def test_lengths_are_exact_in_few_calls(tokens: int, tokens_of_word: Callable[[str], int], extra_tokens: int) -> None:
    counter = Counter(tokens_of_word, extra_tokens)
    prompts = synthetic(tokens=tokens, count=20, counter=counter)
    shortest = extra_tokens + max(tokens_of_word(prompt.text.split(" ")[0]) for prompt in prompts)
    for prompt in prompts:
        assert prompt.tokens == counter(prompt.text)
        assert prompt.tokens == tokens or shortest > tokens
    if shortest <= tokens:
        assert counter.calls - 20 <= 20 * 5


def test_a_length_that_cannot_be_had_gives_the_nearest_and_its_true_count() -> None:
    def even(text: str) -> int:
        return 2 * len(text.split(" "))

    calls = 0

    def counted(text: str) -> int:
        nonlocal calls
        calls += 1
        return even(text)

    (prompt,) = synthetic(tokens=7, count=1, counter=counted)
    assert prompt.tokens == even(prompt.text)
    assert prompt.tokens in {6, 8}
    assert calls <= MOST_TRIES


@given(st.integers(1, 50), st.lists(st.integers(0, 100), min_size=1))
def test_a_tokenizer_without_reason_does_no_harm(tokens: int, answers: list[int]) -> None:
    calls = 0

    def counter(text: str) -> int:
        nonlocal calls
        assert len(text.split(" ")) <= 2 * MOST_TRIES * tokens + 1
        calls += 1
        return answers[calls % len(answers)]

    prompts = synthetic(tokens=tokens, count=3, counter=counter)
    assert len(prompts) == 3
    assert all(prompt.text for prompt in prompts)


def test_rows_come_in_seeded_order_and_from_the_start_again(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("one\ntwo\nthree\nfour\n")
    data = workload(DataPrompts(source="data", file="rows.txt"))
    texts = [prompt.text for prompt in make_prompts(data, tmp_path, 10, seed=1)]
    assert sorted(texts[:4]) == ["four", "one", "three", "two"]
    assert texts[4:8] == texts[:4]
    assert texts[8:] == texts[:2]
    orders = {tuple(make_prompts(data, tmp_path, 4, seed)) for seed in range(20)}
    assert len(orders) > 5


def test_rows_are_counted_once_each(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("one\ntwo words\n")
    data = workload(DataPrompts(source="data", file="rows.txt"))
    counter = Counter(one)
    prompts = make_prompts(data, tmp_path, 6, 1, counter)
    assert {prompt.text: prompt.tokens for prompt in prompts} == {"one": 1, "two words": 2}
    assert counter.calls == 2


def test_shipped_workloads_make_prompts() -> None:
    for loaded in load.available():
        count = loaded.workload.total_requests
        assert len(make_prompts(loaded.workload, loaded.folder, count, seed=1)) == count
