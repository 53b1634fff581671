"""Does an idle Ray node slow a measurement down, as one does on each host of a fleet whose transport is `ray`?

    python benchmarks/idle_ray.py --save         # 9 minutes on a quiet machine; needs aforo[fleet]
    python benchmarks/idle_ray.py --pairs 2 --requests 8     # a try

llama-server with a small model is measured by `aforo run` on a machine without Ray and beside a Ray node that has
nothing to do, in turn: without, beside, beside, without, without, … The node is a head as `docs/fleet-recipes.md`
starts it, so it holds `gcs_server` too, which of a real cluster runs on the head alone. Ratios are those of pairs, with
Student's interval of the logarithms. How much processor time each of the node's processes takes while it idles is read
from the kernel's account of it, during the very runs.
"""

import argparse
import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import lineup
import machine
import psutil

from profiler.results.folder import RunFolder
from profiler.results.run_set import read_runs
from profiler.run.in_turn import Making, make_in_turn
from profiler.stats.between_runs import paired_ratio
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import estimate

MODEL = "synthetic:smollm2-135m/Q8_0"
SIZES = "--prompt-tokens 64 --output-tokens 32 --repeats 1 --meters none --no-cloud"
METRICS = {
    ("decode_tokens_per_s", None): "decode, tokens/s",
    ("prefill_tokens_per_s", None): "prefill, tokens/s",
    ("ttft_ms", "p99"): "TTFT p99, ms",
}
SIDES = ("without", "beside")
SMALLEST_STORE_BYTES = 80 << 20  # Ray refuses less than 75 MiB
SETTLE_S = 5.0
START_S = 120.0
STOP_S = 30.0
S_PER_MINUTE = 60.0

# What a node consists of, by a word of a process's title or command line; first come, first named.
PROCESSES = {
    "core/src/ray/gcs/gcs_server": "gcs_server (of a cluster: the head only)",
    "core/src/ray/raylet/raylet": "raylet",
    "ray::RuntimeEnvAgent": "agent for environments",
    "ray::DashboardAgent": "agent of the dashboard",
    "ray::": "worker",
    "dashboard.py": "dashboard's server, without its page (head only)",
    "log_monitor.py": "log monitor",
    "monitor.py": "autoscaler's monitor (head only)",
}


@dataclass(frozen=True)
class Idle:
    """What a node took while a run was measured beside it: seconds, process to CPU seconds, resident bytes."""

    wall_s: float
    cpu_s: dict[str, float]
    resident_bytes: int


def main() -> None:
    lineup.end_on_sigterm()
    options = arguments()
    if options.command:
        raise SystemExit(run_beside(options.costs, options.command[1:]))
    here = machine.describe()
    with tempfile.TemporaryDirectory(prefix="idle-ray-") as default:
        folder = options.out or Path(default)
        sides = [making(folder, name, options) for name in SIDES]
        make_in_turn(*sides, options.pairs, with_invalid=True, said=lambda text: print(text, flush=True))
        runs = {side.name: [read(path) for path in folders(side.folder)[: options.pairs]] for side in sides}
        idle = [Idle(**json.loads(line)) for line in costs_file(folder).read_text("utf-8").splitlines()]
    shown = "\n".join([*page(here, runs, options), "", *costs(idle), ""])
    print(shown)
    if options.save:
        lineup.save("idle_ray", shown, {"machine": here, "runs": runs, "idle": list(map(asdict, idle))})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=MODEL, help="as for `aforo run` [%(default)s]")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--requests", type=int, default=50, help="of each run [50]")
    parser.add_argument("--out", type=Path, help="folder for the runs; those that are there already are kept")
    parser.add_argument("--save", action="store_true", help="write idle_ray.md and idle_ray.json to results/")
    parser.add_argument("--costs", type=Path, help=argparse.SUPPRESS)  # where a run beside a node notes what that took
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)  # -- what is run beside a node
    return parser.parse_args()


def costs_file(folder: Path) -> Path:
    return folder / "idle.jsonl"


def making(folder: Path, name: str, options: argparse.Namespace) -> Making:
    run = ["-P", "-m", "profiler", "run", "quickstart", "--quiet", "--model", options.model, *SIZES.split()]
    words = [sys.executable, *run, "--requests", str(options.requests)]
    if name == "beside":
        costs = str(costs_file(folder).absolute())
        words = [sys.executable, str(Path(__file__).resolve()), "--costs", costs, "--", *words]
    return Making(name, folder / name, shlex.join(words))


def run_beside(costs: Path, command: Sequence[str]) -> int:
    """Run a command beside a node that idles, append what the node took, and return the command's exit code."""
    with ray_node() as node:
        time.sleep(SETTLE_S)
        before, start_s = cpu_s(node), time.monotonic()
        code = subprocess.run(command, check=False).returncode
        wall_s, after = time.monotonic() - start_s, cpu_s(node)
        taken = {name: spent - before.get(name, 0.0) for name, spent in after.items()}
        resident_bytes = sum(process.memory_info().rss for process in node.children(recursive=True))
        with costs.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(Idle(wall_s, taken, resident_bytes))) + "\n")
    return code


@contextlib.contextmanager
def ray_node() -> Iterator[psutil.Process]:
    """Start a node of its own and end it; yields the process whose children are the node."""
    ray = [sys.executable, "-P", "-c", "from ray.scripts.scripts import main; main()"]
    node = ["--head", "--block", "--include-dashboard=false", "--disable-usage-stats", "--num-cpus=0", "--port=0"]
    about = [f"--object-store-memory={SMALLEST_STORE_BYTES}", '--resources={"measuring": 1}']
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "start.log"
        command = [*ray, "start", *node, *about, f"--temp-dir={folder}", "--labels=aforo-host=probe"]
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
        with log.open("wb") as output:
            started = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        process = psutil.Process(started.pid)
        try:
            wait_for(started, log)
            yield process
        finally:
            stop(process)


def wait_for(started: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + START_S
    while "Ray runtime started" not in log.read_text("utf-8", "replace"):
        if started.poll() is not None or time.monotonic() > deadline_s:
            raise SystemExit(f"No Ray node came up within {START_S:g} s: {log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.2)


def stop(process: psutil.Process) -> None:
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, left = psutil.wait_procs(family, timeout=STOP_S)
    for one in left:
        one.kill()


def cpu_s(node: psutil.Process) -> dict[str, float]:
    """Return name of process to CPU seconds so far, those of its children that have ended included."""
    spent: dict[str, float] = {}
    for process in node.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            words = " ".join(process.cmdline())
            name = next((name for word, name in PROCESSES.items() if word in words), process.name())
            spent[name] = spent.get(name, 0.0) + sum(process.cpu_times()[:4])
    return spent


def folders(parent: Path) -> list[Path]:
    """Return the run folders in the order in which they were made."""
    return sorted(stored.folder.path for stored in read_runs([parent], allow_invalid=True)[0])


def read(path: Path) -> dict[str, float]:
    """Return title of metric to value; ends where one was not measured."""
    summary = RunFolder(path).read_summary()
    found = {title: estimate(summary, *metric).value for metric, title in METRICS.items()}
    if None in found.values():
        raise SystemExit(f"{path} measured no {next(title for title, value in found.items() if value is None)}.")
    return {title: value for title, value in found.items() if value is not None}


def page(
    here: dict[str, object], runs: Mapping[str, Sequence[Mapping[str, float]]], options: argparse.Namespace
) -> list[str]:
    lines = ["# A measurement beside an idle Ray node", "", machine.sentence(here), ""]
    command = f"aforo run quickstart --model {options.model} {SIZES} --requests {options.requests}"
    lines += [f"Ray {version('ray')}; each run: `{command}`. Written by `idle_ray.py`.", ""]
    titles = [f"{title} {side}" for title in METRICS.values() for side in (*SIDES, "ratio")]
    lines += [f"| pair | {' | '.join(titles)} |", "|---|" + "---|" * len(titles)]
    pairs = list(zip(runs["without"], runs["beside"], strict=True))
    for number, (without, beside) in enumerate(pairs, start=1):
        values = [(without[title], beside[title]) for title in METRICS.values()]
        lines.append(f"| {number} | " + " | ".join(f"{a:.2f} | {b:.2f} | {b / a:.4f}" for a, b in values) + " |")
    ratios = {
        title: paired_ratio([(beside[title], without[title]) for without, beside in pairs])
        for title in METRICS.values()
    }
    return [*lines, "", *(sentence(title, found) for title, found in ratios.items())]


def sentence(title: str, found: Estimate | None) -> str:
    if found is None:
        return f"- **{title}**, beside / without: fewer than two pairs."
    within = "which holds 1" if found.low <= 1 <= found.high else "which does not hold 1"
    interval = f"95 % interval {found.low:.4f} to {found.high:.4f}, {within}"
    return f"- **{title}**, beside / without: {found.value:.4f}, {interval}."


def costs(idle: Sequence[Idle]) -> list[str]:
    """Return the table of what the node's processes took."""
    minutes = sum(one.wall_s for one in idle) / S_PER_MINUTE
    spent = {name: sum(one.cpu_s.get(name, 0.0) for one in idle) / minutes for one in idle for name in one.cpu_s}
    lines = ["| process of the node | CPU seconds per minute while idle |", "|---|---|"]
    lines += [f"| {name} | {spent[name]:.2f} |" for name in sorted(spent, key=spent.__getitem__, reverse=True)]
    resident = max(one.resident_bytes for one in idle) >> 20
    return [
        *lines,
        f"| **all** | **{sum(spent.values()):.2f}** |",
        "",
        f"All processes together: {resident} MiB resident.",
    ]


if __name__ == "__main__":
    main()
