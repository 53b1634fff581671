"""Does `aforo gate` catch a real slowdown of 10 %, and does it stay quiet when nothing changed?

Three groups of runs of one setting, in turn, so that drift of the machine meets all of them alike: `base`, `same`
(again the same) and `slow`, during which the model server is stopped (SIGSTOP) for 20 ms and woken (SIGCONT) for nine
times as long as it was really stopped, again and again, as a processor quota would halt it. A run that is INVALID is
put aside and made again. Then the gate judges, each answer by the command itself:

- `same` and `slow` against `base`, all runs of each together, and once more in pairs (`--paired`);
- each run of `base` and `same` against the others of its own group, and each of `slow` against `base`;
- each run of `base` against that of `same`, and of `slow`, in its own round, one against one.

    python benchmarks/gate.py [--rounds 5] [--out FOLDER] [--save]

Runs that are in FOLDER already are kept, so it can be done in pieces (`--at-most SECONDS`).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import machine
import psutil

GROUPS = ("base", "same", "slow")
ASIDE = "invalid"
STOP_S, STOPPED_SHARE = 0.020, 0.10
RESULTS = Path(__file__).parent / "results" / "gate.md"
AFORO = (sys.executable, "-m", "profiler")
SERVER = "llama-server"


class Answer(NamedTuple):
    """What the gate said, by its exit code."""

    code: int
    sentence: str


class Stopper(threading.Thread):
    """Stops every server below a process for a part of the time; counts how long the last one really stood still."""

    def __init__(self, parent: int) -> None:
        super().__init__(daemon=True)
        self._parent, self._ended = psutil.Process(parent), threading.Event()
        self.stopped_s = self.running_s = 0.0

    def run(self) -> None:
        while not self._ended.is_set():
            servers = [process for process in below(self._parent) if is_server(process)]
            if servers:
                self._halt_again_and_again(servers[0])
            self._ended.wait(0.02)

    def end(self) -> None:
        self._ended.set()
        self.join()

    def _halt_again_and_again(self, server: psutil.Process) -> None:
        """Do so until it has ended."""
        self.stopped_s = self.running_s = 0.0
        while not self._ended.is_set():
            begun = time.perf_counter()
            if not send(server, signal.SIGSTOP):
                return
            time.sleep(STOP_S)
            if not send(server, signal.SIGCONT):
                return
            stopped = time.perf_counter()
            time.sleep((stopped - begun) * (1 / STOPPED_SHARE - 1))
            self.stopped_s += stopped - begun
            self.running_s += time.perf_counter() - stopped


def send(process: psutil.Process, number: signal.Signals) -> bool:
    """Send a signal; say whether there was still somebody to send it to."""
    try:
        process.send_signal(number)
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def is_server(process: psutil.Process) -> bool:
    """Whether a process is the server that answers requests, not one that only tells its version."""
    try:
        words = process.cmdline()
        return process.name() == SERVER and "--port" in words and os.devnull not in words
    except psutil.Error:
        return False


def below(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return parent.children(recursive=True)
    except psutil.Error:
        return []


def main() -> None:
    options = arguments()
    with folder(options.out) as out:
        if not measure_all(out, options):
            print(f"Not all runs are there yet: run it again with --out {out}")
            return
        lines = [machine.sentence(machine.describe()), "", *report(out, options)]
    print("\n".join(lines))
    if options.save:
        RESULTS.write_text("# The gate on real runs\n\n" + "\n".join(lines) + "\n", "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each group")
    parser.add_argument("--model", default="synthetic:smollm2-135m/Q8_0")
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--output-tokens", type=int, default=32)
    parser.add_argument("--metric", nargs="+", default=["output_tokens_per_s"])
    parser.add_argument("--max-regression", default="5%")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--at-most", type=float, default=3600.0, help="begin no run later than so many seconds")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name} to results/")
    return parser.parse_args()


@contextmanager
def folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def measure_all(out: Path, options: argparse.Namespace) -> bool:
    """Make the runs that are missing, one of each group in turn; say whether all are there."""
    begun = time.perf_counter()
    for number in range(options.rounds):
        for place in range(len(GROUPS)):
            group = GROUPS[(number + place) % len(GROUPS)]  # who comes first changes
            while not runs_in(out / group, number + 1):
                if time.perf_counter() - begun > options.at_most:
                    return False
                print(measure(out, group, options), file=sys.stderr, flush=True)
    return True


def runs_in(group: Path, count: int) -> bool:
    return len(list(group.glob("*/summary.json"))) >= count


def measure(out: Path, group: str, options: argparse.Namespace) -> str:
    """Make one run; return a line about it. An INVALID one is put aside."""
    is_slow = group == "slow"
    words = ("run", "smoke", "--engine", SERVER, "--model", options.model, "--threads", "1", "--client-cpus", "1")
    sizes = {"--requests": options.requests, "--output-tokens": options.output_tokens, "--warmup-requests": 3}
    flags = [str(word) for pair in sizes.items() for word in pair]
    command = [
        *AFORO,
        *words,
        "--server-cpus",
        "0",
        *flags,
        "--max-repeat-s",
        "300",
        "--out",
        str(out / group),
        "--json",
    ]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    stopper = Stopper(run.pid)
    if is_slow:
        stopper.start()
    printed, _ = run.communicate()
    if is_slow:
        stopper.end()
    summary = json.loads(printed)
    rate = summary["metrics"]["output_tokens_per_s"]
    share = stopper.stopped_s / (stopper.stopped_s + stopper.running_s) if stopper.stopped_s else 0.0
    interval = " to ".join(f"{end:.2f}" for end in rate["interval"] or [])
    level = summary["verdict"]["level"]
    if level == "INVALID":
        (out / ASIDE).mkdir(exist_ok=True)
        (out / group / summary["run_id"]).rename(out / ASIDE / summary["run_id"])
    stopped = f"stopped for {stopper.stopped_s:.1f} s, {share:.1%}"
    return f"{group}: {rate['value']:.2f} tokens/s ({interval}), {stopped}, {level}"


def report(out: Path, options: argparse.Namespace) -> list[str]:
    base, same, slow = (sorted(path.parent for path in (out / group).glob("*/summary.json")) for group in GROUPS)
    lines = [
        f"{len(base)} runs of each group: smoke with {options.requests} requests of {options.output_tokens} tokens, "
        f"{options.model}, {SERVER}, 1 thread; at most {options.max_regression} worse. {aside(out)} INVALID and made "
        "again.",
        "",
        "| tokens/s | " + " | ".join(f"run {i + 1}" for i in range(len(base))) + " |",
        "|---|" + "---|" * len(base),
    ]
    for name, runs in zip(GROUPS, (base, same, slow), strict=True):
        lines.append(f"| {name} | " + " | ".join(f"{rate_of(run):.2f}" for run in runs) + " |")
    for title in ("same", "slow"):
        for word, flags in (("", ()), (" in pairs", ("--paired",))):
            answer = gate(out / "base", out / title, options, *flags)
            lines += ["", f"`base` against `{title}`{word}: exit {answer.code}. {answer.sentence}"]
    lines += ["", "| compared | pass | regression | undecidable |", "|---|---|---|---|"]
    lines.append(row("one run against the other runs of the same setting", one_against_others(base + same, options)))
    lines.append(row("one slowed run against the runs of `base`", [gate(out / "base", run, options) for run in slow]))
    for title, others in (("one run of the same setting", same), ("one slowed run", slow)):
        answers = [gate(one, other, options) for one, other in zip(base, others, strict=True)]
        lines.append(row(f"one run against {title}", answers))
    return lines


def aside(out: Path) -> str:
    count = len(list((out / ASIDE).glob("*/summary.json")))
    return "1 run was" if count == 1 else f"{count} runs were"


def one_against_others(runs: list[Path], options: argparse.Namespace) -> Iterable[Answer]:
    """Judge each run by all others, which are linked into a folder of their own."""
    for run in runs:
        with tempfile.TemporaryDirectory() as others:
            for other in runs:
                if other != run:
                    (Path(others) / other.name).symlink_to(other.resolve())
            yield gate(Path(others), run, options)


def gate(base: Path, new: Path, options: argparse.Namespace, *flags: str) -> Answer:
    metrics = [word for metric in options.metric for word in ("--metric", metric)]
    command = [
        *AFORO,
        "gate",
        str(base),
        str(new),
        *metrics,
        "--max-regression",
        options.max_regression,
        "--json",
        *flags,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(done.stderr)
    return Answer(done.returncode, " ".join(one["sentence"] for one in json.loads(done.stdout)["metrics"]))


def row(title: str, answers: Iterable[Answer]) -> str:
    codes = Counter(answer.code for answer in answers)
    return f"| {title} | {codes[0]} | {codes[1]} | {codes[3]} |"


def rate_of(run: Path) -> float:
    value: float = json.loads((run / "summary.json").read_text())["metrics"]["output_tokens_per_s"]["value"]
    return value


if __name__ == "__main__":
    main()
