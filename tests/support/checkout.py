"""The checkout that the tests come from, and what git tracks in it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked(*folders: str) -> list[str]:
    """Return the files under these folders that belong to the project, relative to the checkout."""
    # Whoever owns the checkout: listing its files runs nothing of it.
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    listed = subprocess.run([*git, "ls-files", "-z", "--", *folders], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip(f"no git: {listed.stderr.strip()}")
    return [path for path in listed.stdout.split("\0") if path]
