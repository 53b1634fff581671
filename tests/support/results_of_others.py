"""Result files that other tools wrote: trimmed to what is read of them, paths and addresses made neutral.

vllm bench of vLLM 0.32.0, guidellm 0.8.1 and aiperf 0.13.0: two streams of twelve tokens for two or three seconds
against a server that sends the first token after 50 ms and the others every 10 ms. llama-bench: a model of 1M
parameters on two processors.
"""

from datetime import UTC, datetime
from pathlib import Path

from profiler.exchange.importing import read_result
from profiler.results.imported import Imported

FILES = Path(__file__).parents[1] / "exchange" / "files"
GUIDELLM = FILES / "guidellm-0.8.1.json"
AIPERF = FILES / "aiperf-0.13.0.json"
LLAMA_BENCH = FILES / "llama-bench.json"
LLAMA_BENCH_LINES = FILES / "llama-bench.jsonl"
VLLM_BENCH = FILES / "vllm-bench.json"
ALL = (VLLM_BENCH, GUIDELLM, AIPERF, LLAMA_BENCH, LLAMA_BENCH_LINES)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def read(path: Path) -> Imported:
    """Read a file as it would be imported."""
    return read_result(path, NOW)
