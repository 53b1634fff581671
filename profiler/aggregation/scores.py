"""The scores of a run: each kept answer of a measured request by each scorer of its workload.

`scores_of` is the only place that scores answers: metrics, pages and comparisons all read what it returns. It takes
nothing but the run folder: `answers.jsonl` (texts), `items.jsonl` (what is expected), `requests.jsonl` (which repeat a
request belongs to and how it ended) and `code.jsonl` (what came of running code).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.number_format import count
from profiler.quality.choice import Rule, rule_for, scorers_for
from profiler.quality.item import Answer, Item, Vector
from profiler.quality.scorer import Counts, NotScoredError, Scorer
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest
from profiler.results.points import points_of
from profiler.results.records import CodeRun, KeptResponse, Outcome
from profiler.stats.jackknife import added_up
from profiler.workloads.phases import point_of, repeat_number

RANDOM_WEIGHTS = "not applicable: the weights are random, so the answers mean nothing"
NO_ANSWERS = "no answers to items of a data file were kept"
NOT_KEPT = "responses were not kept: pass --keep-responses (those of a server that runs already are kept only then)"
NOT_AMONG = "not among the scorers of this workload"
NO_ITEMS = "nothing says what a right answer is: the data has no references"
_PASSAGE = "passage"


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
    counts: Counts = field(default_factory=dict)  # what is added up over answers
    is_cut_off: bool = False  # whether it ran into `output_tokens`; scored as it stands


@dataclass(frozen=True)
class Scores:
    """All scores of a run, of a load or of a repeat; `why_none` where there are none."""

    answers: Sequence[ScoredAnswer] = ()
    why_none: str | None = NO_ANSWERS
    scorers: Mapping[str, Scorer] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    rule: Rule | None = None

    def at(self, point: str, repeat: int | None = None) -> "Scores":
        """Return those of one load, or of one repeat of it."""
        kept = [one for one in self.answers if one.point == point and repeat in {None, one.repeat}]
        return replace(self, answers=kept)

    def by_item(self, scorer: str) -> list[dict[str, float]]:
        """Return the counts of all answers to each item, added up. Raises `NotMeasuredError` where there are none."""
        found: dict[str, list[Counts]] = {}
        for one in self._of(scorer):
            if one.value is not None:
                found.setdefault(one.item, []).append(one.counts)
        if not found:
            raise NotMeasuredError(self.why_unscored(scorer) or "no answer of a measured request was kept")
        return [added_up(counts) for counts in found.values()]

    def correct_by_item(self) -> list[dict[str, float]]:
        """Return for each item how many of its answers there are and how many are right. Raises `NotMeasuredError`."""
        if self.rule is None:
            self._of("")
            raise NotMeasuredError("no scorer of this workload tells right from wrong: state 'correct'")
        found: dict[str, Counter[str]] = {}
        for one in self._of(self.rule.scorer):
            if one.is_correct is not None:
                found.setdefault(one.item, Counter()).update(answers=1, points=one.is_correct)
        if not found:
            raise NotMeasuredError(self.why_unscored(self.rule.scorer) or "no answer of a measured request was kept")
        return [dict(counts) for counts in found.values()]

    def why_unscored(self, scorer: str) -> str | None:
        """Say how many answers have no score, and why the commonest of them has none; None where all have one."""
        reasons = Counter(one.reason for one in self._of(scorer) if one.reason is not None)
        if not reasons:
            return None
        (reason, _), unscored = reasons.most_common(1)[0], reasons.total()
        return reason if unscored == len(self._of(scorer)) else f"{count(unscored, 'answer')} without a score: {reason}"

    def cut_off(self, scorer: str) -> str | None:
        """Say how many of the scored answers ran into the most tokens that they may have; None where none did."""
        cut = sum(one.is_cut_off for one in self._of(scorer))
        return f"{count(cut, 'answer')} cut off at the workload's output_tokens" if cut else None

    def _of(self, scorer: str) -> list[ScoredAnswer]:
        if scorer and self.scorers and scorer not in self.scorers:
            raise NotMeasuredError(NOT_AMONG)
        if self.why_none is not None:
            raise NotMeasuredError(self.why_none)
        return self._by_scorer.get(scorer, [])

    @cached_property
    def _by_scorer(self) -> dict[str, list[ScoredAnswer]]:
        found: dict[str, list[ScoredAnswer]] = {}
        for one in self.answers:
            found.setdefault(one.scorer, []).append(one)
        return found


NO_SCORES = Scores()


def scores_of(folder: RunFolder) -> list[ScoredAnswer]:
    """Score every answer of a measured request, in the order in which they finished.

    Raises `RunFolderError`, and `NotMeasuredError` with the reason where a run has nothing to score.
    """
    found = read_scores(folder, folder.read_manifest())
    if found.why_none is not None:
        raise NotMeasuredError(found.why_none)
    return list(found.answers)


def read_scores(folder: RunFolder, manifest: Manifest) -> Scores:
    """Score every answer of a measured request. Raises `RunFolderError`."""
    workload, items = manifest.workload, folder.read_items()
    if not items:
        return Scores()
    scorers = scorers_for(workload.scorers, items.values())
    if not scorers:
        return Scores(why_none=NO_ITEMS)
    stated = None if workload.correct is None else Rule(workload.correct.scorer, workload.correct.at_least)
    why_none = RANDOM_WEIGHTS if manifest.model.is_synthetic else None if folder.answers.exists() else NOT_KEPT
    found = Scores((), why_none, {scorer.id: scorer for scorer in scorers}, items, rule_for(scorers, stated))
    return found if why_none else replace(found, answers=list(_scored(folder, manifest, found)))


def _scored(folder: RunFolder, manifest: Manifest, scores: Scores) -> Iterator[ScoredAnswer]:
    """Yield each answer by each scorer."""
    kept = {row.index: row for row in folder.read_answers()}
    judge = _Judge(scores, folder.read_code_runs(), points_of(manifest)[0].name, _passages(scores.items, kept.values()))
    for request in folder.read_requests().times():
        answer, repeat = kept.get(request.index), repeat_number(request.phase)
        if repeat is not None and answer is not None and answer.item in scores.items:
            yield from judge.scored(answer, request.phase, repeat, request.outcome)


class _Judge:
    """Scores the answers of a run one by one."""

    def __init__(
        self, scores: Scores, code: Mapping[int, CodeRun], only_point: str, passages: Mapping[str, Vector]
    ) -> None:
        self._scores = scores
        self._code = code
        self._only_point = only_point
        self._passages = passages

    def scored(self, kept: KeptResponse, phase: str, repeat: int, outcome: Outcome) -> Iterator[ScoredAnswer]:
        item, point = self._scores.items[kept.item or ""], point_of(phase) or self._only_point
        for scorer in self._scores.scorers.values():
            about = kept.index, point, repeat, item.id, scorer.id
            try:
                if outcome is not Outcome.OK:
                    raise NotScoredError(f"the request failed: {outcome}")
                if kept.is_damaged:
                    raise NotScoredError("its bytes are not UTF-8")
                answer = self._answer(kept)
                value = _value(scorer, answer, item)
                counts, is_correct = scorer.count(answer, item, value), self._is_correct(scorer, value)
                yield ScoredAnswer(*about, value, None, is_correct, counts, kept.finish_reason == "length")
            except NotScoredError as reason:
                yield ScoredAnswer(*about, None, str(reason))
            except (ValueError, ArithmeticError, RecursionError) as error:  # of a library: one answer costs one score
                yield ScoredAnswer(*about, None, f"{scorer.id} could not read it ({type(error).__name__})")

    def _is_correct(self, scorer: Scorer, value: float) -> bool | None:
        rule = self._scores.rule
        return value >= rule.at_least if rule is not None and rule.scorer == scorer.id else None

    def _answer(self, kept: KeptResponse) -> Answer:
        run = self._code.get(kept.index)
        if run is None:
            return Answer(kept.text, kept.vector, self._passages)
        return Answer(kept.text, passed=run.passed, not_run=run.reason or Answer.not_run)


def _passages(items: Mapping[str, Item], kept: Iterable[KeptResponse]) -> dict[str, Vector]:
    """Return the vectors of the passages, each as it came first, whatever the load: what queries are searched in."""
    found: dict[str, Vector] = {}
    for row in kept:
        item = items.get(row.item or "")
        if row.vector is not None and item is not None and item.role == _PASSAGE:
            found.setdefault(item.id, row.vector)
    return found


def _value(scorer: Scorer, answer: Answer, item: Item) -> float:
    if not scorer.fits(item):
        missing = ", ".join(sorted(name for name in scorer.needs if not item.has(name)))
        raise NotScoredError(f"its row has no {missing}")
    return float(scorer.score(answer, item))
