"""How much faster are summary and report of a long run than at another revision, and are their bytes the same?

    git worktree add ../before d4a3809
    python benchmarks/million.py ../before                       # a million requests of 100 tokens, 3 GB of disk
    python benchmarks/million.py ../before --requests 100000 --one-cpu

Writes the folder of a made-up run as `memory.py` does, then lets the other checkout and this one read it in turn: on
all CPUs, and this one where wished also on a single CPU. Memory is the sum over all processes of a command (PSS, ten
times a second), time that of the clock and that of the processors. Keys that another revision added to the summary are
named.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import memory

from profiler.results.folder import RunFolder

HERE = Path(__file__).resolve().parent.parent
_OFTEN_S = 0.1


@dataclass(frozen=True)
class Cost:
    """What one command took, all its processes together."""

    wall_s: float
    cpu_s: float
    pss_mib: float


def main() -> None:
    """Write, measure in turn, compare, print."""
    options = _arguments()
    with tempfile.TemporaryDirectory(dir=options.dir) as scratch:
        folder = RunFolder(Path(scratch) / "run")
        memory.write(folder, options.requests)
        for command, written in (("summarize", "summary.json"), ("report", "report.html")):
            result = folder.path / written
            before, old_bytes = cost(options.before, command, folder.path), result.read_bytes()
            after, new_bytes = cost(HERE, command, folder.path), result.read_bytes()
            alone = {"now, one CPU": cost(HERE, command, folder.path, cpus=1)} if options.one_cpu else {}
            _print(command, {"before": before, "now": after} | alone)
            print(f"  {written}: {_difference(old_bytes, new_bytes)}; {len(new_bytes) / 2**20:.2f} MiB", flush=True)


def cost(checkout: Path, command: str, folder: Path, cpus: int | None = None) -> Cost:
    """Run a command of a checkout on a folder, where wished on some of the CPUs only."""
    usable = os.sched_getaffinity(0)
    begun_s, before = time.monotonic(), os.times()
    os.sched_setaffinity(0, sorted(usable)[:cpus])
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "profiler", command, str(folder)],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    os.sched_setaffinity(0, usable)
    most_bytes = 0
    while process.poll() is None:
        most_bytes = max(most_bytes, _pss_bytes(process.pid))
        time.sleep(_OFTEN_S)
    if process.returncode not in {0, 3}:  # 3: the made-up run is INVALID, which is not the question here
        raise SystemExit(f"aforo {command} of {checkout} ended with {process.returncode}")
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.monotonic() - begun_s, cpu_s, most_bytes / 2**20)


def _pss_bytes(pid: int) -> int:
    """Return the memory of a process and its children; what they share counts once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(_pss_bytes(int(child)) for child in children)


def _print(command: str, costs: dict[str, Cost]) -> None:
    before = costs["before"]
    print(f"aforo {command}")
    for name, each in costs.items():
        print(
            f"  {name:13} {each.wall_s:7.1f} s ({before.wall_s / each.wall_s:4.2f} ×), {each.cpu_s:7.1f} s of CPU time "
            f"({before.cpu_s / each.cpu_s:4.2f} ×), {each.pss_mib:6.1f} MiB"
        )


def _difference(old: bytes, new: bytes) -> str:
    if old == new:
        return "the same bytes"
    try:
        before, after = json.loads(old), json.loads(new)
    except ValueError:
        return "other bytes"
    kept, added = _kept(before, after)
    return "the same values" + f" and {added} new keys" * bool(added) if kept == before else "other values"


def _kept(before: Any, after: Any) -> tuple[Any, int]:
    """Return a JSON value without the keys that an earlier one lacks, and how many these are."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after, 0
    kept = {key: _kept(before[key], value) for key, value in after.items() if key in before}
    added = len(after.keys() - before.keys()) + sum(count for _, count in kept.values())
    return {key: value for key, (value, _) in kept.items()}, added


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a checkout of the other revision")
    parser.add_argument("--requests", type=int, default=1_000_000, help="measured requests")
    parser.add_argument("--one-cpu", action="store_true", help="time this checkout on a single CPU, too")
    parser.add_argument("--dir", type=Path, help="where the folder is made (default: the system's temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
