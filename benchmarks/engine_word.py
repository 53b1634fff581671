"""Does Aforo agree with llama-server's own timings, and how far are both from llama-bench?

For each model: llama-bench (prompt processing and decoding, in process: no HTTP, no sampling) and `aforo run` on
llama-server with one request in flight, in turn, since machines drift; then 4 and 8 in flight. Both programs come from
one build: `aforo engines build llama-server llama-bench`. llama-bench decodes twice: from an empty context, as it is
usually quoted, and after as many tokens as the runs' prompts have, so that the cost of reading the context is not taken
for the server's.

    python benchmarks/engine_word.py [--models synthetic:smollm2-135m/Q8_0 …] [--rounds 3] [--save]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import machine

from profiler.hosts.usable_cpus import usable_cpu_count
from profiler.models import locate
from profiler.servers import llama_build
from profiler.units import MS_PER_S

MODELS = ("synthetic:smollm2-135m/Q8_0", "synthetic:llama-3.2-1b/Q4_0")
STREAMS = (4, 8)  # beside a single one
PROMPT_TOKENS, OUTPUT_TOKENS = 128, 64
REQUESTS = 12  # in each run of a single stream
REQUESTS_PER_STREAM = 8  # fewer make no steady load
BENCH_REPEATS = 3
RESULTS = Path(__file__).parent / "results" / "engine_word.md"


class Bench(NamedTuple):
    """What llama-bench says, in tokens per second."""

    prefill: float
    decode_from_empty: float
    decode_after_prompt: float


class Row(NamedTuple):
    """One run: our decode rate per stream and the server's own, both tokens over summed time, in tokens per second."""

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
        benches, singles = [bench(path)], []
        for _ in range(options.rounds):
            singles.append(measure(model, 1, REQUESTS))
            benches.append(bench(path))
        several = [measure(model, streams, streams * REQUESTS_PER_STREAM) for streams in STREAMS]
        shown = page(model, benches, singles, several)
        print("\n".join(shown), flush=True)
        lines += shown
    if options.save:
        RESULTS.write_text("# The engine's own word\n\n" + "\n".join(lines) + "\n", "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--rounds", type=int, default=3, help="runs of a single stream, between runs of llama-bench")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name} to results/")
    return parser.parse_args()


def bench(model: Path) -> Bench:
    program = llama_build.built("llama-bench")
    if program is None:
        raise SystemExit("There is no llama-bench. Build it: aforo engines build llama-server llama-bench")
    command = [
        program,
        "-m",
        model,
        "-p",
        PROMPT_TOKENS,
        "-n",
        OUTPUT_TOKENS,
        "-d",
        f"0,{PROMPT_TOKENS}",
        "-r",
        BENCH_REPEATS,
        "-t",
        usable_cpu_count(),
        "-o",
        "json",
    ]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    rates = {(row["n_prompt"], row["n_gen"], row["n_depth"]): row["avg_ts"] for row in json.loads(done.stdout)}
    return Bench(rates[PROMPT_TOKENS, 0, 0], rates[0, OUTPUT_TOKENS, 0], rates[0, OUTPUT_TOKENS, PROMPT_TOKENS])


def measure(model: str, streams: int, requests: int) -> Row:
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-P", "-m", "profiler", "run", "quickstart", "--engine", "llama-server"]
        command += ["--model", model, "--concurrency", str(streams), "--threads", str(usable_cpu_count()), "--out", out]
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
        metrics["client_decode_tokens_per_s"]["value"],
        metrics["engine_decode_tokens_per_s"]["value"],
        metrics["engine_gap_ratio"]["value"],
        summary["verdict"]["level"],
    )


def page(model: str, benches: list[Bench], singles: list[Row], several: list[Row]) -> list[str]:
    pp, empty, deep = ([getattr(one, name) for one in benches] for name in Bench._fields)
    lines = [
        f"## {model}",
        "",
        f"llama-bench, median and range of {len(benches)}: pp{PROMPT_TOKENS} {spread(pp)} tokens/s; tg{OUTPUT_TOKENS} "
        f"{spread(empty)} from an empty context, {spread(deep)} after {PROMPT_TOKENS} tokens.",
        "",
        "| in flight | Aforo, tokens/s per stream | llama-server | time differs by "
        f"| of tg{OUTPUT_TOKENS}@{PROMPT_TOKENS}, all streams | verdict |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.streams} | {row.ours:.2f} | {row.server:.2f} | {row.gap_ratio:.3%} "
        f"| {row.ours * row.streams / statistics.median(deep):.0%} | {row.verdict} |"
        for row in (*singles, *several)
    ]
    return [*lines, "", distance(benches, singles), ""]


def distance(benches: list[Bench], singles: list[Row]) -> str:
    """Return where the time of one token goes, from llama-bench's to ours; each run beside the benches around it."""
    context_ms, server_ms, http_ms = [], [], []
    for (before, after), row in zip(pairwise(benches), singles, strict=True):
        around = Bench(*(statistics.fmean(pair) for pair in zip(before, after, strict=True)))
        deep_ms = MS_PER_S / around.decode_after_prompt
        context_ms.append(deep_ms - MS_PER_S / around.decode_from_empty)
        server_ms.append(MS_PER_S / row.server - deep_ms)
        http_ms.append(MS_PER_S / row.ours - MS_PER_S / row.server)
    empty_ms = statistics.median(MS_PER_S / one.decode_from_empty for one in benches)
    ours_ms = statistics.median(MS_PER_S / row.ours for row in singles)
    return (
        f"One token of a single stream takes llama-bench {empty_ms:.2f} ms from an empty context and us "
        f"{ours_ms:.2f} ms. Between them (median and range of {len(singles)}, each run beside the llama-bench before "
        f"and after it): reading a context of {PROMPT_TOKENS} tokens and more {spread(context_ms)} ms; what "
        f"llama-server does beside computing, which is sampling, text and its loop, {spread(server_ms)} ms; HTTP, "
        f"until the client's kernel has it, {spread(http_ms, 3)} ms. A negative part is smaller than what this machine "
        "drifts in between."
    )


def spread(values: list[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
