"""vLLM's arguments, and the life of a server, with a stand-in that speaks its interface."""

import sys
import time
from pathlib import Path

import psutil
import pytest
from support.launch import launch, model

from profiler.errors import ModelError, ServerDiedError, ServerStartError, UsageError
from profiler.servers import vllm
from profiler.servers.options import EngineOptions
from profiler.servers.vllm import VllmServer

STAND_IN = Path(__file__).parents[1] / "support" / "stand_in_engine.py"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "vllm"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def shape(tmp_path: Path) -> Path:
    """A model without weights."""
    folder = tmp_path / "shape"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def server(program: Path, shape: Path, *faults: str, start_timeout_s: float = 30, **options: object) -> VllmServer:
    chosen = EngineOptions(engine_path=program, engine_args=tuple(f"--fault={fault}" for fault in faults), **options)  # type: ignore[arg-type]
    return VllmServer(launch(model(str(shape)), streams=4, start_timeout_s=start_timeout_s), chosen)


def assert_gone(pid: int) -> None:
    deadline_s = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline_s, "the server was left running"
        time.sleep(0.02)


def test_every_choice_becomes_an_argument(program: Path, shape: Path) -> None:
    made = server(
        program,
        shape,
        slots=16,
        batch_tokens=8192,
        tensor_parallel=2,
        dtype="bfloat16",
        quantization="fp8",
        kv_cache="fp8",
        prompt_cache="warm",
    )
    assert made.command() == [
        str(program),
        "serve",
        str(shape),
        *("--served-model-name", "aforo/m", "--host", "127.0.0.1", "--port", str(made.port)),
        *("--load-format", "dummy", "--max-model-len", "512", "--max-num-seqs", "16"),
        *("--max-num-batched-tokens", "8192", "--tensor-parallel-size", "2", "--dtype", "bfloat16"),
        *("--quantization", "fp8", "--kv-cache-dtype", "fp8", "--enable-prefix-caching"),
    ]
    facts = made.describe()
    assert facts.version == "0.32.0+cpu"
    assert facts.slots == 16
    assert facts.prompt_cache == "warm"


def test_prefix_caching_is_off_unless_asked_for_and_streams_are_the_load(program: Path, shape: Path) -> None:
    command = server(program, shape).command()
    assert "--no-enable-prefix-caching" in command
    assert command[command.index("--max-num-seqs") + 1] == "4"
    assert "cold" in (server(program, shape).describe().prompt_cache or "")


def test_weights_are_loaded_where_there_are_some(program: Path, shape: Path) -> None:
    (shape / "model.safetensors").touch()
    command = server(program, shape).command()
    assert command[command.index("--load-format") + 1] == "auto"


def test_a_model_that_vllm_cannot_load_is_refused(program: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json"):
        server(program, tmp_path / "model.gguf")


def test_a_machine_without_vllm_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(vllm.VARIABLE, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(UsageError, match=r"aforo\[vllm\]"):
        vllm.find()


def test_it_starts_counts_tells_and_ends(program: Path, shape: Path, tmp_path: Path) -> None:
    running = server(program, shape)
    running.start(tmp_path / "log", lambda: None)
    running.check_alive()
    assert running.count_tokens("one two three") == 3
    assert running.counters() == {
        "vllm:inter_token_latency_seconds_count": 0.0,
        "vllm:inter_token_latency_seconds_sum": 0.0,
    }
    pid = running.pid
    running.stop()
    assert_gone(pid)


def test_a_crash_while_loading_shows_the_last_words(program: Path, shape: Path, tmp_path: Path) -> None:
    crashing = server(program, shape, "crash-loading")
    with pytest.raises(ServerDiedError, match="made of cheese"):
        crashing.start(tmp_path / "log", lambda: None)
    crashing.stop()
    assert_gone(crashing.pid)


def test_a_server_that_never_gets_ready_is_ended(program: Path, shape: Path, tmp_path: Path) -> None:
    silent = server(program, shape, "never-ready", start_timeout_s=0.5)
    with pytest.raises(ServerStartError, match="--start-timeout"):
        silent.start(tmp_path / "log", lambda: None)
    silent.stop()
    assert_gone(silent.pid)


def test_an_engine_that_answers_with_another_models_name_is_not_measured(
    program: Path, shape: Path, tmp_path: Path
) -> None:
    other = server(program, shape, "other-name")
    with pytest.raises(ServerStartError, match="somebody/else"):
        other.start(tmp_path / "log", lambda: None)
    other.stop()
    assert_gone(other.pid)


def test_a_server_that_ignores_sigterm_is_ended_all_the_same(program: Path, shape: Path, tmp_path: Path) -> None:
    stubborn = server(program, shape, "ignore-sigterm")
    stubborn.start(tmp_path / "log", lambda: None)
    stubborn.stop()
    assert_gone(stubborn.pid)
