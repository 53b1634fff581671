"""The answers of a run for programs: everything, nothing cut."""

from collections.abc import Sequence
from typing import Any

import msgspec

from profiler.aggregation.answers import Answers
from profiler.reports.answers.shown import Said, ShownItem
from profiler.results.records import Outcome


def as_dict(
    run_id: str, answers: Answers, point: str, scorer: str | None, items: Sequence[ShownItem]
) -> dict[str, Any]:
    """Return the items of one load in the order in which they are shown, with every response to each."""
    return {
        "run_id": run_id,
        "point": point,
        "points": list(answers.points),
        "scorers": list(answers.scorers),
        "ordered_by": scorer,
        "not_scored": answers.not_scored,
        "items": [_item(item) for item in items],
    }


def _item(item: ShownItem) -> dict[str, Any]:
    return {
        "item": item.asked.item,
        "prompt": [msgspec.to_builtins(message) for message in item.messages] or None,
        "references": list(item.references),
        "expected": [{"kind": one.kind, "text": one.text} for one in item.expectations],
        "scores": {name: item.asked.score(name) for name in item.scorers},
        "answers": [_said(said) for said in sorted(item.said, key=lambda said: said.index)],
    }


def _said(said: Said) -> dict[str, Any]:
    return {
        "request": said.index,
        "repeat": said.repeat,
        "text": said.kept.text,
        "reasoning": said.kept.reasoning or None,
        "finish_reason": said.kept.finish_reason,
        "outcome": said.request.outcome if said.request is not None else Outcome.OK,
        "output_tokens": said.tokens,
        "e2e_ms": said.e2e_ms,
        "scores": {name: one.value for name, one in said.scores.items()},
        "reasons": {name: one.reason for name, one in said.scores.items() if one.reason},
    }
