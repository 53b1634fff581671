"""Long preparations, a step at a time: a title, the seconds that it took, and where it fails its last words."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_LAST_LINES = 15


def check_room(folder: Path, needed_gib: float) -> None:
    """End with a message where the disk is too full."""
    folder.mkdir(parents=True, exist_ok=True)
    free_gib = shutil.disk_usage(folder).free / 2**30
    if free_gib < needed_gib:
        raise SystemExit(
            f"{folder}: {free_gib:.1f} GiB are free and {needed_gib:g} are needed. Name another folder, or make room."
        )


def do(log: Path, title: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Carry out a step; end with its last words where it fails. `log` takes all that it prints."""
    print(f"  {title} …", end="", flush=True)
    start_s = time.monotonic()
    with log.open("ab") as said:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    print(f" {time.monotonic() - start_s:.0f} s", flush=True)
    if done.returncode:
        last = log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:]
        raise SystemExit("\n".join([f"{' '.join(command)} failed:", *last, f"All of it: {log}"]))
