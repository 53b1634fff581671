"""Runs and imports below a folder, opened for tables and exports."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from profiler.errors import RunFolderError
from profiler.results.folder import RunFolder
from profiler.results.imported import Imported, read_imported
from profiler.results.index import RunHead, SummaryHead, read_run, read_summary
from profiler.results.listing import Found, find
from profiler.results.manifest import Point
from profiler.results.records import RequestRecord
from profiler.results.summary import PointSummary


@dataclass(frozen=True)
class Opened:
    """One run folder with the heads of its files; without a summary it has no metrics."""

    folder: Path
    run: RunHead
    summary: SummaryHead | None

    @property
    def verdict(self) -> str | None:
        """The level of its verdict, where it has one."""
        return self.summary.verdict.level if self.summary and self.summary.verdict else None

    def points(self) -> list[PointSummary]:
        """Return every load with its metrics; a plain run has one. Raises `RunFolderError`."""
        summary = RunFolder(self.folder).read_summary()
        only = self.run.only_point
        plain = PointSummary(
            point=Point(name=only.name or "", concurrency=only.concurrency, rate_rps=only.rate_rps),
            requests_ok=summary.requests_ok,
            requests_failed=summary.requests_failed,
            outcomes=summary.outcomes,
            metrics=summary.metrics,
            verdict=summary.verdict,
        )
        return summary.points or [plain]

    def requests(self) -> Iterator[tuple[str | None, RequestRecord]]:
        """Yield every request with the name of its load. Raises `RunFolderError`."""
        only = self.run.only_point.name
        names = {phase.name: phase.point or only for phase in self.run.phases}
        for request in RunFolder(self.folder).read_requests():
            yield names.get(request.phase, only), request


@dataclass(frozen=True)
class Runs:
    """All runs and imports below a folder that can be read; `notes` has a sentence for each of the others."""

    opened: list[Opened] = field(default_factory=list)
    imported: list[Imported] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_runs(root: Path) -> Runs:
    """Open every run below a folder. Raises `UsageError` where there is no such folder."""
    return opened(find(root))


def opened(found: Found) -> Runs:
    """Open runs that were found; of two with the same id the first one counts."""
    runs, seen = Runs(), dict[str, Path]()
    for folder in found.folders:
        try:
            _open(folder, runs, seen)
        except FileNotFoundError:
            runs.notes.append(f"{folder} is left out: it has no run.json, without which the rest cannot be read.")
        except RunFolderError as error:
            runs.notes.append(str(error))
    return runs


def _open(folder: Path, runs: Runs, seen: dict[str, Path]) -> None:
    try:
        one = open_run(folder)
    except FileNotFoundError:
        runs.imported.append(read_imported(folder))
        return
    if (first := seen.setdefault(one.run.run_id, folder)) != folder:
        runs.notes.append(f"{folder} is left out: it is the same run as {first}.")
        return
    if one.summary is None:
        runs.notes.append(f"{folder} has no summary, and so no metrics: aforo summarize {folder}")
    runs.opened.append(one)


def open_run(folder: Path) -> Opened:
    """Open one run folder. Raises `FileNotFoundError`, `RunFolderError`."""
    run = read_run(folder)
    try:
        return Opened(folder, run, read_summary(folder))
    except FileNotFoundError:
        return Opened(folder, run, None)
