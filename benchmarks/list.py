"""How long does `aforo list` take over ten thousand runs?

    python benchmarks/list.py                   # 10,000 copies of the golden run: about 200 MB of disk
    python benchmarks/list.py --run RUN --runs 2000
    python benchmarks/list.py --json            # the figures alone, for another program

Copies `run.json` and `summary.json` of a run into so many folders, each with an id and a start of its own, and times
the command in a process of its own: with files that the system has in memory, and after it was asked to forget their
contents (`posix_fadvise`, POSIX_FADV_DONTNEED; names and inodes stay). The folders are deleted afterwards.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "v1-smoke"
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Write, time, print."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as scratch:
        root = Path(scratch)
        write(arguments.run, root, arguments.runs)
        figures = {"runs": arguments.runs, "warm_s": timed(root, arguments.runs)}
        forget(root)
        figures["cold_s"] = timed(root, arguments.runs)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"aforo list of {arguments.runs:,} runs: {figures['warm_s']:.2f} s, files in memory")
    print(f"aforo list of {arguments.runs:,} runs: {figures['cold_s']:.2f} s, files on disk")


def write(run: Path, root: Path, runs: int) -> None:
    """Make so many run folders."""
    manifest = json.loads((run / "run.json").read_text("utf-8"))
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    for number in range(runs):
        started = _FIRST + timedelta(minutes=number)
        name = f"{started:%Y%m%dT%H%M%SZ}-host-{number % 7}"
        manifest |= {"run_id": name, "started_utc": f"{started:%Y-%m-%dT%H:%M:%SZ}"}
        summary["run_id"] = name
        (root / name).mkdir()
        (root / name / "run.json").write_text(json.dumps(manifest, indent=2), "utf-8")
        (root / name / "summary.json").write_text(json.dumps(summary, indent=2), "utf-8")


def timed(root: Path, runs: int) -> float:
    """Return how long the command takes, its start included; all runs must be in what it prints."""
    begun_s = time.monotonic()
    command = [sys.executable, "-m", "profiler", "list", str(root), "--limit", "0", "--csv"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    took_s = time.monotonic() - begun_s
    if (found := printed.count("\n") - 1) != runs:
        raise SystemExit(f"aforo list printed {found} runs instead of {runs}")
    return took_s


def forget(root: Path) -> None:
    """Ask the system to drop the contents of all files from memory."""
    os.sync()
    for path in root.glob("*/*.json"):
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000, help="how many folders [%(default)s]")
    parser.add_argument("--run", type=Path, default=GOLDEN, help="the run to copy [the golden one]")
    parser.add_argument("--dir", type=Path, help="where they are made (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
