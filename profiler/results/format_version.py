"""Which files of a run folder this version can read: the only place that decides it."""

from pathlib import Path

from profiler.errors import RunFolderError


def require_readable(path: Path | str, version: object, newest: int) -> None:
    """Raise `RunFolderError` unless `version`, a file's `format_version`, is a whole number from 1 to `newest`."""
    if type(version) is int and 1 <= version <= newest:
        return
    remedy = "Install a newer Aforo: pip install --upgrade aforo"
    if type(version) is int and version < 1:
        remedy = "No Aforo wrote it like that: the file is damaged."
    raise RunFolderError(f"{path}: format_version is {version!r}; this version reads 1 to {newest}. {remedy}")
