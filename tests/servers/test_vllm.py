"""vLLM's arguments, and the life of a server, with a stand-in that speaks its interface."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from support.launch import launch, model

from profiler.errors import ModelError, ServerDiedError, ServerStartError, UsageError
from profiler.results.manifest import LoraFacts
from profiler.servers import vllm
from profiler.servers.options import EngineOptions
from profiler.servers.vllm import VllmServer, version
from profiler.workloads.messages import Request

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


def server(program: Path, shape: Path, *faults: str, start_timeout_s: float = 300, **options: object) -> VllmServer:
    chosen = EngineOptions(engine_path=program, engine_args=tuple(f"--fault={fault}" for fault in faults), **options)  # type: ignore[arg-type]
    return VllmServer(launch(model(str(shape)), streams=4, start_timeout_s=start_timeout_s), chosen)


def assert_gone(pid: int) -> None:
    deadline_s = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline_s, "the server was left running"
        time.sleep(0.02)


@pytest.mark.parametrize("told", ["0.11.0", "0.6.3.post1", "0.1.dev1+g1a2b3c4.cpu", "0.11.1rc2.dev5"])
def test_the_version_is_no_line_of_a_log_that_begins_with_a_date(tmp_path: Path, told: str) -> None:
    logged = "2026-11-30 18:49:17.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on."
    path = tmp_path / "vllm"
    path.write_text(f"#!/bin/sh\necho 'INFO 11-30 18:49:17 [__init__.py:216] cuda'\necho {told}\necho '{logged}' >&2\n")
    path.chmod(0o755)
    assert version(path) == told


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
        *("--served-model-name", "aforo/m", "--host", "127.0.0.1", "--port", str(made.address.port)),
        *("--load-format", "dummy", "--max-model-len", "512", "--max-num-seqs", "16"),
        *("--max-num-batched-tokens", "8192", "--tensor-parallel-size", "2", "--dtype", "bfloat16"),
        *("--quantization", "fp8", "--kv-cache-dtype", "fp8"),
        *("--kv-cache-memory-bytes", str(2**30), "--enable-prefix-caching"),
    ]
    facts = made.describe()
    assert facts.version == "0.32.0+cpu"
    assert facts.slots == 16
    assert facts.prompt_cache == "warm"


def test_for_embeddings_it_runs_as_a_pooling_model(program: Path, shape: Path) -> None:
    options = EngineOptions(engine_path=program)
    words = VllmServer(launch(model(str(shape)), api="embeddings"), options).command()
    assert words[words.index("--runner") + 1] == "pooling"
    assert "--runner" not in VllmServer(launch(model(str(shape))), options).command()


def test_keys_and_values_of_every_stream_get_room_in_a_build_for_processors(program: Path, shape: Path) -> None:
    large = model(str(shape)).model_copy(update={"kv_bytes_per_token": 2**20})
    made = VllmServer(launch(large, streams=4, context_tokens=512), EngineOptions(engine_path=program))
    # 4 streams of 512 tokens are 4 blocks of 128 each; one more for each, since prompts do not end with a block.
    words = made.command()
    assert words[words.index("--kv-cache-memory-bytes") + 1] == str(4 * 5 * 128 * 2**20)
    exact = VllmServer(launch(large, streams=4), EngineOptions(engine_path=program, dtype="float32")).command()
    assert exact[exact.index("--kv-cache-memory-bytes") + 1] == str(2 * 4 * 5 * 128 * 2**20)


def test_a_build_for_gpus_divides_memory_itself_and_has_no_threads_to_choose(shape: Path, tmp_path: Path) -> None:
    gpu = tmp_path / "vllm"
    gpu.write_text("#!/bin/sh\necho 0.32.0\n")
    gpu.chmod(0o755)
    options = EngineOptions(engine_path=gpu)
    assert "--kv-cache-memory-bytes" not in VllmServer(launch(model(str(shape))), options).command()
    with pytest.raises(UsageError, match="--threads"):
        VllmServer(replace(launch(model(str(shape))), threads_explicit=True), options)


def test_threads_are_vllms_own_choice_unless_asked_for(program: Path, shape: Path) -> None:
    own = server(program, shape)
    assert own.describe().threads is None
    assert "Threads as vLLM chooses them" in " ".join(own.describe().notes)
    assert "OMP_NUM_THREADS" not in own.environment
    asked = replace(launch(model(str(shape)), threads=3), threads_explicit=True)
    made = VllmServer(asked, EngineOptions(engine_path=program))
    assert made.describe().threads == 3
    assert (made.environment["OMP_NUM_THREADS"], made.environment["VLLM_CPU_OMP_THREADS_BIND"]) == ("3", "nobind")


@pytest.mark.parametrize(("rank", "room"), [(4, "8"), (16, "16"), (17, "32")])
def test_an_adapter_is_loaded_and_asked_for_by_its_name(program: Path, shape: Path, rank: int, room: str) -> None:
    adapter = LoraFacts(
        name="my, own=one",
        path="/a/b",
        form="peft",
        size_bytes=1,
        sha256="0",
        is_synthetic=True,
        rank=rank,
        parameters=1,
    )
    made = VllmServer(replace(launch(model(str(shape))), lora=adapter), EngineOptions(engine_path=program))
    words = " ".join(made.command())
    assert f"--enable-lora --lora-modules aforo-lora/my-own-one=/a/b --max-lora-rank {room}" in words
    assert "--served-model-name aforo/m " in words
    request = Request("completions", [], 1)
    assert made.request_body(request)["model"] == "aforo-lora/my-own-one"
    assert made.request_body(request)["ignore_eos"] is True
    assert "ignore_eos" not in made.request_body(request._replace(stop="natural"))


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
    assert running.counters()["vllm:inter_token_latency_seconds_count"] == 0.0
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
