"""Every reader of a run folder takes and refuses the same versions."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.stored_runs import stored

from profiler.errors import RunFolderError
from profiler.results import index
from profiler.results.folder import RunFolder
from profiler.results.imported import IMPORTED_FILE, read_imported

READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "summarize and compare, run.json": ("run.json", lambda folder: RunFolder(folder).read_manifest()),
    "compare, summary.json": ("summary.json", lambda folder: RunFolder(folder).read_summary()),
    "list and query, run.json": ("run.json", index.read_run),
    "list and query, summary.json": ("summary.json", index.read_summary),
    "imports": (IMPORTED_FILE, read_imported),
}
IMPORTED = {"import_id": "i", "imported_utc": "", "tool": "aiperf", "tool_version": None, "file": "f", "sha256": ""}


def folder_with(tmp_path: Path, file: str, version: object) -> Path:
    folder = stored(tmp_path / "run").folder.path
    path = folder / file
    points = {"points": [{"name": "p", "metrics": {}}]}
    document = json.loads(path.read_text()) if path.exists() else {**IMPORTED, **points}
    path.write_text(json.dumps({**document, "format_version": version}))
    return folder


@pytest.mark.parametrize("reader", READERS)
def test_the_version_of_today_is_read(tmp_path: Path, reader: str) -> None:
    file, read = READERS[reader]
    assert read(folder_with(tmp_path, file, 1))


@pytest.mark.parametrize("version", [0, -1, 2, 99, 10**30, True, 1.0, "1", None, [1]])
@pytest.mark.parametrize("reader", READERS)
def test_any_other_is_refused(tmp_path: Path, reader: str, version: object) -> None:
    file, read = READERS[reader]
    with pytest.raises(RunFolderError, match=r"format_version is .*; this version reads 1 to 1") as refused:
        read(folder_with(tmp_path, file, version))
    is_old = version in (0, -1)
    assert ("damaged" in str(refused.value)) == is_old
    assert ("Install a newer Aforo" in str(refused.value)) != is_old
