"""Does Aforo agree with llama-server's own timings, and how far are both from llama-bench?

For each model: llama-bench (prompt processing and decoding, in process: no HTTP, no sampling), then `aforo run` on
llama-server with 1, 4 and 8 requests in flight, llama-bench again, since machines drift. Both programs come from one
build: `aforo engines build llama-server`. llama-bench decodes twice: from an empty context, as it is usually quoted,
and after as many tokens as the runs' prompts have, so that the cost of reading the context is not taken for the
server's.

    python benchmarks/engine_word.py [--models synthetic:smollm2-135m/Q8_0 …] [--save]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import machine

from profiler.models import locate
from profiler.run.sampling import usable_cores
from profiler.servers import llama_build
from profiler.units import MS_PER_S

MODELS = ("synthetic:smollm2-135m/Q8_0", "synthetic:llama-3.2-1b/Q4_0")
STREAMS = (1, 4, 8)
PROMPT_TOKENS, OUTPUT_TOKENS = 128, 64
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
        "-d",
        f"0,{PROMPT_TOKENS}",
        "-r",
        5,
        "-t",
        usable_cores(),
        "-o",
        "json",
    ]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    rates = {(row["n_prompt"], row["n_gen"], row["n_depth"]): row["avg_ts"] for row in json.loads(done.stdout)}
    return Bench(rates[PROMPT_TOKENS, 0, 0], rates[0, OUTPUT_TOKENS, 0], rates[0, OUTPUT_TOKENS, PROMPT_TOKENS])


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
        metrics["client_decode_tokens_per_s"]["value"],
        metrics["engine_decode_tokens_per_s"]["value"],
        metrics["engine_gap_ratio"]["value"],
        summary["verdict"]["level"],
    )


def table(model: str, rows: list[Row], before: Bench, after: Bench) -> list[str]:
    bench = Bench(*(statistics.fmean(pair) for pair in zip(before, after, strict=True)))
    lines = [
        f"## {model}",
        "",
        f"llama-bench, mean of before and after: pp{PROMPT_TOKENS} {bench.prefill:.0f} tokens/s "
        f"({before.prefill:.0f}, {after.prefill:.0f}); tg{OUTPUT_TOKENS} from an empty context "
        f"{bench.decode_from_empty:.1f} ({before.decode_from_empty:.1f}, {after.decode_from_empty:.1f}), "
        f"after {PROMPT_TOKENS} tokens {bench.decode_after_prompt:.1f} "
        f"({before.decode_after_prompt:.1f}, {after.decode_after_prompt:.1f}).",
        "",
        "| in flight | Aforo, tokens/s per stream | llama-server | time differs by "
        f"| of tg{OUTPUT_TOKENS}@{PROMPT_TOKENS}, all streams | verdict |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.streams} | {row.ours:.2f} | {row.server:.2f} | {row.gap_ratio:.3%} "
        f"| {row.ours * row.streams / bench.decode_after_prompt:.0%} | {row.verdict} |"
        for row in rows
    ]
    return [*lines, "", distance(rows[0], bench), ""]


def distance(single: Row, bench: Bench) -> str:
    """Return where the time of one token goes, with one request in flight, from llama-bench's to ours."""
    rates = (bench.decode_from_empty, bench.decode_after_prompt, single.server, single.ours)
    empty_ms, deep_ms, server_ms, ours_ms = (MS_PER_S / rate for rate in rates)
    return (
        f"One token of a single stream: {empty_ms:.2f} ms in llama-bench; {deep_ms - empty_ms:+.2f} ms for reading a "
        f"context of {PROMPT_TOKENS} tokens and more; {server_ms - deep_ms:+.2f} ms for what llama-server does beside "
        f"computing (sampling, text, its loop); {ours_ms - server_ms:+.3f} ms for HTTP, until "
        f"the client's kernel has it: {ours_ms:.2f} ms."
    )


if __name__ == "__main__":
    main()
