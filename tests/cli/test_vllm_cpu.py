"""A real vLLM on processors, from one end of a run to the other: `tox -e vllm`, or after `python tests/vllm_cpu.py`.

Each run loads vLLM anew, which takes it a minute or two. Answers are long: vLLM's own server program hands the first
token on some milliseconds late, and beside a long answer that does not count.
"""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import hub, small_shapes
from support.command import AFORO
from vllm_cpu import default_folder

from profiler.models import checkpoint_form
from profiler.results.folder import RunFolder
from profiler.results.records import Outcome
from profiler.servers import vllm

pytestmark = pytest.mark.vllm

MODEL = "synthetic:tiny-1m/vllm"
AGREEMENT = 0.02
TOKENS, REQUESTS = 512, 16
NO_WEIGHTS = (2).to_bytes(8, "little") + b"{}"  # a safetensors file with an empty table
SMALL = ["--requests", "12", "--repeats", "1", "--warmup-requests", "1"]


@pytest.fixture(scope="module")
def engine() -> list[str]:
    folder = default_folder()
    if not (folder / "ready").exists():
        pytest.skip("no vLLM for processors, which tests/vllm_cpu.py installs, on this system")
    return ["--engine", "vllm", "--engine-path", str(folder / "bin")]


def aforo_run(parent: Path, workload: str, *arguments: str) -> RunFolder:
    """Run the command to its end and return the only folder."""
    done = subprocess.run(
        [AFORO, "run", workload, *arguments, "--out", str(parent / "runs"), "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    assert done.returncode in {0, 3}, done.stderr
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


@pytest.fixture(scope="module")
def swept(engine: list[str], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """One server, first with one request in flight and then with four."""
    load = ["--concurrency", "1,4", "--requests", str(REQUESTS), "--repeats", "1", "--max-repeat-s", "200"]
    sizes = ["--prompt-tokens", "64", "--output-tokens", str(TOKENS), "--request-timeout-s", "100"]
    return aforo_run(tmp_path_factory.mktemp("swept"), "smoke", "--model", MODEL, *engine, *load, *sizes)


def metrics_of(folder: RunFolder, point: str) -> dict[str, Any]:
    summary = json.loads((folder.path / "summary.json").read_text())
    return next(found["metrics"] for found in summary["points"] if found["point"]["name"] == point)


@pytest.mark.parametrize("point", ["c1", "c4"])
def test_we_agree_with_vllms_own_histograms(swept: RunFolder, point: str) -> None:
    metrics = metrics_of(swept, point)
    assert metrics["engine_gap_ratio"]["value"] <= AGREEMENT
    client, engine = (metrics[f"{who}_decode_tokens_per_s"]["value"] for who in ("client", "engine"))
    assert client == pytest.approx(engine, rel=AGREEMENT)
    assert metrics["e2e_ms"]["mean"] == pytest.approx(metrics["engine_e2e_ms"]["value"], rel=AGREEMENT)
    # vLLM's clock starts when a request has been read and understood, ours when it was sent.
    assert metrics["ttft_ms"]["mean"] > metrics["engine_ttft_ms"]["value"] > 0


@pytest.mark.parametrize("point", ["c1", "c4"])
def test_the_histograms_count_what_we_counted(swept: RunFolder, point: str) -> None:
    (repeat,) = [phase for phase in swept.read_manifest().phases if phase.is_measured and phase.point == point]
    assert repeat.engine_counted["vllm:time_to_first_token_seconds_count"] == REQUESTS
    assert repeat.engine_counted["vllm:inter_token_latency_seconds_count"] == REQUESTS * (TOKENS - 1)
    assert metrics_of(swept, point)["token_mismatch_ratio"]["value"] == 0


def test_every_prompt_has_the_length_that_was_asked_for_and_nothing_is_reused(swept: RunFolder) -> None:
    requests = list(swept.read_requests())
    assert {request.prompt_tokens_server for request in requests} == {64}
    assert {request.completion_tokens for request in requests} == {TOKENS}
    counted = [phase.engine_counted for phase in swept.read_manifest().phases if phase.is_measured]
    assert sum(phase["vllm:prompt_tokens_cached_total"] for phase in counted) == 0


def test_a_chat_with_an_adapter(engine: list[str], tmp_path: Path) -> None:
    adapter = tmp_path / "custom"
    made = [AFORO, "models", "make-lora", "tiny-1m", "--rank", "12", "--for", "vllm", "--out", str(adapter)]
    assert subprocess.run(made, capture_output=True, check=False).returncode == 0
    chat = tmp_path / "chat.yaml"
    smoke = Path(__file__).parents[2] / "workloads" / "smoke.yaml"
    chat.write_text(smoke.read_text("utf-8").replace("api: completions", "api: chat").replace("id: smoke", "id: chat"))
    folder = aforo_run(tmp_path, str(chat), "--model", MODEL, *engine, "--lora", str(adapter), *SMALL)
    manifest = folder.read_manifest()
    assert manifest.lora is not None
    assert (manifest.lora.rank, manifest.status) == (12, "complete")
    requests = list(folder.read_requests())
    assert {request.served_model for request in requests} == {"aforo-lora/custom"}
    assert {request.completion_tokens for request in requests} == {8}


def test_a_checkpoint_of_the_hub_is_served_without_being_told_how(
    engine: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = checkpoint_form.make(small_shapes.QWEN3, tmp_path / "it")
    (made / "model.safetensors").write_bytes(NO_WEIGHTS)
    monkeypatch.setenv(vllm.VARIABLE, engine[-1])
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with hub.serve("me/Small-Qwen3", {path.name: path.read_bytes() for path in made.iterdir()}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        folder = aforo_run(tmp_path, "smoke", "--model", "hf:me/Small-Qwen3", "--load-format", "dummy", *SMALL)
    manifest = folder.read_manifest()
    assert (manifest.engine.name, manifest.status) == ("vllm", "complete")
    assert (manifest.model.source, manifest.model.architecture) == ("hf:me/Small-Qwen3", "qwen3")
    assert {request.completion_tokens for request in folder.read_requests()} == {8}


def test_texts_become_vectors(engine: list[str], tmp_path: Path) -> None:
    load = ["--concurrency", "1,4", "--prompt-tokens", "48"]
    folder = aforo_run(tmp_path, "embeddings", "--model", MODEL, *engine, *load, *SMALL)
    requests = list(folder.read_requests())
    assert {request.outcome for request in requests} == {Outcome.OK}
    assert {(request.prompt_tokens, request.prompt_tokens_server) for request in requests} == {(48, 48)}
    assert {request.completion_tokens for request in requests} == {0}
    assert metrics_of(folder, "c4")["input_tokens_per_s"]["value"] > 0
    assert metrics_of(folder, "c4")["e2e_ms"]["mean"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_of_it_outlives_the_run(engine: list[str], tmp_path: Path, number: signal.Signals) -> None:
    command = [AFORO, "run", "smoke", "--model", MODEL, *engine, "--requests", "5000", "--max-repeat-s", "600"]
    with subprocess.Popen([*command, "--quiet"], cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True) as run:
        try:
            wait_for_requests(tmp_path, run)
            processes = psutil.Process(run.pid).children(recursive=True)
            names = " ".join(process.name() for process in processes)
            assert "EngineCor" in names  # vLLM's own processes below its server program are among them
            run.send_signal(number)
            run.wait(timeout=60)
        finally:
            run.kill()
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def wait_for_requests(parent: Path, run: "subprocess.Popen[bytes]") -> None:
    """Wait until a run has journalled some requests."""
    deadline_s = time.monotonic() + 400
    while not any(path.read_bytes().count(b"\n") >= 5 for path in parent.glob("runs/*/requests.jsonl")):
        assert run.poll() is None, run.stderr and run.stderr.read().decode()
        assert time.monotonic() < deadline_s, "the run did not get going"
        time.sleep(0.2)
