from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.errors import WorkloadError
from profiler.workloads import load
from profiler.workloads.messages import Message, Prompt
from profiler.workloads.prompts import make_prompts
from profiler.workloads.schema import (
    ClosedLoop,
    CommonSystem,
    ConversationPrompts,
    DataPrompts,
    Prompts,
    SyntheticPrompts,
    TracePrompts,
    Workload,
)
from profiler.workloads.words import WORDS
from profiler.workloads.writer import MOST_TRIES


def workload(prompts: Prompts) -> Workload:
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
    return list(make_prompts(workload(prompts), Path(), [count], seed, counter))


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
    first, second = synthetic(tokens=3, count=2, seed=1)
    assert first == Prompt((Message("user", "nuwa vulo livi"),), None)
    assert second == Prompt((Message("user", "dosi muse rimu"),), None)


def made(prompts: SyntheticPrompts | ConversationPrompts, count: int, nonce: str, first: int = 0) -> list[Prompt]:
    counter = Counter(uneven, 1)
    return list(make_prompts(workload(prompts), Path(), [2, count - 2], 1, counter, first=first, nonce=nonce))


@pytest.mark.parametrize(
    "prompts",
    [
        SyntheticPrompts(source="synthetic", tokens=40, system=CommonSystem(tokens=30, share=0.5)),
        ConversationPrompts(source="conversations", turns=3, first_tokens=20, turn_tokens=10, answer_tokens=8),
    ],
)
def test_another_nonce_makes_other_words_of_the_same_number(prompts: SyntheticPrompts | ConversationPrompts) -> None:
    one, same, other = made(prompts, 12, "a"), made(prompts, 12, "a"), made(prompts, 12, "b")
    assert one == same
    assert [prompt.tokens for prompt in one] == [prompt.tokens for prompt in other]
    assert [[m.role for m in prompt.messages] for prompt in one] == [[m.role for m in p.messages] for p in other]
    # Not one of them begins like one of the other run: at most a single word may be the same by chance.
    beginnings = [{" ".join(p.messages[0].text.split(" ")[:2]) for p in run} for run in (one, other)]
    assert not beginnings[0] & beginnings[1]


def test_every_load_of_a_run_asks_the_same_rows(tmp_path: Path) -> None:
    # A sweep over 32 rows, 16 of them at each load, with warm-ups of different lengths.
    (tmp_path / "rows.txt").write_text("\n".join(f"row {number}" for number in range(32)))
    data = workload(DataPrompts(source="data", file="rows.txt"))
    one = [prompt.text for prompt in make_prompts(data, tmp_path, [2, 16], 1, first=0)]
    four = [prompt.text for prompt in make_prompts(data, tmp_path, [8, 16], 1, first=18)]
    assert one[2:] == four[8:]
    assert not set(one[:2]) & set(one[2:])  # the warm-up has others, as long as there are enough
    cooled = [prompt.text for prompt in make_prompts(data, tmp_path, [2, 16, 3], 1)]
    assert cooled[-3:] == one[2:5]  # a cool-down asks no rows that the repeats do not


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
    texts = [prompt.text for prompt in make_prompts(data, tmp_path, [4, 6], seed=1)]
    assert sorted(texts[:4]) == ["four", "one", "three", "two"]
    assert texts[4:8] == texts[:4]
    assert texts[8:] == texts[:2]
    orders = {tuple(make_prompts(data, tmp_path, [4], seed)) for seed in range(20)}
    assert len(orders) > 5


def test_rows_are_counted_once_each(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("one\ntwo words\n")
    data = workload(DataPrompts(source="data", file="rows.txt"))
    counter = Counter(one)
    prompts = make_prompts(data, tmp_path, [6], 1, counter)
    assert {prompt.text: prompt.tokens for prompt in prompts} == {"one": 1, "two words": 2}
    assert counter.calls == 2


def test_shipped_workloads_make_prompts() -> None:
    for loaded in load.available():
        prompts = list(make_prompts(loaded.workload, loaded.folder, [1, loaded.workload.requests], seed=1))
        assert len(prompts) == 1 + loaded.workload.requests
        assert all(prompt.text for prompt in prompts)


def test_prompts_are_made_while_they_are_taken() -> None:
    counter = Counter(one)
    prompts = make_prompts(workload(SyntheticPrompts(source="synthetic", tokens=5)), Path(), [1_000_000], 1, counter)
    assert [next(prompts).tokens for _ in range(3)] == [5, 5, 5]
    assert counter.calls == 3


# A common system prompt


def with_system(share: float, blocks: list[int], counter: Callable[[str], int] | None = None) -> list[Prompt]:
    prompts = SyntheticPrompts(source="synthetic", tokens=6, system=CommonSystem(tokens=20, share=share))
    return list(make_prompts(workload(prompts), Path(), blocks, 1, counter))


def has_system(prompt: Prompt) -> bool:
    return prompt.messages[0].role == "system"


@given(st.integers(0, 40), st.integers(1, 40), st.integers(1, 3))
def test_the_share_is_exact_in_every_block_and_evenly_spread(part: int, whole: int, times: int) -> None:
    part = min(part, whole)
    prompts = with_system(part / whole, [whole * times, whole])
    having = [has_system(prompt) for prompt in prompts]
    assert sum(having[: whole * times]) == part * times
    assert sum(having[whole * times :]) == part
    for first in range(whole * times - whole):  # any stretch of the block
        assert abs(sum(having[first : first + whole]) - part) <= 1


@pytest.mark.parametrize("tokens_of_word", [one, uneven], ids=["one", "uneven"])
@pytest.mark.parametrize("extra_tokens", [0, 1])
def test_the_system_prompt_is_one_and_the_same_and_comes_on_top(
    tokens_of_word: Callable[[str], int], extra_tokens: int
) -> None:
    counter = Counter(tokens_of_word, extra_tokens)
    prompts = with_system(0.5, [4, 20], counter)
    systems = {prompt.messages[0].text for prompt in prompts if has_system(prompt)}
    assert len(systems) == 1
    assert counter(systems.pop()) == 20
    users = [prompt.messages[-1] for prompt in prompts]
    assert {message.role for message in users} == {"user"}
    assert len({message.text.split(" ")[0] for message in users}) == len(users)
    for prompt in prompts:
        assert prompt.tokens == counter(prompt.text) == (26 if has_system(prompt) else 6)


def test_the_seed_decides_who_has_the_system_prompt() -> None:
    prompts = SyntheticPrompts(source="synthetic", tokens=6, system=CommonSystem(tokens=20, share=0.5))
    orders = {tuple(map(has_system, make_prompts(workload(prompts), Path(), [4], seed))) for seed in range(20)}
    assert orders == {(True, False, True, False), (False, True, False, True)}


# Conversations


def conversations(
    blocks: list[int],
    turns: int = 3,
    system: CommonSystem | None = None,
    answer_tokens: int | None = 5,
    counter: Callable[[str], int] | None = None,
) -> list[Prompt]:
    prompts = ConversationPrompts(
        source="conversations",
        turns=turns,
        first_tokens=10,
        turn_tokens=4,
        answer_tokens=answer_tokens,
        system=system,
    )
    return list(make_prompts(workload(prompts), Path(), blocks, 1, counter))


def test_every_turn_carries_all_that_was_said_before() -> None:
    first, second, third, other, *_ = conversations([6], system=CommonSystem(tokens=7))
    roles = ["system", "user", "assistant", "user", "assistant", "user"]
    assert [message.role for message in third.messages] == roles
    assert second.messages[:2] == first.messages
    assert third.messages[:4] == second.messages
    assert third.text.startswith(f"{second.text} ")
    assert other.messages[0] == first.messages[0]
    assert other.messages[1].text.split(" ")[0] != first.messages[1].text.split(" ")[0]


@pytest.mark.parametrize("tokens_of_word", [one, uneven], ids=["one", "uneven"])
@pytest.mark.parametrize("extra_tokens", [0, 1])
def test_every_turn_has_its_exact_length(tokens_of_word: Callable[[str], int], extra_tokens: int) -> None:
    counter = Counter(tokens_of_word, extra_tokens)
    prompts = conversations([6], system=CommonSystem(tokens=7, share=0.5), counter=counter)
    assert [prompt.tokens for prompt in prompts] in (
        [17, 26, 35, 10, 19, 28],  # 7 + 10, then 5 of the answer and 4 of the user more each time
        [10, 19, 28, 17, 26, 35],
    )
    assert [prompt.tokens for prompt in prompts] == [counter(prompt.text) for prompt in prompts]


def test_answers_are_as_long_as_those_asked_for_unless_given() -> None:
    _, second = conversations([2], turns=2, answer_tokens=None)
    assert len(second.messages[1].text.split(" ")) == 1  # output_tokens of the workload


def test_a_conversation_goes_on_from_one_block_to_the_next() -> None:
    prompts = conversations([2, 3])  # three turns each: the load is kept up from block to block, and so are they
    assert [len(prompt.messages) for prompt in prompts] == [1, 3, 5, 1, 3]
    assert len({prompt.messages[0] for prompt in prompts}) == 2


# Traces


def traced(
    folder: Path, rows: list[str], blocks: list[int], counter: Callable[[str], int] | None = None
) -> list[Prompt]:
    (folder / "trace.jsonl").write_text("\n".join(rows) + "\n")
    prompts = TracePrompts(source="trace", file="trace.jsonl")
    return list(make_prompts(workload(prompts), folder, blocks, 1, counter))


def row(tokens: int, out: int, ids: list[int]) -> str:
    return f'{{"timestamp": 0, "input_length": {tokens}, "output_length": {out}, "hash_ids": {ids}}}'


def test_prompts_and_answers_have_the_lengths_of_the_rows(tmp_path: Path) -> None:
    prompts = traced(tmp_path, [row(30, 4, []), row(7, 2, [])], [1, 3], Counter(one))
    assert [(prompt.tokens, prompt.output_tokens) for prompt in prompts] == [(30, 4), (30, 4), (7, 2), (30, 4)]
    assert len({prompt.text.split(" ")[0] for prompt in prompts}) == 4


def common_words(one_prompt: Prompt, other: Prompt) -> int:
    pairs = zip(one_prompt.text.split(" "), other.text.split(" "), strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), 0)


@pytest.mark.parametrize("tokens_of_word", [one, uneven], ids=["one", "uneven"])
@pytest.mark.parametrize("extra_tokens", [0, 1])
def test_rows_with_the_same_leading_ids_share_that_prefix_and_no_more(
    tmp_path: Path, tokens_of_word: Callable[[str], int], extra_tokens: int
) -> None:
    counter = Counter(tokens_of_word, extra_tokens)
    rows = [row(1100, 1, [1, 2, 3]), row(1030, 1, [1, 2, 4]), row(600, 1, [1, 5]), row(600, 1, [6, 7])]
    prompts = traced(tmp_path, [*rows, rows[0]], [5], counter)
    assert [prompt.tokens for prompt in prompts] == [1100, 1030, 600, 600, 1100]
    assert [counter(prompt.text) for prompt in prompts] == [1100, 1030, 600, 600, 1100]
    words = prompts[0].text.split(" ")
    assert counter(" ".join(words[: common_words(prompts[0], prompts[1])])) == 1024 + extra_tokens
    assert counter(" ".join(words[: common_words(prompts[0], prompts[2])])) == 512 + extra_tokens
    assert common_words(prompts[0], prompts[3]) == 0
    assert prompts[4] == prompts[0]


def test_each_time_through_a_trace_has_words_of_its_own(tmp_path: Path) -> None:
    """Or the second repeat would find the prompts of the first in a cache."""
    prompts = traced(tmp_path, [row(600, 1, [1, 2]), row(700, 1, [1, 3])], [2, 4])
    assert len({prompt.text[:100] for prompt in prompts}) == 3
    assert prompts[0].text[:1000] == prompts[1].text[:1000]


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_context_of_exact_length_stands_before_each_prompt(*, is_shared: bool) -> None:
    counter = Counter(uneven, 1)
    deep = workload(SyntheticPrompts(source="synthetic", tokens=20, depth=200))
    found = list(make_prompts(deep, Path(), [1, 5], 1, counter, is_context_shared=is_shared))
    assert [prompt.tokens for prompt in found] == [counter(prompt.text) for prompt in found] == [220] * 6
    assert {message.role for prompt in found for message in prompt.messages} == {"user"}
    assert len({prompt.text.split(" ")[0] for prompt in found}) == (1 if is_shared else 6)
    assert len({prompt.text for prompt in found}) == 6  # what is asked behind it differs in any case


def test_worked_examples_of_its_language_stand_before_each_item(tmp_path: Path) -> None:
    rows = [
        '{"prompt": "q", "reference": "a", "language": "en"}',
        '{"prompt": "p", "reference": "r", "language": "es"}',
        *(f'{{"prompt": "{n} en", "reference": "{n}", "language": "en", "role": "example"}}' for n in range(3)),
        *(f'{{"prompt": "{n} es", "reference": "{n}", "language": "es", "role": "example"}}' for n in range(2)),
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    shown = workload(DataPrompts(source="data", file="rows.jsonl", shots=2))
    texts = {prompt.text for prompt in make_prompts(shown, tmp_path, [0, 2], 1)}
    assert texts == {"0 en 0\n\n1 en 1\n\nq", "0 es 0\n\n1 es 1\n\np"}
    chat = shown.model_copy(update={"api": "chat"})
    roles = {tuple(m.role for m in prompt.messages) for prompt in make_prompts(chat, tmp_path, [0, 2], 1)}
    assert roles == {("user", "assistant", "user", "assistant", "user")}
    too_many = workload(DataPrompts(source="data", file="rows.jsonl", shots=[0, 3]))
    with pytest.raises(WorkloadError, match=r"asks for 3 worked examples, and rows\.jsonl has 2 in es\."):
        list(make_prompts(too_many, tmp_path, [0, 2], 1))
