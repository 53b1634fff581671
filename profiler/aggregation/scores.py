"""The scores of a run: each kept answer of a measured request by each scorer of its workload.

`scores_of` is the only place that scores answers: metrics, pages and comparisons all read what it returns. It takes
nothing but the run folder: `answers.jsonl` (texts), `items.jsonl` (what is expected), `requests.jsonl` (which repeat a
request belongs to and how it ended) and `code.jsonl` (what came of running code).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.observations import points_of
from profiler.quality.catalogue import SCORERS
from profiler.quality.item import Answer, Item
from profiler.quality.scorer import Counts, NotScoredError, Scorer
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest
from profiler.results.records import CodeRun, KeptResponse, Outcome
from profiler.workloads.phases import repeat_number

RANDOM_WEIGHTS = "not applicable: the weights are random, so the answers mean nothing"
NOT_KEPT = "its response was not kept"


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """One answer by one scorer; `value` in points, 0 to 100, is None where it has no score, and `reason` says why.

    Pairs of runs are those of the same `item`; `point` is the load (`c1`), `repeat` its number from 1.
    """

    index: int  # of the request, in requests.jsonl and answers.jsonl
    point: str
    repeat: int
    item: str
    scorer: str
    value: float | None
    reason: str | None = None
    is_correct: bool | None = None  # by the workload's rule; None where this scorer is not the one that it goes by
    counts: Counts | None = None  # of a corpus scorer


def scores_of(folder: RunFolder) -> list[ScoredAnswer]:
    """Score every answer of a measured request, in the order in which they finished.

    Raises `RunFolderError`, and `NotMeasuredError` with the reason where a run has nothing to score.
    """
    manifest = folder.read_manifest()
    if manifest.model.is_synthetic:
        raise NotMeasuredError(RANDOM_WEIGHTS)
    items = folder.read_items()
    scorers = [scorer for scorer in SCORERS.values() if any(scorer.fits(item) for item in items.values())]
    if not scorers:
        raise NotMeasuredError("nothing says what a right answer is: the workload keeps no responses with references")
    found = _Found(manifest, items, folder.read_code_runs(), scorers)
    kept = {row.index: row for row in folder.read_answers()}
    scored: list[ScoredAnswer] = []
    for request in folder.read_requests().times():
        if (repeat := repeat_number(request.phase)) is not None:
            scored += found.score(request.index, request.phase, repeat, request.outcome, kept.get(request.index))
    return scored


class _Found:
    """What answers of a run are scored with."""

    def __init__(
        self, manifest: Manifest, items: Mapping[str, Item], code: Mapping[int, CodeRun], scorers: list[Scorer]
    ) -> None:
        self._items, self._code, self._scorers = items, code, scorers
        self._alone = points_of(manifest)[0].name
        self._correct = next((scorer.id for scorer in scorers if scorer.correct_from is not None), None)

    def score(
        self, index: int, phase: str, repeat: int, outcome: Outcome, kept: KeptResponse | None
    ) -> Iterator[ScoredAnswer]:
        if kept is None or kept.item is None or kept.item not in self._items:
            return
        item = self._items[kept.item]
        point = phase.rpartition("/")[0] or self._alone
        for scorer in self._scorers:
            if outcome is not Outcome.OK:
                yield ScoredAnswer(index, point, repeat, item.id, scorer.id, None, f"the request failed: {outcome}")
                continue
            try:
                answer = self._answer(kept)
                value = _value(scorer, answer, item)
                counts = scorer.counts(answer, item) if scorer.counts else None
            except NotScoredError as reason:
                yield ScoredAnswer(index, point, repeat, item.id, scorer.id, None, str(reason))
                continue
            is_correct = value >= (scorer.correct_from or 0.0) if scorer.id == self._correct else None
            yield ScoredAnswer(index, point, repeat, item.id, scorer.id, value, None, is_correct, counts)

    def _answer(self, kept: KeptResponse) -> Answer:
        run = self._code.get(kept.index)
        if run is None:
            return Answer(kept.text)
        return Answer(kept.text, passed=run.passed, not_run=run.reason or Answer.not_run)


def _value(scorer: Scorer, answer: Answer, item: Item) -> float:
    if not scorer.fits(item):
        missing = ", ".join(sorted(name for name in scorer.needs if not item.has(name)))
        raise NotScoredError(f"its row says nothing of {missing}")
    return float(scorer.score(answer, item))
