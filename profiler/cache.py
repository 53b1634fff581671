"""The folder for what can be made again: models, hashes, engines, rooflines, refreshed prices."""

import os
import sys
from pathlib import Path

from profiler.errors import ModelError


def cache_folder() -> Path:
    """Return the folder; it need not exist yet.

    `$XDG_CACHE_HOME/aforo` where that is set to an absolute path (XDG Base Directory Specification),
    else `~/Library/Caches/aforo` on macOS and `~/.cache/aforo` elsewhere. Raises ModelError where the
    user has no home folder.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "aforo"
    try:
        home = Path.home()
    except RuntimeError:
        raise ModelError(
            "There is no cache folder, because this user has no home folder. "
            "Set XDG_CACHE_HOME to a folder with room for models."
        ) from None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "aforo"
