"""A comparison: all that its page, its tables and its files say, computed once from the runs' summaries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiler.errors import UsageError
from profiler.reports.compare import operating as op
from profiler.reports.compare.columns import Column
from profiler.reports.compare.columns import columns as columns_about
from profiler.reports.compare.differences import Differences, differences
from profiler.reports.compare.entries import Entries, Entry, by_value, host, named
from profiler.reports.compare.readings import Reading
from profiler.results.several import Refused, StoredRun
from profiler.results.tokens import Tokens, tokens_of
from profiler.verdict.comparable import Mismatch, check_comparable, differing_settings, fairness

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
    warnings: tuple[str, ...]

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
        return [*allowed, *self.warnings]

    @property
    def is_forced(self) -> bool:
        """Whether an INVALID run is among them."""
        return any(entry.is_invalid for entry in self.runs)


def compare(
    runs: Sequence[StoredRun],
    refused: Sequence[Refused] = (),
    baseline: str | None = None,
    allowed: Sequence[str] = (),
) -> Comparison:
    """Set runs side by side.

    `baseline` is a name, run id or path; the first run unless given. `allowed` are fields that may differ although
    such runs do not answer the same question. Raises `UsageError` for fewer than two runs, for a field that differs
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
        differences=differences(entries.all, base, [c for c in columns if c.is_compared], read),
        points=tuple(points),
        invalid_points=invalid_points,
        allowed=tuple(found),
        settings=tuple(differing_settings(runs)),
        warnings=(*fairness(runs), *_regions(entries.all)),
    )


def _regions(entries: Sequence[Entry]) -> list[str]:
    """A sentence where prices are those of different regions."""
    prices = [entry.manifest.cost.price for entry in entries if entry.manifest.cost.price]
    regions = sorted({price.region for price in prices if price.region})
    if len(regions) < 2:
        return []
    return [
        f"Prices are of different regions: {', '.join(regions)}. A difference may be one of region, not of machine."
    ]


def _too_few(runs: Sequence[StoredRun], refused: Sequence[Refused]) -> str:
    kept = "one run is" if runs else "none is"
    reasons = "".join(f"\n  {one.sentence}" for one in refused)
    return f"A comparison needs at least two runs, and {kept} left.{reasons}"
