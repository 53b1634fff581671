"""Whether an embedding finds what it should."""

from math import fsum, sqrt

from profiler.quality.item import Answer, Item, Vector
from profiler.quality.scorer import POINTS, NotScoredError, scorer


@scorer(
    "Retrieves the right passage",
    needs={"relevant"},
    source="accuracy@1 by cosine similarity, as in MTEB, Muennighoff et al., 2023 (arXiv:2210.07316)",
    of="vector",
    correct_from=POINTS,
    is_binary=True,
)
def retrieval_accuracy(answer: Answer, item: Item) -> float:
    """100 where the passage that the query is about has a greater cosine similarity with it than any other, else 0."""
    if answer.vector is None:
        raise NotScoredError("its vector was not kept")
    if item.relevant is None or item.relevant not in answer.passages:
        raise NotScoredError("the passage that it is about has no vector")
    near = {name: cosine(answer.vector, vector) for name, vector in answer.passages.items()}
    nearest = near.pop(item.relevant)
    return POINTS * all(other < nearest for other in near.values())


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of the angle between two vectors, −1 to 1; 0 where one has no length.

    Raises `NotScoredError` where they are not of one dimension.
    """
    if len(one) != len(other):
        raise NotScoredError(f"vectors of {len(one)} and {len(other)} numbers cannot be compared")
    length = sqrt(fsum(x * x for x in one)) * sqrt(fsum(x * x for x in other))
    return fsum(x * y for x, y in zip(one, other, strict=True)) / length if length else 0.0
