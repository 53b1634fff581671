"""Does Aforo agree with llama-server's own timings, and how far are both from llama-bench?

For each model: llama-bench (prompt processing and decoding, in process: no HTTP, no sampling), then `aforo run` on
llama-server with 1, 4 and 8 requests in flight, llama-bench again, since machines drift. All three programs come
from one build: `aforo engines build llama-server`.

    python benchmarks/engine_word.py [--models synthetic:smollm2-135m/Q8_0 …] [--save]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import machine

from profiler.models import locate
from profiler.run.sampling import usable_cores
from profiler.servers import llama_build

MODELS = ("synthetic:smollm2-135m/Q8_0", "synthetic:llama-3.2-1b/Q4_0")
STREAMS = (1, 4, 8)
PROMPT_TOKENS, OUTPUT_TOKENS = 128, 64
RESULTS = Path(__file__).parent / "results" / "engine_word.md"


class Bench(NamedTuple):
    """What llama-bench says, in tokens per second."""

    prefill: float
    decode: float


class Row(NamedTuple):
    """One run: our decode rate per stream and the server's own, in tokens per second."""

    model: str
    streams: int
    ours: float
    server: float
    gap_ratio: float
    verdict: str


def main() -> None:
    options = arguments()
    lines = [machine.sentence(machine.describe()), ""]
    for model in options.models:
        path = locate.find(model).path
        before = bench(path)
        rows = [measure(model, streams, options.requests) for streams in STREAMS]
        shown = table(model, rows, before, bench(path))
        print("\n".join(shown), flush=True)
        lines += shown
    if options.save:
        RESULTS.write_text("# The engine's own word\n\n" + "\n".join(lines) + "\n", "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--requests", type=int, default=24, help="measured requests in each run")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name} to results/")
    return parser.parse_args()


def bench(model: Path) -> Bench:
    program = llama_build.built("llama-bench")
    if program is None:
        raise SystemExit("There is no llama-bench. Build it: aforo engines build llama-server")
    command = [
        program,
        "-m",
        model,
        "-p",
        PROMPT_TOKENS,
        "-n",
        OUTPUT_TOKENS,
        "-r",
        5,
        "-t",
        usable_cores(),
        "-o",
        "json",
    ]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    rates = {(row["n_prompt"], row["n_gen"]): row["avg_ts"] for row in json.loads(done.stdout)}
    return Bench(rates[PROMPT_TOKENS, 0], rates[0, OUTPUT_TOKENS])


def measure(model: str, streams: int, requests: int) -> Row:
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-P", "-m", "profiler", "run", "quickstart", "--engine", "llama-server"]
        command += ["--model", model, "--concurrency", str(streams), "--threads", str(usable_cores()), "--out", out]
        command += ["--prompt-tokens", str(PROMPT_TOKENS), "--output-tokens", str(OUTPUT_TOKENS), "--repeats", "1"]
        command += ["--requests", str(requests), "--max-repeat-s", "600", "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(done.stderr)
    summary = json.loads(done.stdout)
    metrics = summary["metrics"]
    return Row(
        model,
        streams,
        metrics["decode_tokens_per_s"]["mean"],
        metrics["engine_decode_tokens_per_s"]["value"],
        metrics["engine_gap_ratio"]["value"],
        summary["verdict"]["level"],
    )


def table(model: str, rows: list[Row], before: Bench, after: Bench) -> list[str]:
    lines = [
        f"## {model}",
        "",
        f"llama-bench before and after: tg{OUTPUT_TOKENS} {before.decode:.1f} and {after.decode:.1f} tokens/s, "
        f"pp{PROMPT_TOKENS} {before.prefill:.0f} and {after.prefill:.0f} tokens/s.",
        "",
        "| in flight | Aforo, tokens/s per stream | llama-server | time differs by | of tg, all streams | verdict |",
        "|---|---|---|---|---|---|",
    ]
    tg = (before.decode + after.decode) / 2
    lines += [
        f"| {row.streams} | {row.ours:.2f} | {row.server:.2f} | {row.gap_ratio:.2%} "
        f"| {row.ours * row.streams / tg:.0%} | {row.verdict} |"
        for row in rows
    ]
    return [*lines, ""]


if __name__ == "__main__":
    main()
