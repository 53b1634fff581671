"""Generated code, as far as its tests were run."""

from profiler.quality.item import Answer, Item
from profiler.quality.scorer import POINTS, NotScoredError, scorer


@scorer(
    "Code that passes its tests (pass@1)",
    needs={"tests"},
    source="Chen et al., 2021 (arXiv:2107.03374), with one sample an item",
    correct_from=POINTS,
    is_binary=True,
)
def pass_at_1(answer: Answer, item: Item) -> float:
    """100 where the code of the answer passes all tests of its item, else 0; only with `--run-code`."""
    if answer.passed is None:
        raise NotScoredError(answer.not_run)
    return POINTS * answer.passed
