"""What is shown of an item: its prompt, what is expected, what was answered, and the scores."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from profiler.aggregation.answers import Answers, Asked, prompts_of, records_of, texts_of
from profiler.aggregation.request import e2e_ms, output_tokens
from profiler.aggregation.scores import ScoredAnswer
from profiler.number_format import count, plain_quantity
from profiler.quality.catalogue import SCORERS
from profiler.quality.item import Item
from profiler.reports.answers.texts import Text, conversation, text
from profiler.results.folder import RunFolder
from profiler.results.records import KeptMessage, KeptPrompt, KeptResponse, Outcome, RequestRecord

_NAME_CHARACTERS = 120
_FACTS_CHARACTERS = 400


@dataclass(frozen=True)
class Said:
    """One response to an item."""

    index: int
    repeat: int
    kept: KeptResponse
    request: RequestRecord | None
    scores: Mapping[str, ScoredAnswer]

    @property
    def e2e_ms(self) -> float | None:
        """How long it took; None where it failed."""
        is_good = self.request is not None and self.request.outcome is Outcome.OK and self.request.read_offset_ns
        return e2e_ms(self.request) if is_good and self.request is not None else None

    @property
    def tokens(self) -> int | None:
        """Its length, reasoning included; None where that is not known."""
        return None if self.request is None else output_tokens(self.request)

    @property
    def facts(self) -> str:
        """How it ended, how long it was and how long it took."""
        if self.request is not None and self.request.outcome is not Outcome.OK:
            return text(f"failed: {self.request.detail or self.request.outcome}", _FACTS_CHARACTERS).shown
        known = [f"ended by {self.kept.finish_reason}" if self.kept.finish_reason else ""]
        known.append(count(self.tokens, "token") if self.tokens is not None else "")
        known.append(plain_quantity(self.e2e_ms, "ms") if self.e2e_ms is not None else "")
        return text(", ".join(filter(None, known)), _FACTS_CHARACTERS).shown


class Expectation(NamedTuple):
    """Something that is expected of an answer: what it is, and its text."""

    kind: str
    text: str


@dataclass(frozen=True)
class ShownItem:
    """An item with all its responses at one load, the worst first."""

    asked: Asked
    item: Item | None
    messages: tuple[KeptMessage, ...]  # the prompt of the worst response; none where it was not kept
    said: tuple[Said, ...]
    scorers: tuple[str, ...]
    leading: str | None
    expectations: tuple[Expectation, ...] = ()

    @property
    def name(self) -> str:
        """What it is called, fit to be shown."""
        return text(self.asked.name, _NAME_CHARACTERS).shown

    @property
    def references(self) -> Sequence[str]:
        """What right answers say."""
        return self.item.references if self.item is not None else []

    @property
    def worst(self) -> Said:
        """The response with the lowest score."""
        return self.said[0]

    def prompt(self, most: int | None) -> Text | None:
        """Return what was asked; None where that was not kept."""
        return conversation(self.messages, most) if self.messages else None

    def answer(self, most: int | None) -> Text:
        """Return the worst answer; of an embedding how long it is."""
        vector = self.worst.kept.vector
        return text(self.worst.kept.text, most) if vector is None else Text(f"a vector of {len(vector)} numbers")

    def reasoning(self, most: int | None) -> Text | None:
        """Return what the model reasoned before it; None where it did not."""
        return text(self.worst.kept.reasoning, most) if self.worst.kept.reasoning.strip() else None

    def expected(self, most: int | None) -> list[tuple[str, Text]]:
        """Return all that is expected of an answer, with the kind of each."""
        return [(one.kind, text(one.text, most)) for one in self.expectations]

    @property
    def score(self) -> str:
        """Its score by the leading scorer in words, or why it has none."""
        if self.leading is None:
            return ""
        value = self.asked.score(self.leading)
        return f"{points(value)} points" if value is not None else f"no score: {self.asked.reason(self.leading)}"

    @property
    def other_scores(self) -> list[str]:
        """Its scores by the others."""
        found = ((label(name), self.asked.score(name)) for name in self.scorers if name != self.leading)
        return [f"{title} {points(value)}" for title, value in found if value is not None]

    @property
    def agreement(self) -> str:
        """How far several answers agree; empty where there is one."""
        if len(self.said) < 2:
            return ""
        texts = [said.kept.text for said in self.said]
        if len(set(texts)) == 1:
            return f"{len(texts)} answers, all the same"
        return f"the worst of {len(texts)} answers, {len(set(texts))} of them different"


def shown(folder: RunFolder, answers: Answers, asked: Sequence[Asked], scorer: str | None) -> list[ShownItem]:
    """Read what is shown of some items. Raises `RunFolderError`."""
    orders = [one.worst_first(scorer) for one in asked]
    wanted = {index for order in orders for index in order}
    texts, records = texts_of(folder, wanted), records_of(folder, wanted)
    prompts = prompts_of(folder, {texts[order[0]].prompt for order in orders})
    found = []
    for one, order in zip(asked, orders, strict=True):
        item, said = answers.items.get(one.item or ""), tuple(_said(one, index, texts, records) for index in order)
        messages = _messages(prompts.get(said[0].kept.prompt or ""), item)
        expected = tuple(_expected(item, answers.items)) if item is not None else ()
        found.append(ShownItem(one, item, messages, said, answers.scorers, scorer, expected))
    return found


def _expected(item: Item, items: Mapping[str, Item]) -> Iterator[Expectation]:
    """Yield references, the passage that is looked for, checks, schema and tests: whatever the row has of them."""
    for number, reference in enumerate(item.references):
        yield Expectation("or" if number else "expected", reference)
    if item.relevant:
        passage = items.get(item.relevant)
        yield Expectation("expected", f"{item.relevant}: {passage.prompt}" if passage else item.relevant)
    for check in item.checks:
        yield Expectation("check", json.dumps(check, ensure_ascii=False))
    if item.schema:
        yield Expectation("schema", json.dumps(item.schema, ensure_ascii=False))
    if item.tests:
        yield Expectation("tests", "\n".join(item.tests))


def _messages(prompt: KeptPrompt | None, item: Item | None) -> tuple[KeptMessage, ...]:
    """Return what was sent; where that was not kept, what the item asks."""
    if prompt is not None:
        return tuple(prompt.messages)
    return (KeptMessage(role="user", text=item.prompt),) if item is not None and item.prompt else ()


def label(scorer: str) -> str:
    """Return the name of a scorer for people."""
    return SCORERS[scorer].label if scorer in SCORERS else scorer


def points(value: float) -> str:
    """Return a score in at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def _said(asked: Asked, index: int, texts: Mapping[int, KeptResponse], records: Mapping[int, RequestRecord]) -> Said:
    scores = {name: own[index] for name, own in asked.scored.items() if index in own}
    return Said(index, asked.repeats[index], texts[index], records.get(index), scores)
