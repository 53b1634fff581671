"""Bad input gets a sentence and exit code 2, before anything starts."""

from pathlib import Path

import pytest
from support.command import TINY, Aforo

CASES = [
    (["run", "quickstrat"], "quickstart"),
    (["run", "--model", "no/such/file.gguf"], "no/such/file.gguf"),
    (["run", "smoke", "--model", TINY, "--threads", "4096"], "logical CPUs"),
    (["run", "smoke", "--model", TINY, "--engine", "llama-cpp-python", "--concurrency", "4"], "--engine llama-server"),
    (["run", "smoke", "--model", TINY, "--engine", "lama"], "llama-server"),
    (["run", "smoke", "--model", TINY, "--engine-path", "/no/such/program"], "engines build llama-server"),
    (["run", "smoke", "--model", TINY, "--engine", "llama-cpp-python", "--slots", "4"], "--slots is for"),
    (["run", "smoke", "--model", TINY, "--prompt-cache", "tepid"], "expected cold, warm or cold,warm"),
    (["engines", "build", "vllm"], "llama-server"),
    (["run", "smoke", "--model", TINY, "--output-tokens", "-1"], "output_tokens"),
    (["run", "smoke", "--model", TINY, "--prompt-tokens", "4000"], "context"),
    (["run", "smoke", "--model", TINY, "--context", "8"], "at least"),
    (["run", "smoke", "--model", TINY, "--out", "a-file"], "is a file"),
    (["run", "smoke", "--url", "http://127.0.0.1:9"], "Start the server first"),
    (["run", "smoke", "--url", "https://127.0.0.1:9"], "Connection refused. Start the server first"),
    (["run", "smoke", "--url", "ftp://127.0.0.1:9"], "expected http://HOST:PORT or https://HOST:PORT"),
    (["run", "smoke", "--url", "https://127.0.0.1:9", "--ca-file", "a-file"], "a-file: it holds no certificate"),
    (["run", "smoke", "--url", "http://127.0.0.1:9", "--insecure"], "are for https://HOST:PORT"),
    (["run", "smoke", "--model", TINY, "--insecure"], "--insecure is for --url. Pass that as well"),
    (
        ["run", "smoke", "--url", "https://x", "--insecure", "--ca-file", "a-file"],
        "cannot be combined with --insecure",
    ),
    (
        ["run", "smoke", "--url", "http://127.0.0.1:9", "--server-cpus", "0"],
        "cannot be combined with --url",
    ),
    (["run", "smoke", "--model", TINY, "--client-workers", "0"], "--client-workers 0: expected 1 to 64"),
    (["run", "smoke", "--model", TINY, "--rate", "5", "--arrivals", "weekly"], "poisson"),
    (["run", "smoke", "--price-input", "2"], "--price-input is for --url. Pass that as well, or leave it out."),
    (["run", "smoke", "--rate", "2", "--saturate"], "--rate cannot be combined with --saturate: each is a load"),
    (["run", "smoke", "--attainment", "0.9"], "--attainment is for --slo-search"),
    (["run", "smoke", "--pue", "0.5"], "--pue 0.5: expected 1 to 5"),
    (["run", "smoke", "--url", "http://127.0.0.1:9", "--price-output", "-2"], "--price-output -2: expected the price"),
    (
        ["run", "smoke", "--url", "http://127.0.0.1:9", "--price-output", "2", "--price", "3"],
        "cannot be combined with",
    ),
    (["run", "smoke", "--rate", "2e5"], "'load.rate_rps' is 200000.0: expected a number above 0, up to 100 000"),
    (["run", "smoke", "--rate", "1,,2"], "--rate 1,,2: expected a number, or several"),
    (["run", "smoke", "--concurrency", "-2"], "'load.concurrency' is -2: expected a whole number"),
    (["run", "smoke", "--trace", "no.csv"], "no.csv does not exist"),
    (["run", "smoke", "--trace-format", "azure"], "--trace-format is for --trace"),
    (["run", "smoke", "--trace", "a-file", "--trace-format", "azur"], "--trace-format azur: expected mooncake, azure"),
    (["run", "smoke", "--time-scale", "2"], "unknown key 'load.time_scale'"),
    (["run", "replay", "--model", TINY, "--context", "600"], "replay-example.jsonl:16: 1204 in, 57 out"),
    (["run", "conversation", "--model", TINY, "--requests", "30"], "whole conversations of 4 turns, say 28 or 32"),
    (["run", "conversation", "--model", TINY, "--context", "400"], "turn 4 of a conversation: 368 in, 48 out"),
    (["summarize", "."], "not a run folder"),
    (["report", "nowhere"], "No run is called 'nowhere'"),
    (["workloads", "show", "quick"], "quickstart"),
]


@pytest.mark.parametrize(("arguments", "says"), CASES, ids=[" ".join(arguments) for arguments, _ in CASES])
def test_bad_input_is_a_sentence(forked: Aforo, tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "a-file").touch()
    done = forked(*arguments)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
