"""Result files that other tools wrote: trimmed to what is read of them, paths and addresses made neutral.

vllm bench of vLLM 0.32.0, guidellm 0.8.1 and aiperf 0.13.0: two streams of twelve tokens for two or three seconds
against a server that sends the first token after 50 ms and the others every 10 ms. llama-bench: a model of 1M
parameters on two processors. llama-benchy 0.4.0, genai-bench 0.0.5 and inference-perf 0.7.0: written by each tool's own
code, from times that were made up; SGLang's bench and llm-d's report written by hand in the same form:

    request   sent      TTFT    then 11 tokens every   so TPOT   and E2E
    1           0 ms    50 ms                  10 ms     10 ms    160 ms
    2           0 ms    60 ms                  12 ms     12 ms    192 ms
    3         160 ms    50 ms                  10 ms     10 ms    160 ms

each with 20 tokens of prompt: 3 requests, 36 and 60 tokens in 0.32 s.
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
LLAMA_BENCHY = FILES / "llama-benchy-0.4.0.json"
GENAI_BENCH = FILES / "genai-bench-0.0.5.json"
GENAI_BENCH_IN_MS = FILES / "genai-bench-0.0.5-ms.json"
INFERENCE_PERF = FILES / "inference-perf-0.7.0.json"
INFERENCE_PERF_STAGE = FILES / "inference-perf-0.7.0-stage.json"
SGLANG_BENCH = FILES / "sglang-bench-0.5.jsonl"
LLMD_01 = FILES / "llm-d-benchmark-0.1.yaml"
LLMD_02 = FILES / "llm-d-benchmark-0.2.yaml"
OF_THREE_REQUESTS = (
    *(GENAI_BENCH, GENAI_BENCH_IN_MS, INFERENCE_PERF, INFERENCE_PERF_STAGE, SGLANG_BENCH, LLMD_01, LLMD_02),
)
ALL = (VLLM_BENCH, GUIDELLM, AIPERF, LLAMA_BENCH, LLAMA_BENCH_LINES, LLAMA_BENCHY, *OF_THREE_REQUESTS)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def read(path: Path) -> Imported:
    """Read a file as it would be imported."""
    return read_result(path, NOW)
