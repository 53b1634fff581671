"""Several run folders at once: which of them can be compared, and a sentence for each that cannot."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiler.errors import RunFolderError
from profiler.results.folder import RunFolder
from profiler.results.imported import IMPORTED_FILE
from profiler.results.manifest import Manifest, Point
from profiler.results.points import engine_at, points_of, server_settings, setting_words
from profiler.results.summary import PointSummary, Summary

# A folder with one of them was meant to be a run, or is a result of another tool, which is refused as such.
_MARKS = ("run.json", "summary.json", "requests.jsonl", IMPORTED_FILE)


@dataclass(frozen=True)
class StoredRun:
    """A run folder and what it says."""

    folder: RunFolder
    manifest: Manifest
    summary: Summary

    @property
    def name(self) -> str:
        """Its `run_id`: no two runs that `read_runs` returns have the same."""
        return self.manifest.run_id


@dataclass(frozen=True)
class RunAtLoad:
    """A run at one of its loads, as `verdict.traps.Compared` asks for it; with its whole summary at its headline."""

    run: StoredRun
    summary: Summary | PointSummary

    @property
    def name(self) -> str:
        """Its run id."""
        return self.run.name

    @property
    def manifest(self) -> Manifest:
        """Everything about the run but its numbers."""
        return self.run.manifest

    @property
    def point(self) -> Point:
        """The load."""
        if isinstance(self.summary, PointSummary):
            return self.summary.point
        points = points_of(self.manifest)
        return next((each for each in points if each.name == self.summary.headline), points[0])


@dataclass(frozen=True)
class Refused:
    """A folder that is not compared: one sentence why, and what to do."""

    path: Path
    sentence: str


def at_settings(runs: Iterable[StoredRun]) -> list[StoredRun]:
    """Return runs with each sweep over settings of the server parted into one run for each combination.

    Each reads as a run that was made with these settings, so that it can be compared with others.
    """
    return [part for run in runs for part in _parted(run)]


def _parted(run: StoredRun) -> list[StoredRun]:
    found: dict[tuple[tuple[str, str], ...], list[PointSummary]] = {}
    for summary in run.summary.points:
        found.setdefault(tuple(server_settings(summary.point).items()), []).append(summary)
    if not any(found):
        return [run]
    return [_part(run, summaries) for summaries in found.values()]


def _part(run: StoredRun, summaries: Sequence[PointSummary]) -> StoredRun:
    """Return what a run measured with one combination of settings; its first load stands for it."""
    first = summaries[0]
    words = ", ".join(setting_words(first.point))
    run_id = f"{run.name} ({words})"
    plain = run.manifest.workload.settings.model_copy(update=dict.fromkeys(server_settings(first.point)))
    about = {
        "run_id": run_id,
        "engine": engine_at(run.manifest.engine, first.point),
        "workload": run.manifest.workload.model_copy(update={"settings": plain}),
        "points": [each for each in run.manifest.points if each.name in {one.point.name for one in summaries}],
    }
    own = {name: getattr(first, name) for name in PointSummary.model_fields if name != "point"}
    more = {"run_id": run_id, "points": list(summaries), "headline": first.point.name, "conclusion": None}
    return StoredRun(run.folder, run.manifest.model_copy(update=about), run.summary.model_copy(update={**own, **more}))


def find_runs(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the run folders and imports among `paths` and below those that are none, in the order given, then by name.

    Nothing is looked for within a run folder, or in folders whose name begins with a dot. Links are followed once.
    """
    for path in paths:
        yield from _find_below(str(path), set())


def _find_below(folder: str, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield the run folders at or below one that was not seen before; what cannot be read holds none."""
    try:
        about = os.stat(folder)  # noqa: PTH116 - a fraction of the time of Path.stat, for each of thousands
        with os.scandir(folder) as entries:
            found = {entry.name: entry.is_dir() for entry in entries}
    except OSError:
        return
    identity = about.st_dev, about.st_ino
    if identity in seen:
        return
    seen.add(identity)
    if any(found.get(mark) is False for mark in _MARKS):
        yield Path(folder)
        return
    for name in sorted(name for name, is_folder in found.items() if is_folder and not name.startswith(".")):
        yield from _find_below(f"{folder}/{name}", seen)


def read_runs(paths: Iterable[Path], *, allow_invalid: bool = False) -> tuple[list[StoredRun], list[Refused]]:
    """Read every run that `find_runs` finds, in that order; whatever cannot be compared is refused by a sentence.

    Refused are paths without a run, results of other tools, half-written and damaged folders, formats that this
    version does not read, runs without a finished request, INVALID runs unless `allow_invalid`, and a run that was
    there before.
    """
    read: dict[str, StoredRun] = {}
    refused: list[Refused] = []
    for path in _found(paths, refused):
        try:
            run = _read(RunFolder(path))
        except RunFolderError as error:
            refused.append(Refused(path, str(error)))
            continue
        if reason := _reason_against(run, read, allow_invalid):
            refused.append(Refused(path, f"{path} {reason}"))
        else:
            read[run.name] = run
    return list(read.values()), refused


def _found(paths: Iterable[Path], refused: list[Refused]) -> Iterator[Path]:
    """Yield run folders; refuse a path that holds none."""
    for path in paths:
        found = False
        for found_path in find_runs([path]):
            found = True
            yield found_path
        if not found:
            what = "holds no run folder" if path.is_dir() else "is not a folder"
            refused.append(Refused(path, f"{path} {what}. Expected what 'aforo run' made: a folder with a run.json."))


def _read(folder: RunFolder) -> StoredRun:
    run = StoredRun(folder, folder.read_manifest(), folder.read_summary())
    if run.summary.run_id != run.manifest.run_id:
        raise RunFolderError(
            f"{folder.path}: summary.json is that of {run.summary.run_id}. Write it anew: aforo summarize {folder.path}"
        )
    return run


def _reason_against(run: StoredRun, read: dict[str, StoredRun], allow_invalid: bool) -> str | None:
    """Say why a run that can be read is not compared; None where it is."""
    path, verdict = run.folder.path, run.summary.verdict
    if run.name in read:
        return f"is the same run as {read[run.name].folder.path} ({run.name}): it counts once. Leave one out."
    if run.summary.requests_ok == 0:
        return (
            "has no finished request: there is nothing to compare. Repeat the run; server.log may say what went wrong."
        )
    if verdict is None:
        return f"has no verdict: its summary is older than the rules of trust. Write it anew: aforo summarize {path}"
    if verdict.level == "INVALID" and not allow_invalid:
        rules = ", ".join(finding.rule for finding in verdict.findings if finding.level == "INVALID")
        return f"is INVALID ({rules}): its numbers are not reliable. Repeat it, or pass --force to take it anyway."
    return None
