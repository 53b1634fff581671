"""To repeat a run: every option of `aforo run` comes back out of `run.json` as it was given."""

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from profiler import cli
from profiler.cli.run import run
from profiler.models.facts import ModelFacts
from profiler.progress import Silent
from profiler.results.manifest import EngineFacts
from profiler.run import plan
from profiler.run.options import Options
from profiler.servers.base import Launch
from profiler.servers.options import EngineOptions
from profiler.timing.clock import SystemClock
from profiler.timing.messages import TlsOptions

NOT_REPEATED = {
    "header": "may hold a key",
    "out": "where the folder is made",
    "json": "what is printed",
    "verbose": "what is printed",
    "quiet": "what is printed",
    "yes": "the model is there by then",
}
ENDPOINT = ["--url", "http://127.0.0.1:9", "--model", "m"]
SEARCH = ["--slo-search", "rate"]
GIVEN: dict[str, list[str]] = {  # of each option, or of the workload: what is given
    "workload": ["conversation", *ENDPOINT],
    "model": ["smoke", "--model", "m.gguf"],
    "url": ["smoke", *ENDPOINT],
    "api_key_file": ["smoke", *ENDPOINT, "--api-key-file", "key.txt"],
    "body": ["smoke", *ENDPOINT, "--body", "ignore_eos=true"],
    "omit_field": ["smoke", *ENDPOINT, "--omit-field", "seed"],
    "max_tokens_field": ["smoke", *ENDPOINT, "--max-tokens-field", "max_completion_tokens"],
    "ca_file": ["smoke", "--url", "https://127.0.0.1:9", "--model", "m", "--ca-file", "ca.pem"],
    "insecure": ["smoke", "--url", "https://127.0.0.1:9", "--model", "m", "--insecure"],
    "engine": ["smoke", "--engine", "llama-server"],
    "engine_path": ["smoke", "--engine-path", "bin/llama-server"],
    "slots": ["smoke", "--slots", "4"],
    "batch_tokens": ["smoke", "--batch-tokens", "256"],
    "micro_batch_tokens": ["smoke", "--micro-batch-tokens", "128"],
    "kv_cache": ["smoke", "--kv-cache", "q8_0"],
    "prompt_cache": ["smoke", "--prompt-cache", "warm"],
    "gpu_layers": ["smoke", "--gpu-layers", "0"],
    "tensor_parallel": ["smoke", "--tensor-parallel", "2"],
    "dtype": ["smoke", "--dtype", "bfloat16"],
    "quantization": ["smoke", "--quantization", "fp8"],
    "load_format": ["smoke", "--load-format", "dummy"],
    "lora": ["smoke", "--lora", "adapter.gguf"],
    "engine_arg": ["smoke", "--engine-arg=--no-mmap", "--engine-arg=-v"],
    "threads": ["smoke", "--threads", "1"],
    "context": ["smoke", "--context", "512"],
    "seed": ["smoke", "--seed", "7"],
    "nonce": ["smoke", "--nonce", "a1"],
    "prompt_tokens": ["smoke", "--prompt-tokens", "9"],
    "output_tokens": ["smoke", "--output-tokens", "9"],
    "system_tokens": ["shared-system-prompt", "--system-tokens", "9"],
    "system_share": ["shared-system-prompt", "--system-share", "0.5"],
    "trace": ["smoke", "--trace", "trace.jsonl"],
    "trace_format": ["smoke", "--trace", "trace.jsonl", "--trace-format", "mooncake"],
    "time_scale": ["replay", "--time-scale", "0.5"],
    "max_rows": ["replay", "--max-rows", "3"],
    "clip_tokens": ["replay", "--clip-tokens", "64"],
    "concurrency": ["smoke", "--concurrency", "1,2,8"],
    "rate": ["smoke", "--rate", "0.5,2"],
    "saturate": ["smoke", "--saturate"],
    "max_concurrency": ["smoke", "--saturate", "--max-concurrency", "8"],
    "slo_search": ["smoke", "--slo-ttft-ms", "80", "--slo-search", "concurrency"],
    "attainment": ["smoke", "--slo-ttft-ms", "80", *SEARCH, "--attainment", "0.9"],
    "start_load": ["smoke", "--slo-ttft-ms", "80", *SEARCH, "--start-load", "2"],
    "most_points": ["smoke", "--slo-ttft-ms", "80", *SEARCH, "--most-points", "5"],
    "slo_ttft_ms": ["smoke", "--slo-ttft-ms", "80"],
    "slo_tpot_ms": ["smoke", "--slo-tpot-ms", "20.5"],
    "slo_e2e_ms": ["smoke", "--slo-e2e-ms", "900"],
    "arrivals": ["smoke", "--rate", "2", "--arrivals", "constant"],
    "burstiness": ["smoke", "--rate", "2", "--arrivals", "gamma", "--burstiness", "0.25"],
    "warmup_requests": ["smoke", "--warmup-requests", "5"],
    "requests": ["smoke", "--requests", "70"],
    "rounds": ["smoke", "--rounds", "20"],
    "repeats": ["smoke", "--repeats", "5"],
    "temperature": ["smoke", "--temperature", "0.7"],
    "max_repeat_s": ["smoke", "--max-repeat-s", "90"],
    "request_timeout_s": ["smoke", "--request-timeout-s", "7"],
    "stall_timeout_s": ["smoke", "--stall-timeout-s", "7"],
    "start_timeout": ["smoke", "--start-timeout", "20"],
    "wire_audit": ["smoke", "--wire-audit"],
    "client_workers": ["smoke", "--client-workers", "2"],
    "client_cpus": ["smoke", *ENDPOINT, "--client-cpus", "0"],
    "server_cpus": ["smoke", "--server-cpus", "0"],
    "realtime_client": ["smoke", "--no-realtime-client"],
    "limit": ["smoke", "--limit", "coalesced-reads=0.5"],
    "meters": ["smoke", "--meters", "none"],
    "gpus": ["smoke", "--gpus", "0,1"],
    "idle_baseline": ["smoke", "--idle-baseline", "2.5"],
    "price": ["smoke", "--price", "1.25"],
    "price_input": ["smoke", *ENDPOINT, "--price-input", "1", "--price-output", "2"],
    "price_output": ["smoke", *ENDPOINT, "--price-input", "1", "--price-output", "2"],
    "price_cached_input": [
        *("smoke", *ENDPOINT, "--price-input", "1", "--price-output", "2", "--price-cached-input", "0.5"),
    ],
    "currency": ["smoke", "--price", "1.25", "--currency", "EUR"],
    "price_kind": ["smoke", "--price", "1.25", "--price-kind", "spot"],
    "grid": ["smoke", "--grid", "DEU"],
    "pue": ["smoke", "--pue", "1.3"],
    "embodied": ["smoke", "--embodied", "300"],
    "cloud": ["smoke", "--no-cloud"],
    "roofline": ["smoke", "--roofline"],
}
MODEL = ModelFacts(name="m", source="m.gguf", path="m.gguf", size_bytes=1, sha256="0", is_synthetic=False)


class Endpoint:
    """An endpoint that nobody has to ask."""

    def __init__(self, url: str, model: str, tls: TlsOptions, *_: object, **__: object) -> None:
        self.tls = tls if url.startswith("https") else None
        self.warnings: list[str] = []

    def model_facts(self) -> ModelFacts:
        return MODEL

    def describe(self) -> EngineFacts:
        return EngineFacts(name="openai")


def started(launch: Launch, _options: EngineOptions) -> Any:
    facts = EngineFacts(name="engine", threads=launch.threads, context_tokens=launch.context_tokens)
    return SimpleNamespace(describe=lambda: facts)


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return what makes of the words behind `aforo run` the words that repeat the run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trace.jsonl").write_text('{"timestamp": 0, "input_length": 8, "output_length": 4, "hash_ids": [1]}\n')
    (tmp_path / "key.txt").write_text("sk-1234567890\n")
    monkeypatch.setattr(plan, "OpenAiEndpoint", Endpoint)
    monkeypatch.setattr(plan, "choose", started)
    monkeypatch.setattr(plan, "check_omitted", lambda *_: None)
    monkeypatch.setattr(plan, "_find_model", lambda *_: MODEL)
    monkeypatch.setattr(plan, "_adapter", lambda *_: None)

    def repeat(words: list[str]) -> list[str]:
        seen: list[Options] = []

        def profile(options: Options, *_: object) -> None:
            seen.append(options)
            raise SystemExit(0)

        monkeypatch.setattr("profiler.run.execute.profile", profile)
        done = CliRunner().invoke(cli.app, ["run", *words])
        assert seen, done.output
        made = plan.make_plan(seen[0], Silent(), SystemClock()).command_line()
        assert made[:2] == ["aforo", "run"]
        return made[2:]

    return repeat


def test_every_option_is_here() -> None:
    assert set(inspect.signature(run).parameters) == set(GIVEN) | set(NOT_REPEATED)


@pytest.mark.parametrize("option", GIVEN)
def test_what_was_given_comes_back(option: str, command_line: Any) -> None:
    words = command_line(GIVEN[option])
    given = [word.replace("trace.jsonl", str(Path.cwd() / "trace.jsonl")) for word in GIVEN[option]]
    assert words[0] == given[0]
    for flag, value in zip(given[1:], [*given[2:], "--"], strict=True):
        if flag.startswith("--"):
            assert flag in words
            if not value.startswith("--"):
                assert same(words[words.index(flag) + 1], value)
    assert command_line(words) == words


def same(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def test_a_nonce_that_was_drawn_is_left_out(command_line: Any) -> None:
    assert "--nonce" not in command_line(["smoke"])


def test_an_error_names_the_flag_as_it_is_typed() -> None:
    assert list(EngineOptions(engine_args=("--no-mmap",)).given()) == ["--engine-arg"]
