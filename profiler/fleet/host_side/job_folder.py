"""The folder of a job on a host: what it was given, what it says, whether it lives, and what it left.

Whether it lives is a lock on the file `alive`, which its supervisor holds: no process id can be mistaken.
"""

import fcntl
import json
import os
import re
from pathlib import Path

from profiler.cache import data_folder
from profiler.errors import UsageError
from profiler.files import is_locked, parse_json, read_bytes
from profiler.fleet.messages import Job, JobThere
from profiler.results.folder import replace

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_TAIL_BYTES = 8 * 1024


class JobFolder:
    """One attempt at one cell, on this host."""

    def __init__(self, path: Path) -> None:
        """Name a folder; nothing is touched yet."""
        self.path = path
        self.alive = path / "alive"
        self.runs = path / "runs"  # where the run folder goes
        self.printed = path / "stdout.txt"
        self.said = path / "stderr.txt"
        self.cancelled = path / "cancelled"  # there once the end was asked for
        self._ended = path / "ended.json"

    def create(self) -> int:
        """Make the folder, and return the descriptor that says that the job lives. Raises `OSError`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.mkdir()  # one of two that try it
        self.runs.mkdir()
        handle = os.open(self.alive, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle

    def end(self, exit_code: int, lasted_s: float, *, is_over_limit: bool) -> None:
        """Write down how the job ended. Raises `RecordError`."""
        ended = {"exit_code": exit_code, "lasted_s": lasted_s, "is_over_limit": is_over_limit}
        replace(self._ended, json.dumps(ended))

    def look(self) -> JobThere:
        """Say what has become of it."""
        if not self.path.is_dir():
            return JobThere(state="absent")
        is_alive = is_locked(self.alive)  # before the file is read: it may end in between
        if self._ended.is_file():
            ended = parse_json(read_bytes(self._ended))
            return JobThere(state="ended", sentence=self.last_line(), **ended)
        return JobThere(state="running" if is_alive else "vanished", sentence=self.last_line())

    def last_line(self) -> str:
        """Return the last line that the run has said."""
        try:
            with self.said.open("rb") as file:
                file.seek(max(0, self.said.stat().st_size - _TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return next((line for line in reversed(lines) if line.strip()), "")


def folder_of(job: Job) -> JobFolder:
    """Return the folder of a job. Raises `UsageError` for a name that is none, `ModelError` without a home folder."""
    if not (_SAFE.fullmatch(job.plan) and _SAFE.fullmatch(job.name)):
        raise UsageError(f"The job {job.plan}/{job.name} has no name that a folder could have.")
    return JobFolder(jobs_folder() / job.plan / job.name)


def jobs_folder() -> Path:
    """Return where all jobs of this user are. Raises `ModelError` without a home folder."""
    return data_folder() / "fleet"
