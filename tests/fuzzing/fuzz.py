"""Mutated files of every kind, read as the verbs read them: an error of ours or none, in bounded time.

By hand, from the folder `tests`: `python -m fuzzing.fuzz --inputs 50000 --seed 7`; what fails is kept in a folder.
"""

import argparse
import contextlib
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from fuzzing.mutations import mutated
from fuzzing.targets import Target, targets
from profiler.errors import AforoError

_MOST_CPU_S = 10.0  # of one input; the slowest take a tenth of it
_MOST_MEMORY_BYTES = 4 << 30


class HangError(BaseException):
    """One input took more processor time than any should; no handler of `Exception` hides it."""


@dataclass(frozen=True)
class Fault:
    """An input that was neither read nor refused."""

    target: str
    data: bytes
    trace: str

    @property
    def place(self) -> str:
        """Where it happened, to tell one fault from another."""
        lines = [line.strip() for line in self.trace.splitlines()]
        frames = [line for line in lines if line.startswith("File ") and "/profiler/" in line]
        return f"{self.target}: {lines[-1][:100]} at {frames[-1] if frames else '?'}"


def fuzz(target: Target, inputs: int, seed: int, folder: Path) -> list[Fault]:
    """Read so many mutated files of a kind; return what was neither read nor refused."""
    random, faults = Random(f"{seed}/{target.name}"), []
    target.others(folder)
    beside = {path.name: path.read_bytes() for path in folder.iterdir()}
    for _ in range(inputs):
        data = mutated(target.seeds, random, is_json=target.is_json)
        (folder / target.file).write_bytes(data)
        try:
            with limited():
                target.read(folder)
        except AforoError:
            pass
        except (Exception, HangError):
            faults.append(Fault(target.name, data, traceback.format_exc()))
        for name in {path.name for path in folder.iterdir()} - set(beside) - {target.file}:
            (folder / name).unlink()
        for name in ("summary.json", "wall.jsonl", "report.html"):
            if name in beside and (folder / name).read_bytes() != beside[name]:
                (folder / name).write_bytes(beside[name])
    return faults


@contextlib.contextmanager
def limited(most_cpu_s: float = _MOST_CPU_S) -> Iterator[None]:
    """Raise `HangError` in whatever takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError(f"more than {most_cpu_s:g} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, most_cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def main() -> int:
    """Fuzz every kind of file, say how many inputs were tried, and keep what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=50_000, help="all kinds together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds whose name contains this")
    parser.add_argument("--keep", type=Path, default=Path("fuzzing-faults"))
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
    chosen = [target for target in targets() if options.only is None or options.only in target.name]
    weight = sum(1 / target.cost for target in chosen)
    tried, found = 0, Counter[str]()
    for target in chosen:
        count, start_s = round(options.inputs / target.cost / weight), time.monotonic()
        scratch = Path(tempfile.mkdtemp())
        faults = fuzz(target, count, options.seed, scratch)
        shutil.rmtree(scratch)
        tried += count
        print(
            f"{target.name:24} {count:7} inputs, {len(faults)} faults, {time.monotonic() - start_s:.1f} s", flush=True
        )
        for fault in faults:
            if not found[fault.place]:
                _keep(options.keep, fault, len(found))
                print(f"    {fault.place}", flush=True)
            found[fault.place] += 1
    print(f"{tried} inputs, {sum(found.values())} faults in {len(found)} places")
    return 1 if found else 0


def _keep(folder: Path, fault: Fault, number: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{number}.input").write_bytes(fault.data)
    (folder / f"{number}.trace").write_text(fault.trace)


if __name__ == "__main__":
    sys.exit(main())
