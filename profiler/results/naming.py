"""Which run is meant: a path, `latest`, a short id or a run id. Every verb that takes a run asks here."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from profiler.errors import RunFolderError, UsageError
from profiler.results.index import read_run
from profiler.results.run_set import find_runs

RUNS = Path("runs")  # where `aforo run` writes unless --out says otherwise
LATEST = "latest"
_ID_CHARACTERS = 7
_FEWEST_CHARACTERS = 4  # of a short id, where no other run's begins alike
_SHORT_ID = re.compile(rf"[0-9a-f]{{{_FEWEST_CHARACTERS},{_ID_CHARACTERS}}}")
_BEFORE_LATEST = re.compile(rf"{LATEST}~([0-9]{{1,4}})")
_RUN_NAME = re.compile(rf"{_BEFORE_LATEST.pattern}|{LATEST}|{_SHORT_ID.pattern}|[0-9]{{8}}T[0-9]{{6}}Z-.*")
_MOST_NAMED = 5


@dataclass(frozen=True)
class NamedRun:
    """A run folder with what it can be called by."""

    path: Path
    run_id: str
    started_utc: str

    @property
    def short_id(self) -> str:
        """Its short id."""
        return short_id(self.run_id)


def short_id(run_id: str) -> str:
    """Return seven hexadecimal digits that stand for a run, wherever its folder is: the head of its id's SHA-256."""
    return hashlib.sha256(run_id.encode("utf-8", "replace")).hexdigest()[:_ID_CHARACTERS]


def reference_id(run_id: str) -> str:
    """Return the id of a run as a reference, which does not name its host."""
    return f"reference-{short_id(run_id)}"


def named_runs(root: Path = RUNS) -> list[NamedRun]:
    """Return the runs below a folder, the newest first; imports and damaged folders are none of them."""
    found = [run for folder in find_runs([root]) for run in _read(folder)]
    return sorted(found, key=lambda run: (run.started_utc, str(run.path)), reverse=True)


def find_run(text: str) -> Path:
    """Return the folder that `text` names.

    A folder that exists is itself. Otherwise the last part of the path is `latest`, `latest~2` (two before it), a run
    id or the beginning of a short id, of a run below the rest of the path, or below `runs`. A path to a folder that
    could be none of these is not looked for, since that may take a walk over a whole disk. Raises `UsageError` for a
    name that no run has, or several.
    """
    path = Path(text)
    if path.exists():
        return path
    if path.parent == Path():
        return _only(text, RUNS, named_runs(RUNS))
    return _only(text, path.parent, named_runs(path.parent) if _RUN_NAME.fullmatch(path.name) else [])


def _read(folder: Path) -> Iterator[NamedRun]:
    try:
        head = read_run(folder)
    except (RunFolderError, FileNotFoundError):
        return
    yield NamedRun(folder, head.run_id, head.started_utc)


def _only(text: str, root: Path, runs: list[NamedRun]) -> Path:
    name = Path(text).name
    steps = 0 if name == LATEST else int(found[1]) if (found := _BEFORE_LATEST.fullmatch(name)) else None
    meant = runs[steps : steps + 1] if steps is not None else [run for run in runs if _is_called(run, name)]
    if not meant:
        raise UsageError(_unknown(text, root, runs))
    if len({run.run_id for run in meant}) > 1:
        listed = ", ".join(f"{run.short_id} ({run.path})" for run in meant[:_MOST_NAMED])
        more = f" and {len(meant) - _MOST_NAMED} more" if len(meant) > _MOST_NAMED else ""
        raise UsageError(f"'{text}' names {len(meant)} runs: {listed}{more}. Pass more of the id, or a path.")
    return meant[0].path


def _is_called(run: NamedRun, name: str) -> bool:
    return name == run.run_id or (_SHORT_ID.fullmatch(name) is not None and run.short_id.startswith(name))


def _unknown(text: str, root: Path, runs: list[NamedRun]) -> str:
    state = f"there are {len(runs)} runs in {root}" if len(runs) > 1 else f"there is one run in {root}"
    if not runs:
        state = f"there is no run of that name in {root}" if root.is_dir() else f"there is no folder {root}"
    return (
        f"No run is called '{text}': {state}. Expected a run folder, '{LATEST}' or an id as 'aforo list' prints it, "
        f"such as {runs[0].short_id if runs else '3fa9c21'}."
    )
