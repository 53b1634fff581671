"""Reading what somebody else may have put there: never a wait for a pipe, never a device without an end."""

import codecs
import errno
import fcntl
import json
import os
import re
import select
import stat
from pathlib import Path
from typing import Any, BinaryIO

_BUFFER_BYTES = 64 * 1024
_HALVES = re.compile("[\ud800-\udfff]")


def open_regular(path: Path | str) -> int:
    """Return a descriptor to read a regular file from. Raises `OSError`, also for a folder, a pipe or a device.

    The file that is looked at is the one that was opened, and opening a pipe does not wait for a writer.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except ValueError as error:  # a null character, or half a character
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from error
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
    os.close(handle)
    if is_folder:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a regular file", str(path))


def reading(path: Path | str) -> BinaryIO:
    """Open a regular file to read its bytes. Raises `OSError` as `open_regular`."""
    return os.fdopen(open_regular(path), "rb", _BUFFER_BYTES)


def read_secret(path: Path, at_most_bytes: int, patience_s: float) -> bytes:
    """Return what a small file or a pipe holds, `<(pass show key)` for one. Raises `OSError`.

    A pipe out of which nothing comes for longer than `patience_s` is an error.
    """
    handle = os.open(expanded(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(handle, "rb", buffering=0) as file:
        kind = os.fstat(handle).st_mode
        if stat.S_ISREG(kind) or not stat.S_ISFIFO(kind):
            return read_bytes(expanded(path), at_most_bytes)
        data = b""
        while select.select([handle], [], [], patience_s)[0]:
            piece = file.read(at_most_bytes + 1 - len(data)) or b""
            data += piece
            if not piece:
                return data
            if len(data) > at_most_bytes:
                raise OSError(errno.EFBIG, f"it has more than {at_most_bytes} bytes", str(path))
        raise OSError(errno.ETIMEDOUT, f"nothing came out of it within {patience_s:g} s", str(path))


def expanded(path: Path | str) -> Path:
    """Return a path with its `~` written out. Raises `OSError` where that is nobody's home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise OSError(errno.ENOENT, "the home folder in it is not known", str(path)) from error


def read_bytes(path: Path | str, at_most_bytes: int | None = None) -> bytes:
    """Return what a regular file holds. Raises `OSError` as `open_regular`, and for a file with more than so much."""
    with reading(path) as file:
        if at_most_bytes is None:
            return file.read()
        data = file.read(at_most_bytes + 1)
    if len(data) > at_most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {at_most_bytes} bytes", str(path))
    return data


def encoding_of(start: bytes) -> str:
    """Return how a text is encoded that begins so: UTF-16 where it says that, as PowerShell's `>` does, else UTF-8."""
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def parse_json(data: bytes) -> Any:
    """Return the JSON value that bytes hold, half characters replaced.

    Raises `ValueError`, for nesting that is too deep as well.
    """
    try:
        found = json.loads(data.decode())
        return whole(found) if b"\\u" in data else found
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def whole(value: Any) -> Any:
    """Return a value in whose texts half characters (lone surrogates, which no file can hold) are replaced."""
    if isinstance(value, str):
        return _HALVES.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [whole(each) for each in value]
    if isinstance(value, dict):
        return {whole(key): whole(each) for key, each in value.items()}
    return value


def is_locked(path: Path) -> bool:
    """Whether some process holds a lock (flock) on a file; False where it cannot be opened."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
