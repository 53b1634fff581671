"""The verdicts of several runs: who is judged how, and by which rules, in few lines however many runs there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.reports.compare.entries import Entry, listed
from profiler.results.summary import Finding

_WORST_FIRST = ("INVALID", "VALID with warnings", "VALID", "not judged")


@dataclass(frozen=True)
class Group:
    """Runs with the same verdict for the same reasons."""

    level: str
    rules: tuple[str, ...]
    runs: tuple[Entry, ...]

    @property
    def names(self) -> str:
        """The runs by their short names."""
        return listed(run.index for run in self.runs)

    @property
    def findings(self) -> list[tuple[Entry, Finding]]:
        """What was found, run by run."""
        return [(run, finding) for run in self.runs if run.summary.verdict for finding in run.summary.verdict.findings]


def by_verdict(entries: Sequence[Entry]) -> list[Group]:
    """Group runs by level and rules, the worst first."""
    groups: dict[tuple[str, tuple[str, ...]], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_key(entry), []).append(entry)
    ordered = sorted(groups, key=lambda key: (_WORST_FIRST.index(key[0]), key[1]))
    return [Group(level, rules, tuple(groups[level, rules])) for level, rules in ordered]


def _key(entry: Entry) -> tuple[str, tuple[str, ...]]:
    verdict = entry.summary.verdict
    if verdict is None:
        return "not judged", ()
    return verdict.level, tuple(finding.rule for finding in verdict.findings)
