"""The answers of a run by what was asked: how each item scores at each load, and the texts of those that are looked at.

Texts are read anew for the few that are shown: a run may have more of them than memory.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.scores import ScoredAnswer, scores_of
from profiler.quality.item import Item
from profiler.results.folder import RunFolder
from profiler.results.points import points_of
from profiler.results.records import KeptPrompt, KeptResponse, RequestRecord
from profiler.results.run_set import StoredRun
from profiler.workloads.phases import point_of, repeat_number

NOTHING_KEPT = "the run kept no texts of responses"


@dataclass(frozen=True)
class Asked:
    """One item at one load, with the measured responses to it. Without an item it is one prompt of its own."""

    point: str
    item: str | None
    repeats: Mapping[int, int]  # by index of the request, in the order in which they finished
    prompts: frozenset[str] = frozenset()  # digests of what was sent, where that was kept
    scored: Mapping[str, Mapping[int, ScoredAnswer]] = field(default_factory=dict)  # by scorer and index

    @property
    def name(self) -> str:
        """The item's id, or which request it was."""
        return self.item if self.item is not None else f"request {next(iter(self.repeats))}"

    def score(self, scorer: str) -> float | None:
        """Return its mean score in points, 0 to 100; None where no response to it has one."""
        values = [one.value for one in self.scored.get(scorer, {}).values() if one.value is not None]
        return fmean(values) if values else None

    def reason(self, scorer: str) -> str | None:
        """Return why it has no score, in the words of its first response."""
        return next((one.reason for one in self.scored.get(scorer, {}).values()), None)

    def worst_first(self, scorer: str | None) -> list[int]:
        """Return the indexes of its responses, the one with the lowest score first, those without one last."""
        own = self.scored.get(scorer or "", {})
        values = {index: own[index].value if index in own else None for index in self.repeats}
        return sorted(values, key=lambda index: _lowest_first(values[index]))


@dataclass(frozen=True)
class Answers:
    """All that a run was asked, at every load.

    `items` are the rows of the data file, by id. `scorers` are in the order of the catalogue; `leading` is the one that
    says what a right answer is, else the first. `not_scored` says why nothing has a score.
    """

    points: tuple[str, ...]
    asked: tuple[Asked, ...]
    items: Mapping[str, Item] = field(default_factory=dict)
    scorers: tuple[str, ...] = ()
    leading: str | None = None
    not_scored: str | None = None

    @property
    def noun(self) -> str:
        """What one of those asked is called: an item of a data file, or a prompt that was made up."""
        return "item" if any(one.item is not None for one in self.asked) else "prompt"

    def at(self, point: str) -> list[Asked]:
        """Return what was asked at one load."""
        return [one for one in self.asked if one.point == point]

    def worst_first(self, point: str, scorer: str | None) -> list[Asked]:
        """Return what was asked at a load, the lowest score first, what has none last; else in the order of asking."""
        found = self.at(point)
        return sorted(found, key=lambda one: _lowest_first(one.score(scorer))) if scorer else found


def answers_of(folder: RunFolder) -> Answers:
    """Return what a run was asked and how it answered. Raises `RunFolderError`, `NotMeasuredError` with the reason."""
    manifest = folder.read_manifest()
    points = [point.name for point in points_of(manifest)]
    repeats: dict[tuple[str, str | None, int], dict[int, int]] = {}
    prompts: dict[int, str | None] = {}
    for index, item, prompt, phase in _measured(folder):
        key = point_of(phase) or points[0], item, -1 if item is not None else index
        repeats.setdefault(key, {})[index] = repeat_number(phase) or 0
        prompts[index] = prompt
    if not repeats:
        raise NotMeasuredError(NOTHING_KEPT)
    scores, reason = _scores(folder)
    scorers = tuple(dict.fromkeys(one.scorer for one in scores))
    leading = next((one.scorer for one in scores if one.is_correct is not None), scorers[0] if scorers else None)
    by_request = _by_request(scores)
    asked = [
        Asked(point, item, own, frozenset(filter(None, map(prompts.get, own))), _of(own, by_request))
        for (point, item, _), own in repeats.items()
    ]
    return Answers(tuple(points), tuple(asked), folder.read_items(), scorers, leading, reason)


def answers_of_runs(runs: Iterable[StoredRun]) -> dict[str, Answers]:
    """Return the answers of those runs that kept some, by the run's name. Raises `RunFolderError`."""
    found = {}
    for run in runs:
        with suppress(NotMeasuredError):
            found[run.name] = answers_of(run.folder)
    return found


def texts_of(folder: RunFolder, indexes: Collection[int]) -> dict[int, KeptResponse]:
    """Return what was said in some responses. Raises `RunFolderError`."""
    return {row.index: row for row in folder.read_answers() if row.index in indexes}


def prompts_of(folder: RunFolder, wanted: Collection[str | None]) -> dict[str, KeptPrompt]:
    """Return some of the prompts that were sent, by their digest. Raises `RunFolderError`."""
    return {row.id: row for row in folder.read_prompts() if row.id in wanted}


def records_of(folder: RunFolder, indexes: Collection[int]) -> dict[int, RequestRecord]:
    """Return how some requests went. Raises `RunFolderError`."""
    return {row.index: row for row in folder.read_requests() if row.index in indexes}


def shown_point(answers: Answers, headline: str | None) -> str:
    """Return the load to look at first: the one that stands for the run, or else the first."""
    return headline if headline in answers.points else answers.points[0]


def _measured(folder: RunFolder) -> Iterator[tuple[int, str | None, str | None, str]]:
    """Yield request, item, prompt and phase of every measured request whose response was kept."""
    about = {row.index: (row.item, row.prompt) for row in folder.read_answers()}
    for request in folder.read_requests().times() if about else ():
        if request.index in about and repeat_number(request.phase) is not None:
            yield request.index, *about[request.index], request.phase


def _scores(folder: RunFolder) -> tuple[list[ScoredAnswer], str | None]:
    try:
        return scores_of(folder), None
    except NotMeasuredError as reason:
        return [], str(reason)


def _by_request(scores: Iterable[ScoredAnswer]) -> Mapping[int, Sequence[ScoredAnswer]]:
    found: dict[int, list[ScoredAnswer]] = {}
    for one in scores:
        found.setdefault(one.index, []).append(one)
    return found


def _of(
    repeats: Mapping[int, int], by_request: Mapping[int, Sequence[ScoredAnswer]]
) -> Mapping[str, Mapping[int, ScoredAnswer]]:
    found: dict[str, dict[int, ScoredAnswer]] = {}
    for index in repeats:
        for one in by_request.get(index, ()):
            found.setdefault(one.scorer, {})[index] = one
    return found


def _lowest_first(score: float | None) -> tuple[bool, float]:
    return score is None, score or 0.0
