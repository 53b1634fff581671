"""Rates and latencies after few rounds of the slots, against a server of known timing: this version and one before.

    .venv/bin/python benchmarks/estimators.py --save                 # about an hour on a machine that does nothing else
    .venv/bin/python benchmarks/estimators.py --smoke                # two minutes: does it work?
    .venv/bin/python benchmarks/estimators.py --simulate             # no server: bias and coverage, long form

The truth server answers on a schedule, so its long-run rate is known: slots / time of a request, where the slots are
all that limits it. The version before is taken from this repository's history (`--before COMMIT`) and runs the same
definitions against the same server, in turn. So does AIPerf in closed loops of generated text, with its own defaults,
where it is installed (`benchmarks/peers.py`). With `--llama-url URL` a real server is measured as well, against its own
longest run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import machine
import truth
from clients import Load
from peers import AiPerf, default_folder

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "estimators.md"
SIMULATED = Path(__file__).parent / "results" / "estimators_simulated.md"
BEFORE = "beb9bc0"
GIT = ("git", "-C", str(ROOT))
SLOTS, ROUNDS = (1, 2, 8, 16, 32), (3, 5, 10, 30)
TTFT_S, ITL_S, TOKENS, PROMPT_TOKENS = 0.06, 0.004, 32, 64
REQUEST_S = TTFT_S + (TOKENS - 1) * ITL_S
RATES_RPS = (5.0, 20.0)
LONG_RUN_REQUESTS = 2_000_000


@dataclass(frozen=True)
class Server:
    """A way in which the truth server takes its time, and what it gets done in the long run."""

    name: str
    flags: tuple[str, ...]
    per_s: Callable[[int], float]  # requests per second by slots


def _slots_alone(slots: int) -> float:
    return slots / REQUEST_S


def _prompts_in_turn(slots: int) -> float:
    return min(slots / REQUEST_S, 1 / TTFT_S)


SERVERS = (
    Server("lock-step", (), _slots_alone),
    Server("log-normal, cv 0.3", ("--vary-cv", "0.3"), _slots_alone),
    Server("log-normal, cv 1", ("--vary-cv", "1"), _slots_alone),
    Server("serial prefill", ("--serial-prefill",), _prompts_in_turn),
)
_FLAGS = (
    "--ttft-ms", f"{TTFT_S * 1e3:g}", "--itl-ms", f"{ITL_S * 1e3:g}", "--tokens", str(TOKENS),
    "--prompt-tokens", str(PROMPT_TOKENS),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One measurement: a definition, and what is true of it."""

    load: str
    server: Server
    definition: str
    slots: int
    rounds: int
    truth_rps: float
    metric: str = "requests_per_s"
    per_request: float = 1.0  # of what the metric counts


@dataclass(frozen=True)
class Seen:
    """What one version said."""

    value: float | None
    interval: tuple[float, float] | None
    ttft_p95_ms: float | None
    level: str


def definition(load: str, requests: int, *, api: str = "completions", prompts: str | None = None) -> str:
    """Return a workload's text."""
    return "\n".join(
        [
            "id: estimators",
            "version: 1",
            "description: One cell of a benchmark.",
            f"api: {api}",
            f"prompts: {prompts or '{source: synthetic, tokens: ' + str(PROMPT_TOKENS) + '}'}",
            f"output_tokens: {0 if api == 'embeddings' else TOKENS}",
            f"load: {load}",
            f"requests: {requests}",
            "repeats: 1",
            "max_repeat_s: 600",
            "",
        ]
    )


def closed_cases(slots: Sequence[int], rounds: Sequence[int]) -> Iterator[Case]:
    """Yield closed loops of generated text."""
    for server in SERVERS:
        for count in slots:
            for each in rounds:
                text = definition(f"{{shape: closed-loop, concurrency: {count}}}", count * each)
                yield Case("closed", server, text, count, each, server.per_s(count))


def embedding_cases(slots: Sequence[int], rounds: Sequence[int]) -> Iterator[Case]:
    """Yield closed loops of embeddings: a vector after the time to first token."""
    for count in slots:
        for each in rounds:
            text = definition(f"{{shape: closed-loop, concurrency: {count}}}", count * each, api="embeddings")
            found = Case("embeddings", SERVERS[0], text, count, each, count / TTFT_S, "input_tokens_per_s")
            yield Case(**{**vars(found), "per_request": PROMPT_TOKENS})


def open_cases(rounds: Sequence[int], folder: Path) -> Iterator[Case]:
    """Yield open loops and replays with constant gaps, so that the rate is known; requests vary in length."""
    for server in SERVERS[:3]:
        for rate_rps in RATES_RPS:
            in_flight = max(1, round(rate_rps * REQUEST_S))
            for each in rounds:
                requests = in_flight * each + 20
                load = f"{{shape: open-loop, rate_rps: {rate_rps}, arrivals: constant}}"
                yield Case("open", server, definition(load, requests), in_flight, each, rate_rps)
                trace = folder / f"trace-{rate_rps:g}-{each}.jsonl"
                _write_trace(trace, rate_rps, requests)
                text = definition("{shape: replay}", requests, prompts=f"{{source: trace, file: {trace}}}")
                yield Case("replay", server, text, in_flight, each, rate_rps)


def _write_trace(path: Path, rate_rps: float, requests: int) -> None:
    rows = (
        {
            "timestamp": round(i * 1e3 / rate_rps),
            "input_length": PROMPT_TOKENS,
            "output_length": TOKENS,
            "hash_ids": [i],
        }
        for i in range(requests)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@contextmanager
def version_before(commit: str) -> Iterator[Path]:
    """Check out a commit of this repository beside it."""
    with tempfile.TemporaryDirectory(prefix="aforo-before-") as folder:
        tree = Path(folder) / "tree"
        git = [*GIT, "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(tree), commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=False)


def measure(tree: Path, case: Case, url: str, folder: Path) -> Seen:
    """Run one version's command on a definition, and read its summary."""
    workload = folder / "workload.yaml"
    # The version before knew no least number of rounds, and refuses the key.
    workload.write_text(case.definition + (f"rounds: {case.rounds}\n" if tree == ROOT and case.rounds else ""))
    command = [sys.executable, "-P", "-m", "profiler", "run", str(workload), "--url", url, "--meters", "none"]
    with tempfile.TemporaryDirectory(dir=folder) as out:
        run = subprocess.run(
            [*command, "--model", truth.MODEL, "--no-cloud", "-q", "--out", out],
            env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        found = list(Path(out).glob("*/summary.json"))
        if not found:
            return Seen(None, None, None, f"no summary: {run.stderr.strip()[-200:]}")
        return _read(json.loads(found[0].read_text()), case.metric)


def measure_by(peer: AiPerf, case: Case, url: str, folder: Path) -> Seen:
    """Let AIPerf send as many requests to the same number of slots, and read what it reports."""
    load = Load(0, TOKENS, case.slots, prompt_tokens=PROMPT_TOKENS, api="completions", count=case.slots * case.rounds)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = peer.command(load, url, truth.MODEL, Path(out), detailed=False)
        subprocess.run(command, env={**os.environ, **peer.environment()}, capture_output=True, check=False)
        found = Path(out) / "profile_export_aiperf.json"
        if not found.exists():
            return Seen(None, None, None, "no result")
        document = json.loads(found.read_text())
    return Seen(document["request_throughput"]["avg"], None, document["time_to_first_token"]["p95"], "–")


def _read(summary: dict[str, object], metric: str) -> Seen:
    metrics: dict[str, dict[str, object]] = summary["metrics"]  # type: ignore[assignment] - as summary.json has it
    rate, ttft = metrics[metric], metrics["ttft_ms"]
    interval = rate.get("interval")
    quantiles = ttft.get("quantiles") or {}
    return Seen(
        value=rate["value"],  # type: ignore[arg-type]
        interval=tuple(interval) if interval else None,  # type: ignore[arg-type]
        ttft_p95_ms=quantiles.get("p95"),  # type: ignore[attr-defined]
        level=summary["verdict"]["level"],  # type: ignore[index]
    )


def row_of(case: Case, before: Seen, now: Seen, peer: Seen | None = None) -> str:
    """Return a line of the table."""
    other = peer or Seen(None, None, None, "–")
    expected = case.truth_rps * case.per_request

    def error(seen: Seen) -> str:
        return "–" if seen.value is None else f"{seen.value / expected - 1:+.1%}"

    def covers(seen: Seen) -> str:
        if seen.interval is None:
            return "none"
        low, high = seen.interval
        return f"{'covers' if low <= expected <= high else 'misses'}, ±{(high - low) / 2 / expected:.1%}"

    def p95(seen: Seen) -> str:
        return "–" if seen.ttft_p95_ms is None else f"{seen.ttft_p95_ms:.0f}"

    cells = [
        case.load, case.server.name, str(case.slots), str(case.rounds), f"{expected:.2f}", error(before), error(now),
        error(other), covers(before), covers(now), p95(before), p95(now), p95(other), before.level, now.level,
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


HEAD = [
    "| load | server | slots | rounds | truth, per s | before | now | AIPerf | interval before | now "
    "| p95 TTFT before, ms | now | AIPerf | verdict before | now |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
]


def against_truth(cases: Sequence[Case], commit: str, folder: Path, *, fifo: int, peer: AiPerf | None) -> Iterator[str]:
    """Measure every case with both versions and the peer, in turn, each on a fresh truth server; yield a line each."""
    binary = truth.build(folder)
    with version_before(commit) as tree:
        ways: list[Callable[[Case, str, Path], Seen]] = [partial(measure, tree), partial(measure, ROOT)]
        for case in cases:
            seen = []
            for way in [*ways, partial(measure_by, peer)] if peer and case.load == "closed" else ways:
                with truth.truth_server(binary, [*_FLAGS, *case.server.flags], fifo=fifo) as server:
                    seen.append(way(case, server.url, folder))
            yield row_of(case, *seen)


def against_itself(url: str, commit: str, slots: Sequence[int], rounds: Sequence[int], folder: Path) -> Iterator[str]:
    """Measure a real server: the longest run of this version stands for the truth; yield a line for each case."""
    real = Server("llama-server", (), _slots_alone)
    with version_before(commit) as tree:
        for count in slots:
            load = f"{{shape: closed-loop, concurrency: {count}}}"
            longest = Case("closed", real, definition(load, 2 * count * max(rounds)), count, 0, 1.0)
            expected = measure(ROOT, longest, url, folder).value or float("nan")
            for each in rounds:
                case = Case("closed", real, definition(load, count * each), count, each, expected)
                yield row_of(case, measure(tree, case, url, folder), measure(ROOT, case, url, folder))


def simulated(slots: Sequence[int], rounds: Sequence[int], runs: int) -> list[str]:
    """Return bias and coverage of the estimates by simulation, as in tests/summaries/test_estimators.py."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.simulated import MODELS, Load, estimates_of, truth_of  # noqa: PLC0415 - on the path only now

    lines = [
        "| durations | slots | rounds | repeats | bias | ± | intervals that cover |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for name in MODELS:
        for count in slots:
            for each in rounds:
                for repeats in (1, 3):
                    load = Load(name, count, each, repeats=repeats)
                    expected, found = (
                        truth_of(load, LONG_RUN_REQUESTS),
                        estimates_of(load, max(20, runs // (count * each)), seed=1),
                    )
                    errors = [one.rate / expected - 1 for one in found]
                    known = [one for one in found if one.half_width is not None]
                    covered = [abs(one.rate - expected) <= (one.half_width or 0) + 1e-9 for one in known]
                    share = f"{fmean(covered):.1%} of {len(known)}" if known else "no interval"
                    width = 2 * stdev(errors) / sqrt(len(errors))
                    lines.append(
                        f"| {name} | {count} | {each} | {repeats} | {fmean(errors):+.2%} | {width:.2%} | {share} |"
                    )
                    print(lines[-1], flush=True)
    return lines


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--slots", type=int, nargs="+", default=SLOTS)
    parser.add_argument("--rounds", type=int, nargs="+", default=ROUNDS)
    parser.add_argument("--loads", nargs="+", default=("closed", "embeddings", "open", "replay"))
    parser.add_argument("--before", default=BEFORE, help="commit that is compared with")
    parser.add_argument("--fifo", type=int, default=0, help="real-time priority of the truth server")
    parser.add_argument("--peers-dir", type=Path, default=default_folder(), help="where AIPerf is [%(default)s]")
    parser.add_argument("--llama-url", help="a running llama-server, to be measured as well")
    parser.add_argument("--smoke", action="store_true", help="a few short cells")
    parser.add_argument("--simulate", action="store_true", help="bias and coverage by simulation alone")
    parser.add_argument("--runs", type=int, default=200_000, help="requests that a cell of the simulation may take")
    parser.add_argument("--save", action="store_true", help="write the page below benchmarks/results")
    return parser.parse_args()


def main() -> None:
    """Measure, print, save."""
    chosen = arguments()
    if chosen.simulate:
        lines = simulated((*SLOTS, 128), (*ROUNDS, 100), chosen.runs)
        if chosen.save:
            SIMULATED.write_text(_simulated_page(chosen.runs, lines))
        return
    slots, rounds = ((1, 8), (3, 5)) if chosen.smoke else (chosen.slots, chosen.rounds)
    with tempfile.TemporaryDirectory(prefix="aforo-estimators-") as name:
        folder = Path(name)
        every = [*closed_cases(slots, rounds), *embedding_cases(slots, rounds), *open_cases(rounds, folder)]
        cases = [case for case in every if case.load in chosen.loads]
        if chosen.smoke:
            cases = cases[:: max(1, len(cases) // 6)]
        rows = against_truth(cases, chosen.before, folder, fifo=chosen.fifo, peer=_peer(chosen.peers_dir))
        if chosen.llama_url:
            rows = chain(rows, against_itself(chosen.llama_url, chosen.before, slots, rounds, folder))
        lines = list(HEAD)
        print("\n".join(HEAD))
        for row in rows:
            print(row, flush=True)
            lines.append(row)
            if chosen.save:
                RESULTS.write_text(_page(chosen.before, lines))


def _peer(peers_dir: Path) -> AiPerf | None:
    """Return AIPerf if it is installed already."""
    return AiPerf(peers_dir) if (peers_dir / f"{AiPerf.name}-{AiPerf.version}" / "ready").exists() else None


def _simulated_page(runs: int, lines: Sequence[str]) -> str:
    title = [
        "# Bias and coverage of request rates by simulation",
        "",
        f"`benchmarks/estimators.py --simulate --runs {runs} --save` writes this page. Bias: the mean error "
        "of the rate that a run shows, against the long run; ±: 95 % confidence of the bias, given how many runs were "
        "simulated. Without an interval are runs of fewer than 5 requests a slot or 20 in all.",
        "",
    ]
    return "\n".join([*title, *lines, ""])


def _page(commit: str, lines: Sequence[str]) -> str:
    command = [*GIT, "rev-parse", "--short", "HEAD"]
    now = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    title = [
        "# Rates after few rounds",
        "",
        "`benchmarks/estimators.py` writes this page. A request takes "
        f"{REQUEST_S * 1e3:.0f} ms on average ({TOKENS} tokens), an embedding {TTFT_S * 1e3:.0f} ms; errors are of the "
        "rate shown, against what the server's schedule gives in the long run.",
        f"Before: {commit}; now: {now}; AIPerf {AiPerf.version}. {machine.sentence(machine.describe())}",
        "",
    ]
    return "\n".join([*title, *lines, ""])


if __name__ == "__main__":
    main()
