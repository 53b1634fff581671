"""What comes back from a host: whole and right by its hashes, or not there."""

import hashlib
import json
import secrets
import shutil
import signal
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

from profiler.errors import HostLostError, RecordError, RunFolderError
from profiler.fleet.host_side.collect import LIST
from profiler.fleet.messages import JobThere
from profiler.fleet.state import Outcome
from profiler.number_format import plain_quantity
from profiler.results.folder import RunFolder
from profiler.results.manifest import FleetFacts
from profiler.units import BYTES_PER_MIB

_UNFINISHED = ".unfinished"
_INTERRUPTED = 128 + signal.SIGINT  # exit code of a run that was asked to end
_LONGEST_LIST_BYTES = 16 * BYTES_PER_MIB
_LEFT_FREE_BYTES = 64 * BYTES_PER_MIB  # on the disk, by what is unpacked


def collect(fetch: Callable[[BinaryIO], None], folder: Path, facts: FleetFacts) -> None:
    """Put what a job left into a folder, which is there as a whole or not at all.

    `fetch` writes a tar as `host_side/collect.py` makes it. Its run says where it comes from, `facts`. Raises
    `HostLostError` where what came is not what the host has, and `RecordError` where it cannot be written here.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{secrets.token_hex(8)}{_UNFINISHED}")
        with tempfile.TemporaryFile(dir=folder.parent) as tar:
            fetch(tar)
            tar.seek(0)
            try:
                _unpack(tar, temporary)
                _sign(temporary, facts)
                temporary.rename(folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise RecordError(
            f"Cannot write {folder}: {error.strerror or error}. Free some space and call the same with --resume: the "
            "host still has it."
        ) from error


def discard_unfinished(out: Path) -> None:
    """Remove what a controller that was killed had collected only in part; the hosts have the whole."""
    for folder in out.glob(f"*/.*{_UNFINISHED}"):
        shutil.rmtree(folder, ignore_errors=True)


def run_in(folder: Path) -> Path | None:
    """Return the run folder in what was collected; None where the run never came so far."""
    return next(iter(sorted(path.parent for path in folder.glob("*/run.json"))), None)


def outcome_of(folder: Path, there: JobThere) -> tuple[Outcome, str]:
    """Return what came of a job, by what was collected of it, and a sentence where it is not VALID."""
    level = _level(folder)
    if level is not None and (there.state in {"vanished", "absent"} or there.exit_code in {0, 3}):
        return ("VALID", "") if level != "INVALID" else ("INVALID", there.sentence)
    if there.is_over_limit:
        return "over limit", f"It was ended after {there.lasted_s or 0:.0f} s, the limit of a cell."
    if there.exit_code == _INTERRUPTED:
        return "cancelled", "It was ended when the end of all was asked for."
    if there.state in {"vanished", "absent"}:
        return "lost", "Its host was restarted, or it was killed there."
    return "failed", there.sentence or f"It ended with exit code {there.exit_code}, without a word."


def _level(folder: Path) -> str | None:
    """Return the verdict of a run that came to its end."""
    path = run_in(folder)
    if path is None:
        return None
    try:
        manifest, summary = RunFolder(path).read_manifest(), RunFolder(path).read_summary()
    except RunFolderError:
        return None
    verdict = summary.verdict
    return verdict.level if verdict is not None and manifest.status == "complete" else None


def _sign(folder: Path, facts: FleetFacts) -> None:
    """Write into the run's `run.json` where it comes from, as far as it can be read."""
    path = run_in(folder)
    if path is None:
        return
    try:
        manifest = RunFolder(path).read_manifest()
    except RunFolderError:
        return
    manifest.fleet = facts
    RunFolder(path).write_manifest(manifest)


def _unpack(tar: BinaryIO, folder: Path) -> None:
    """Unpack into a new folder. Raises `HostLostError` unless exactly the files came that were said to.

    Raises `RecordError` where they take more than is free here: a file may unpack to a thousand times its size.
    """
    room_bytes = shutil.disk_usage(folder.parent).free - _LEFT_FREE_BYTES
    try:
        with tarfile.open(fileobj=tar, mode="r|gz") as members:
            hashes = _listed(members)
            folder.mkdir()
            while (member := members.next()) is not None:
                room_bytes -= member.size
                if room_bytes < 0:
                    raise _too_large(folder, member)
                _take(members, member, folder, hashes)
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise HostLostError(f"What was collected is cut off or damaged ({error}).") from error
    if hashes:
        raise HostLostError(f"What was collected is cut off: {len(hashes)} files did not come, {min(hashes)} first.")


def _too_large(folder: Path, member: tarfile.TarInfo) -> RecordError:
    return RecordError(
        f"What was collected does not fit here: with {member.name} ({plain_quantity(member.size, 'bytes')}) it takes "
        f"more than is free in {folder.parent}. Free some space and call the same with --resume: the host still has it."
    )


def _listed(members: tarfile.TarFile) -> dict[str, str]:
    first = members.next()
    if first is None or first.name != LIST or first.size > _LONGEST_LIST_BYTES:
        raise ValueError("it does not begin with its list of files")
    hashes = json.loads(_content(members, first).read())
    if not isinstance(hashes, dict):
        raise ValueError("its list of files is none")
    return {str(name): str(digest) for name, digest in hashes.items()}


def _take(members: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, hashes: dict[str, str]) -> None:
    """Write one file, and strike it off the list."""
    expected = hashes.pop(member.name, None)
    path = Path(member.name)
    if expected is None or not member.isreg() or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{member.name!r} is in it, and not in its list of files")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    source = _content(members, member)
    with (folder / path).open("xb") as file:
        while piece := source.read(BYTES_PER_MIB):
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != expected:
        raise ValueError(f"{member.name} is not as the host has it")


def _content(members: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = members.extractfile(member)
    if content is None:
        raise ValueError(f"{member.name!r} is no file")
    return content
