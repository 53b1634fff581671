"""Reading `/proc` and `/sys`, or a recording of them, where any file may be missing."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tree:
    """Files under a root; paths are given without the leading slash."""

    root: Path

    def text(self, path: str) -> str | None:
        """Return what a file says, stripped, or `None` when it is missing, unreadable or empty."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip() or None
        except (OSError, ValueError):  # ValueError: a path that no file can have
            return None

    def number(self, path: str) -> int | None:
        """Return the whole number that a file holds, or `None`."""
        return whole_number(self.text(path))

    def exists(self, path: str) -> bool:
        """Whether there is such a file; `False` also where one may not look."""
        try:
            return (self.root / path).exists()
        except (OSError, ValueError):
            return False

    def matching(self, pattern: str) -> Iterator[str]:
        """Yield the paths that match a glob, in a stable order."""
        return (str(path.relative_to(self.root)) for path in sorted(self.root.glob(pattern)))


def whole_number(text: str | None) -> int | None:
    """Return the number that a text is, or `None` for anything else ('-', 'max', nothing)."""
    try:
        return int(text or "")
    except ValueError:
        return None


def number(text: str | None) -> float | None:
    """Return the finite number that a text is, or `None` for anything else."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None
