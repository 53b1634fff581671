"""The user's folders: the cache for what can be made again, the data folder for what cannot."""

import os
import sys
from pathlib import Path

from profiler.errors import ModelError


def cache_folder() -> Path:
    """Return the folder of models, hashes, engines, rooflines, refreshed prices; it need not exist yet.

    `$XDG_CACHE_HOME/aforo` where that is set to an absolute path (XDG Base Directory Specification),
    else `~/Library/Caches/aforo` on macOS and `~/.cache/aforo` elsewhere. Raises ModelError where the
    user has no home folder.
    """
    return _folder("XDG_CACHE_HOME", "Library/Caches", ".cache", "cache folder", "a folder with room for models")


def data_folder() -> Path:
    """Return the folder of what the user brought, such as prices; it need not exist yet.

    `$XDG_DATA_HOME/aforo` where that is set to an absolute path, else `~/Library/Application Support/aforo` on macOS
    and `~/.local/share/aforo` elsewhere. Raises ModelError where the user has no home folder.
    """
    return _folder("XDG_DATA_HOME", "Library/Application Support", ".local/share", "data folder", "a folder")


def _folder(variable: str, on_macos: str, elsewhere: str, what: str, remedy: str) -> Path:
    named = os.environ.get(variable, "")
    if Path(named).is_absolute():
        return Path(named) / "aforo"
    try:
        home = Path.home()
    except RuntimeError:
        raise ModelError(
            f"There is no {what}, because this user has no home folder. Set {variable} to {remedy}."
        ) from None
    return home / (on_macos if sys.platform == "darwin" else elsewhere) / "aforo"
