"""What `aforo answers` prints: items one under the other, the worst first, each in lines that cannot be mistaken."""

from collections.abc import Iterator, Sequence
from textwrap import indent

from profiler.aggregation.answers import Answers
from profiler.number_format import count
from profiler.reports.answers.shown import ShownItem, label
from profiler.reports.answers.texts import Text

_BESIDE = 12  # columns for the names of the parts


def head(answers: Answers, point: str, scorer: str | None, shown: int, of: int) -> Iterator[str]:
    """Say what is listed, and in which order."""
    order = f"the lowest {label(scorer)} first" if scorer else "in the order of asking"
    rest = f"; the first {shown} of them, --limit shows more" if shown < of else ""
    yield f"{count(of, answers.noun)} at {point}, {order}{rest}"
    if answers.not_scored:
        yield f"No scores: {answers.not_scored}"
    others = [name for name in answers.points if name != point]
    if others:
        yield f"Other loads: {', '.join(others)} (--point)"


def lines(item: ShownItem, most: int | None) -> Iterator[str]:
    """Return one item; `most` characters of each text (None: all)."""
    yield ", ".join(filter(None, [f"{item.name}: {item.score}" if item.score else item.name]))
    if item.other_scores:
        yield from _part("also", Text(", ".join(item.other_scores)))
    yield from _part("prompt", item.prompt(most) or Text("not kept by this run"))
    for kind, expected in item.expected(most):
        yield from _part(kind, expected)
    if (reasoning := item.reasoning(most)) is not None:
        yield from _part("reasoning", reasoning)
    yield from _part("answer", item.answer(most) if item.answer(most).shown else Text("(empty)"))
    yield from _part("", Text("; ".join(filter(None, [item.worst.facts, item.agreement]))))


def _part(name: str, text: Text) -> Iterator[str]:
    """Return a part of an item; every line of it is indented, so that no text passes for the next item."""
    said = [*text.shown.splitlines(), *([f"[{text.note}]"] if text.note else [])]
    whole = indent("\n".join(said), " " * (_BESIDE + 2), lambda _: True)
    yield f"  {name:<{_BESIDE}}{whole[_BESIDE + 2 :]}"


def whole(items: Sequence[ShownItem], most: int | None) -> str:
    """Return all items, an empty line between two."""
    return "\n\n".join("\n".join(lines(item, most)) for item in items)
