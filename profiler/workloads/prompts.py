"""The prompts of a workload, the same ones for the same seed and nonce on every host, one at a time."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import chain
from pathlib import Path
from random import Random

from profiler.workloads import items, traces
from profiler.workloads.items import Data, Item
from profiler.workloads.messages import Message, Prompt, Role, joined
from profiler.workloads.schema import CommonSystem, ConversationPrompts, SyntheticPrompts, TracePrompts, Workload
from profiler.workloads.traces import BLOCK_TOKENS, Trace
from profiler.workloads.words import FILLER, WORDS
from profiler.workloads.writer import NOTHING, CountTokens, Fit, Text, Words, Writer, shuffled

_WITH_COOLDOWN = 3  # blocks: warm-up, a repeat, and what keeps the load on behind it


def make_prompts(
    workload: Workload,
    source_dir: Path,
    blocks: Sequence[int],
    seed: int,
    count_tokens: CountTokens | None = None,
    trace: Trace | None = None,
    data: Data | None = None,
    first: int = 0,
    nonce: str = "",
    *,
    is_context_shared: bool = False,
) -> Iterator[Prompt]:
    """Return the prompts of blocks of requests in turn: the warm-up, each repeat and, of three or more, the cool-down.

    They are made while they are taken, so that a million of them need no more memory than one. Synthetic texts are
    random words, of an exact length where `count_tokens` is given (see `Writer`). The first 3600 of them differ from
    the first word on, so that no server can reuse what it computed for an earlier one, save what a workload shares
    on purpose: a common system prompt, the history of a conversation, the blocks that rows of a trace have in common.

    Conversations go on from one block to the next. A trace begins anew with each block, and with words of its own.
    Data prompts are rows in an order that the seed decides, from the start again when there are too few; the warm-up
    has the last ones, so that the repeats begin with the first one however long it is, and the cool-down begins
    with the first one again: the rows that a load asks are those of its repeats. `first` is the index in the
    run of the first request: other loads of a run get other words, and the same rows. With another `nonce` all words
    are others, of the same number: a server that has kept the prompts of an earlier run has none of these.
    `trace` and `data` save reading the workload's files once more. A context before each prompt (`depth`) is the same
    for all where `is_context_shared`, else different from the first word on. Raises WorkloadError where the data file,
    looked for in `source_dir`, cannot be used.
    """
    prompts, writer = workload.prompts, Writer(count_tokens)
    key = f"{seed + first}/{nonce}" if nonce else f"{seed + first}"
    if isinstance(prompts, SyntheticPrompts):
        contexts = _Contexts(_one(prompts.depth), key, writer, is_shared=is_context_shared)
        return _synthetic(prompts, sum(blocks), key, writer, contexts)
    if isinstance(prompts, ConversationPrompts):
        return _conversations(prompts, workload.output_tokens, sum(blocks), key, writer)
    if isinstance(prompts, TracePrompts):
        return _traced(trace or traces.read(prompts, source_dir), blocks, key, writer)
    found = data or items.load(prompts, source_dir)
    asked = [
        item._replace(messages=items.asked(found, item, _one(prompts.shots), is_chat=workload.api == "chat"))
        for item in shuffled(found.items, seed)
    ]
    return _data(asked, blocks, count_tokens)


def _one(value: int | list[int]) -> int:
    """Return the value of a key that a sweep has several of: at a point it has one, and elsewhere the first will do."""
    return value[0] if isinstance(value, list) else value


def _data(data: Sequence[Item], blocks: Sequence[int], count_tokens: CountTokens | None) -> Iterator[Prompt]:
    counts: dict[str, int] = {}
    warmup, cooldown = next(iter(blocks), 0), blocks[-1] if len(blocks) >= _WITH_COOLDOWN else 0
    for index in chain(range(-warmup, sum(blocks) - warmup - cooldown), range(cooldown)):
        item = data[index % len(data)]
        text = joined(item.messages)
        if count_tokens and text not in counts:
            counts[text] = count_tokens(text)
        yield Prompt(
            item.messages, counts.get(text), item=item.name, references=item.references, language=item.language
        )


def _synthetic(
    prompts: SyntheticPrompts, count: int, key: str, writer: Writer, contexts: "_Contexts"
) -> Iterator[Prompt]:
    openings, system = _Openings(key), _System(prompts.system, key, writer)
    for index in range(count):
        before = system.before(index)
        context, words = contexts.before(index, openings.words(index), before)
        user = writer.write(words, prompts.tokens, [*before, *context])
        whole = Text(" ".join(text.words for text in (*context, user)), user.tokens)
        yield _prompt([*before, whole], has_system=bool(before))


def _conversations(
    prompts: ConversationPrompts, output_tokens: int, count: int, key: str, writer: Writer
) -> Iterator[Prompt]:
    """Yield the turns of one conversation after the other.

    The answers in a history are made beforehand, like everything else that is sent, so that every engine gets the same
    bytes. A prefix cache can therefore reuse the earlier *prompt*, but not what the engine generated itself: the
    history goes on with another answer of the same length.
    """
    openings, system = _Openings(key), _System(prompts.system, key, writer)
    answer_tokens = prompts.answer_tokens or output_tokens
    for conversation, first in enumerate(range(0, count, prompts.turns)):
        before = system.before(conversation)
        words, texts = openings.words(conversation), list(before)
        for turn in range(min(prompts.turns, count - first)):
            if turn:
                answer = Words(f"{key}/{conversation}/{turn}/answer")
                texts.append(writer.write(answer, answer_tokens, texts))
                words = Words(f"{key}/{conversation}/{turn}")
            texts.append(writer.write(words, prompts.turn_tokens if turn else prompts.first_tokens, texts))
            yield _prompt(texts, has_system=bool(before))


def _traced(trace: Trace, blocks: Sequence[int], key: str, writer: Writer) -> Iterator[Prompt]:
    """Yield prompts with the lengths of a trace's rows; rows with the same leading block ids share their beginnings."""
    openings, index = _Openings(key), 0
    for number, block in enumerate(blocks):
        for position in range(block):
            time_through, row = divmod(position, len(trace))
            if row == 0:  # words of its own, so that nothing is left of it in a cache
                shared = _Shared(f"{key}/{number}/{time_through}", writer)
            tokens, ids = trace.prompt_tokens[row], trace.block_ids(row)
            text = shared.text(ids, tokens) if ids else writer.write(openings.words(index), tokens)
            yield _prompt([text], output_tokens=trace.output_tokens[row])
            index += 1


class _Openings:
    """Words for prompts that differ from the first word on."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._first_words = shuffled(WORDS, key)

    def words(self, index: int) -> Words:
        return Words(f"{self._key}/{index}", self._first_words[index % len(self._first_words)])


class _System:
    """The common system prompt, and who begins with it: an exact share of them, evenly spread; the seed decides."""

    def __init__(self, system: CommonSystem | None, key: str, writer: Writer) -> None:
        self._text = writer.write(Words(f"{key}/system"), system.tokens) if system else NOTHING
        self._share = Fraction(system.share if system else 0).limit_denominator(1_000_000)
        self._offset = int(Random(f"{key.partition('/')[0]}/share").random() * self._share.denominator)  # noqa: S311 - no secret

    def before(self, position: int) -> list[Text]:
        """Return what stands before the words of a request: the system prompt or nothing."""
        reached, all_of = self._offset + position * self._share.numerator, self._share.denominator
        return [self._text] if (reached + self._share.numerator) // all_of > reached // all_of else []


class _Contexts:
    """What stands before each prompt of a depth: the same words for all, or words of their own."""

    def __init__(self, tokens: int, key: str, writer: Writer, *, is_shared: bool) -> None:
        self._tokens = tokens
        self._key = key
        self._writer = writer
        self._is_shared = is_shared
        self._shared: dict[int, Text] = {}  # by how many texts stand before it: none, or a system prompt

    def before(self, index: int, opening: Words, before: Sequence[Text]) -> tuple[list[Text], Words]:
        """Return the context of a prompt, none at depth 0, and the words that its prompt is made of."""
        if not self._tokens:
            return [], opening
        if not self._is_shared:
            return [self._writer.write(opening, self._tokens, before)], Words(f"{self._key}/{index}/prompt")
        if len(before) not in self._shared:
            self._shared[len(before)] = self._writer.write(Words(f"{self._key}/context"), self._tokens, before)
        return [self._shared[len(before)]], opening


class _Shared:
    """Texts of blocks that have an id: the same id, the same words."""

    def __init__(self, key: str, writer: Writer) -> None:
        self._key = key
        self._writer = writer
        self._blocks: dict[int, Fit] = {}
        self._ends: dict[tuple[int, int], Fit] = {}

    def text(self, ids: Sequence[int], tokens: int) -> Text:
        """Return the text of a prompt; its last block is as long as the whole needs to have `tokens` tokens."""
        *whole, last = ids
        before = Text(" ".join(self._block(number) for number in whole), len(whole) * BLOCK_TOKENS)
        words, length = self._words(last), tokens - len(whole) * BLOCK_TOKENS
        if (last, length) not in self._ends:
            self._ends[last, length] = self._writer.fit(words, length, before)
        fit = self._ends[last, length]
        return Text(f"{before.words} {words.text(fit.words, fit.fillers)}".lstrip(), fit.tokens)

    def _block(self, number: int) -> str:
        """Return a whole block. It is fitted behind a word: the first word of all may be tokenized like no other."""
        words = self._words(number)
        if number not in self._blocks:
            self._blocks[number] = self._writer.fit(words, BLOCK_TOKENS, self._anchor)
        fit = self._blocks[number]
        return words.text(fit.words, fit.fillers)

    @cached_property
    def _anchor(self) -> Text:
        return self._writer.measured(FILLER)

    def _words(self, number: int) -> Words:
        return Words(f"{self._key}/block/{number}")


def _prompt(texts: Sequence[Text], *, has_system: bool = False, output_tokens: int | None = None) -> Prompt:
    """Return texts as messages that alternate between user and assistant, after a system message if there is one."""
    roles: list[Role] = ["system"] if has_system else []
    roles += ["assistant" if turn % 2 else "user" for turn in range(len(texts) - len(roles))]
    messages = tuple(Message(role, text.words) for role, text in zip(roles, texts, strict=True))
    return Prompt(messages, texts[-1].tokens, output_tokens)
