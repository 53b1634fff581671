"""`aforo fleet-host collect`: what a job left, as a tar; its first member lists the files with their hashes."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import BinaryIO

from profiler.errors import UsageError
from profiler.files import reading
from profiler.fleet.host_side.job_folder import JobFolder, folder_of
from profiler.fleet.messages import Job
from profiler.units import BYTES_PER_MIB

LIST = "hashes.json"


def collect(job: Job, out: BinaryIO) -> None:
    """Write the tar. Raises `UsageError` where the job is running or unknown, `OSError`."""
    folder = folder_of(job)
    there = folder.look()
    if there.state in {"running", "absent"}:
        raise UsageError(f"The job {job.name} is {there.state}: there is nothing to be collected yet.")
    files = _files(folder)
    hashes = {name: _sha256(path) for name, path in files.items()}
    with tarfile.open(fileobj=out, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        listed = json.dumps(hashes).encode()
        about = tarfile.TarInfo(LIST)
        about.size = len(listed)
        tar.addfile(about, io.BytesIO(listed))
        for name, path in files.items():
            about = tarfile.TarInfo(name)
            about.size = path.stat().st_size
            about.mtime = int(path.stat().st_mtime)
            with reading(path) as file:
                tar.addfile(about, file)


def _files(folder: JobFolder) -> dict[str, Path]:
    """Return what is handed over, by name: run folders, and what the run printed."""
    found = {path.name: path for path in (folder.printed, folder.said) if path.is_file()}
    inside = sorted(path for path in folder.runs.rglob("*") if path.is_file() and not path.is_symlink())
    return {**{path.relative_to(folder.runs).as_posix(): path for path in inside}, **found}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with reading(path) as file:
        while piece := file.read(BYTES_PER_MIB):
            digest.update(piece)
    return digest.hexdigest()
