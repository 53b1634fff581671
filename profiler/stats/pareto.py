"""Which of several choices are not beaten in everything: pure. All quantities are better when lower."""

from collections.abc import Sequence
from typing import Literal

from profiler.stats.estimates import Estimate

Choice = tuple[Estimate, ...]
Standing = Literal["front", "perhaps", "beaten"]


def standings(choices: Sequence[Choice]) -> list[Standing]:
    """Say of every choice whether it is on the Pareto front.

    `front`: by the values, no other is at least as good in all and better in one. `perhaps`: one is, but not
    beyond the intervals. `beaten`: another is better in all, and the intervals do not overlap in any.
    O(n²): for hundreds of choices, not for millions.
    """
    return [_standing(choice, choices) for choice in choices]


def _standing(choice: Choice, choices: Sequence[Choice]) -> Standing:
    if not any(_is_better(other, choice) for other in choices):
        return "front"
    return "beaten" if any(_is_surely_better(other, choice) for other in choices) else "perhaps"


def _is_better(other: Choice, choice: Choice) -> bool:
    pairs = [(theirs.middle, ours.middle) for theirs, ours in zip(other, choice, strict=True)]
    return all(theirs <= ours for theirs, ours in pairs) and any(theirs < ours for theirs, ours in pairs)


def _is_surely_better(other: Choice, choice: Choice) -> bool:
    return all(theirs.high < ours.low for theirs, ours in zip(other, choice, strict=True))
