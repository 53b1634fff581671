"""A comparison: all that its page, its tables and its files say, computed once from the runs' summaries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiler.errors import UsageError
from profiler.reports.compare import operating as op
from profiler.reports.compare.columns import Column
from profiler.reports.compare.columns import columns as columns_about
from profiler.reports.compare.conclusion import conclusion
from profiler.reports.compare.differences import Differences, differences
from profiler.reports.compare.entries import Entries, Entry, by_value, host, named
from profiler.reports.compare.readings import Reading
from profiler.reports.compare.sides import sides
from profiler.results.run_set import Refused, StoredRun
from profiler.results.tokens import Tokens, tokens_of
from profiler.verdict.comparable import Mismatch, check_comparable, differing_settings
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
    def unfair(self) -> list[str]:
        """What may make the comparison unfair, the gravest first."""
        allowed = [
            f"These runs do not measure the same thing (allowed on the command line). {one.field}: "
            f"{by_value(one, self.runs)}."
            for one in self.allowed
        ]
        return [*allowed, *(trap.sentence for trap in self.traps)]

    @property
    def conclusion(self) -> str:
        """What is better and how surely, or that it cannot be told."""
        found = conclusion(self.differences)
        return f"With INVALID runs (--force): {found}" if self.is_forced else found

    @property
    def is_forced(self) -> bool:
        """Whether an INVALID run is among them."""
        return any(entry.is_invalid for entry in self.runs)


def compare(
    runs: Sequence[StoredRun],
    refused: Sequence[Refused] = (),
    baseline: str | None = None,
    allowed: Sequence[str] = (),
    drift_ratio: float | None = None,
) -> Comparison:
    """Set runs side by side.

    `baseline` is a name, run id or path; the first run unless given. `allowed` are fields that may differ although
    such runs do not answer the same question, and traps that are taken all the same. `drift_ratio` is how much runs of
    one setting are stated to differ. Raises `UsageError` for fewer than two runs, for a field that differs
    and is not allowed, and for a baseline that is not there.
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
    return Comparison(
        entries=entries,
        tokens=tokens,
        refused=tuple(refused),
        columns=columns,
        absent=tuple((c, read[c.id][0].reason or "") for c in every if c not in columns),
        read=read,
        differences=differences(sides(entries.all, base), [c for c in columns if c.metric], drift_ratio, allowed),
        points=tuple(points),
        invalid_points=invalid_points,
        allowed=tuple(found),
        settings=tuple(differing_settings(runs)),
        traps=tuple(traps(runs, allowed)),
    )


def _too_few(runs: Sequence[StoredRun], refused: Sequence[Refused]) -> str:
    kept = "one run is" if runs else "none is"
    reasons = "".join(f"\n  {one.sentence}" for one in refused)
    return f"A comparison needs at least two runs, and {kept} left.{reasons}"
