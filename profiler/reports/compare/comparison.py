"""A comparison: all that its page, its tables and its files say, computed once from the runs' summaries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from profiler.aggregation.answers import Answers
from profiler.errors import UsageError
from profiler.reports.compare import operating as op
from profiler.reports.compare.columns import Column
from profiler.reports.compare.columns import columns as columns_about
from profiler.reports.compare.conclusion import conclusion, lead
from profiler.reports.compare.differences import Differences, differences
from profiler.reports.compare.entries import Entries, Entry, by_value, host, named
from profiler.reports.compare.quality import NOT_SCORED, Quality, quality
from profiler.reports.compare.readings import Reading
from profiler.reports.compare.sides import sides
from profiler.results.run_set import Refused, StoredRun
from profiler.results.tokens import Tokens, tokens_of
from profiler.verdict.comparable import Mismatch, check_comparable, comparable_sets, differing_settings, mismatches
from profiler.verdict.fairness import Found, traps

FEWEST = 2
_TITLES: tuple[Callable[[Entry], str], ...] = (
    lambda entry: entry.summary.workload,
    lambda entry: entry.manifest.model.name,
    lambda entry: entry.manifest.model.quantisation or "quantisation not known",
    lambda entry: host(entry.manifest),
    lambda entry: f"{entry.manifest.engine.name} {entry.manifest.engine.version or ''}".strip(),
)


@dataclass(frozen=True)
class Comparison:
    """Several runs side by side."""

    entries: Entries
    tokens: Tokens  # that throughput, energy and money are counted in
    refused: tuple[Refused, ...]
    columns: tuple[Column, ...]  # those that at least one run has a number for
    absent: tuple[tuple[Column, str], ...]  # the others, and why
    read: dict[str, list[Reading]]  # by id of the column, in the order of the runs
    differences: Differences
    points: tuple[op.Operating, ...]
    invalid_points: int
    allowed: tuple[Mismatch, ...]  # what differs although it should not
    settings: tuple[Mismatch, ...]  # what differs on purpose
    traps: tuple[Found, ...]  # what makes it unfair
    quality: Quality = NOT_SCORED  # on the same items
    set_number: int = 1  # of the comparable sets that the runs fell into
    sets: int = 1

    @property
    def runs(self) -> tuple[Entry, ...]:
        """The runs in the order given."""
        return self.entries.all

    @property
    def common(self) -> list[str]:
        """What all runs have in common, of what a title says."""
        said = [{find(entry) for entry in self.runs} for find in _TITLES]
        return [values.pop() for values in said if len(values) == 1]

    @property
    def title(self) -> str:
        """How many runs there are, and of which set where there are several."""
        of_sets = f", set {self.set_number} of {self.sets}" if self.sets > 1 else ""
        return f"{len(self.runs)} runs side by side{of_sets}"

    @property
    def set_note(self) -> str:
        """Why these runs are not all; empty where there is one set."""
        if self.sets == 1:
            return ""
        return (
            f"The runs fall into {self.sets} sets, each of one workload, model, quantisation and SLO. Only numbers "
            "within a set are comparable."
        )

    @property
    def unfair(self) -> list[str]:
        """What may make the comparison unfair, the gravest first."""
        allowed = [
            f"These runs do not measure the same thing (allowed on the command line). {one.field}: "
            f"{by_value(one, self.runs)}."
            for one in self.allowed
        ]
        return [*allowed, *(trap.sentence for trap in self.traps)]

    @property
    def lead(self) -> str:
        """What is best and how surely, in one sentence."""
        return self._marked(lead(self.differences))

    @property
    def conclusion(self) -> str:
        """What is better and how surely, side by side, or that it cannot be told."""
        return self._marked(conclusion(self.differences))

    def _marked(self, sentence: str) -> str:
        return f"With INVALID runs (--force): {sentence}" if self.is_forced else sentence

    @property
    def is_forced(self) -> bool:
        """Whether an INVALID run is among them."""
        return any(entry.is_invalid for entry in self.runs)


def compare_sets(
    runs: Sequence[StoredRun],
    refused: Sequence[Refused] = (),
    baseline: str | None = None,
    allowed: Sequence[str] = (),
    drift_ratio: float | None = None,
    answers: Mapping[str, Answers] = MappingProxyType({}),
) -> list[Comparison]:
    """Set runs side by side, those that measure the same in one comparison each; that of the baseline comes first.

    Runs that measure what no other does are refused. `answers` are those of the runs that kept some, by name. Raises
    `UsageError` as `compare` does, where no two runs measure the same, or where no set has the baseline.
    """
    sets = comparable_sets(runs, allowed)
    several = [one for one in sets if len(one) >= FEWEST]
    if not several:
        return [compare(runs, refused, baseline, allowed, drift_ratio, answers)]
    alone = [_alone(run, several[0][0]) for one in sets if len(one) < FEWEST for run in one]
    own = several[0] if baseline is None else _set_of(several, baseline)
    others = [one for one in several if one is not own]
    return [
        replace(
            compare(one, [*refused, *alone], baseline if one is own else None, allowed, drift_ratio, answers),
            set_number=number,
            sets=len(several),
        )
        for number, one in enumerate([own, *others], start=1)
    ]


def _set_of(sets: Sequence[Sequence[StoredRun]], baseline: str) -> Sequence[StoredRun]:
    """Return the set that holds the baseline. Raises `UsageError`."""
    if len(sets) == 1:
        return sets[0]
    found = named([run for one in sets for run in one]).find(baseline)
    return next(one for one in sets if found.run in one)


def _alone(run: StoredRun, other: StoredRun) -> Refused:
    fields = ", ".join(one.field for one in mismatches([other, run]))
    return Refused(run.folder.path, f"{run.folder.path} measures what no other run here does: it differs in {fields}.")


def compare(
    runs: Sequence[StoredRun],
    refused: Sequence[Refused] = (),
    baseline: str | None = None,
    allowed: Sequence[str] = (),
    drift_ratio: float | None = None,
    answers: Mapping[str, Answers] = MappingProxyType({}),
) -> Comparison:
    """Set runs side by side.

    `baseline` is a name, run id or path; the first run unless given. `allowed` are fields that may differ although
    such runs do not answer the same question, and traps that are taken all the same. `drift_ratio` is how much runs of
    one setting are stated to differ, `answers` as above. Raises `UsageError` for fewer than two runs, for a field that
    differs and is not allowed, and for a baseline that is not there.
    """
    if len(runs) < FEWEST:
        raise UsageError(_too_few(runs, refused))
    found = check_comparable(runs, allowed)
    entries = named(runs)
    tokens = tokens_of(entry.summary for entry in entries.all)
    every = columns_about(tokens)
    read = {column.id: [column.read(entry) for entry in entries.all] for column in every}
    columns = tuple(c for c in every if not all(reading.is_missing for reading in read[c.id]))
    base = entries.find(baseline) if baseline else entries.all[0]
    points, invalid_points = op.operating(entries.all)
    found_sides = sides(entries.all, base)
    return Comparison(
        entries=entries,
        tokens=tokens,
        refused=tuple(refused),
        columns=columns,
        absent=tuple((c, read[c.id][0].reason or "") for c in every if c not in columns and not c.is_optional),
        read=read,
        differences=differences(found_sides, [c for c in columns if c.metric], drift_ratio, allowed),
        points=tuple(points),
        invalid_points=invalid_points,
        allowed=tuple(found),
        settings=tuple(differing_settings(runs)),
        traps=tuple(traps(runs, allowed)),
        quality=quality(found_sides, answers) if answers else NOT_SCORED,
    )


def _too_few(runs: Sequence[StoredRun], refused: Sequence[Refused]) -> str:
    kept = "one run is" if runs else "none is"
    reasons = "".join(f"\n  {one.sentence}" for one in refused)
    return f"A comparison needs at least two runs, and {kept} left.{reasons}"
