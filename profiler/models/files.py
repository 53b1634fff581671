"""Files of models: writing at one stroke, hashing."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from profiler.cache import cache_folder
from profiler.errors import ModelError
from profiler.files import reading
from profiler.units import BYTES_PER_MIB

OnProgress = Callable[[int, int], None]
"""Called as work goes on with (bytes done, bytes in all)."""


def ignore_progress(done_bytes: int, total_bytes: int) -> None:
    """Show nothing."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and move it there once the block ends without an error.

    Readers see the old file or the whole new one; of two writers the last one wins. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256(path: Path, on_progress: OnProgress = ignore_progress) -> str:
    """Return the SHA-256 of a file in hexadecimal; computed again only after the file has changed.

    Whether it has changed is judged by inode, size and the times of its last changes. A cache that cannot
    be written is done without. Raises ModelError where the file cannot be read.
    """
    try:
        identity = _identity(path)
        known = _recall(path, identity)
        if known is not None:
            return known
        digest = _digest(path, path.stat().st_size, on_progress)
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror}.") from error
    _remember(path, identity, digest)
    return digest


def sha256_of_all(paths: Sequence[Path], on_progress: OnProgress = ignore_progress) -> str:
    """Return the SHA-256 of the list of these files: a line of hash, two spaces and name for each.

    Raises ModelError where one cannot be read.
    """
    lines = (f"{sha256(path, on_progress)}  {path.name}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def changed_since(name: str, digest: str) -> str | None:
    """Return the hash under which this name was last measured, where it was another; remember the new one.

    Names are what the user calls a model; a path counts as where it leads to. Nothing is known without a
    cache that can be written.
    """
    with suppress(OSError, ModelError):
        memory = cache_folder() / "measured" / f"{hashlib.sha256(name.encode()).hexdigest()}.txt"
        before = memory.read_text("ascii", "replace") if memory.exists() else digest
        if before != digest or not memory.exists():
            with replacing(memory) as temporary:
                temporary.write_text(digest, "ascii")
        return before if before != digest else None
    return None


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _recall(path: Path, identity: list[int]) -> str | None:
    with suppress(OSError, ValueError, KeyError, TypeError, ModelError):
        known = json.loads(_memory_of(path).read_text("utf-8"))
        if known["identity"] == identity:
            return str(known["sha256"])
    return None


def _remember(path: Path, identity: list[int], digest: str) -> None:
    with suppress(OSError, ModelError), replacing(_memory_of(path)) as temporary:
        temporary.write_text(json.dumps({"identity": identity, "sha256": digest}), "utf-8")


def _memory_of(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return cache_folder() / "sha256" / f"{name}.json"


def _digest(path: Path, total_bytes: int, on_progress: OnProgress) -> str:
    digest = hashlib.sha256()
    done_bytes = 0
    with reading(path) as file:
        while piece := file.read(4 * BYTES_PER_MIB):
            digest.update(piece)
            done_bytes += len(piece)
            on_progress(done_bytes, total_bytes)
    return digest.hexdigest()
