"""`aforo run --engine vllm` from one end to the other, with a stand-in that speaks vLLM's interface."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.command import AFORO, ALONE, Aforo

from profiler.results.folder import RunFolder

STAND_IN = Path(__file__).parents[1] / "support" / "stand_in_engine.py"
SMALL = ["--concurrency", "2", "--requests", "12", "--repeats", "1", "--warmup-requests", "2", "--quiet", *ALONE]


@pytest.fixture
def vllm(tmp_path: Path) -> Path:
    program = tmp_path / "vllm"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    program.chmod(0o755)
    return program


def run(aforo: Aforo, vllm: Path, *more: str) -> tuple[RunFolder, "subprocess.CompletedProcess[str]"]:
    model = ["--model", "synthetic:tiny-1m/vllm", "--engine", "vllm", "--engine-path", str(vllm)]
    done = aforo("run", "smoke", *model, *SMALL, *more)
    (path,) = (vllm.parent / "runs").iterdir()
    return RunFolder(path), done


def test_its_histograms_over_each_repeat_stand_beside_our_rates(aforo: Aforo, vllm: Path) -> None:
    folder, done = run(aforo, vllm, "--output-tokens", "16", "--json")
    assert done.returncode in {0, 3}, done.stderr
    manifest = folder.read_manifest()
    assert (manifest.engine.name, manifest.engine.slots, manifest.engine.version) == ("vllm", 2, "0.32.0+cpu")
    assert "None" not in manifest.command_line
    # The load goes on from one phase to the next, so that only all of them together have counted whole requests.
    counted = [phase.engine_counted for phase in manifest.phases if phase.engine_counted]
    requests = sum(1 for _ in folder.read_requests())
    assert sum(each["vllm:inter_token_latency_seconds_count"] for each in counted) == requests * 15
    metrics = json.loads(done.stdout)["metrics"]
    assert metrics["engine_decode_tokens_per_s"]["value"] > 0
    assert metrics["engine_gap_ratio"]["value"] is not None
    assert metrics["engine_prefill_tokens_per_s"]["value"] > 0
    assert metrics["engine_e2e_ms"]["value"] > metrics["engine_ttft_ms"]["value"] > 0


def test_tokens_without_a_text_of_their_own_are_counted(aforo: Aforo, vllm: Path) -> None:
    folder, done = run(aforo, vllm, "--output-tokens", "16", "--json")
    assert json.loads(done.stdout)["metrics"]["token_mismatch_ratio"]["value"] == 0
    assert {request.completion_tokens for request in folder.read_requests()} == {16}


def test_an_adapter_answers_under_a_name_of_its_own(aforo: Aforo, vllm: Path) -> None:
    adapter = aforo("models", "make-lora", "tiny-1m", "--rank", "4", "--for", "vllm", "--out", "mine").stdout.strip()
    folder, done = run(aforo, vllm, "--lora", adapter)
    assert done.returncode in {0, 3}, done.stderr
    manifest = folder.read_manifest()
    assert manifest.lora is not None
    assert manifest.lora.form == "peft"
    assert {request.served_model for request in folder.read_requests()} == {"aforo-lora/mine"}
    assert f"--lora {adapter}" in " ".join(manifest.command_line)


def test_a_field_that_the_engine_refuses_is_found_out_before_anything_is_measured(aforo: Aforo, vllm: Path) -> None:
    folder, done = run(aforo, vllm, "--engine-arg=--fault=strict", "--body", "min_p=0.1")
    assert done.returncode == 2
    assert "refuses min_p, which the command line asks for" in done.stderr
    assert list(folder.read_requests()) == []


def test_secrets_of_the_engine_are_passed_on_and_nowhere_written_down(
    aforo: Aforo, vllm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VLLM_PLUGIN_TOKEN", "VLLM_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, "s3cr3t")
    monkeypatch.setenv("VLLM_PROXY", "http://user:s3cr3t@proxy.example")
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "INFO")
    arguments = ["--engine-arg=--hf-token=s3cr3t", "--engine-arg=--api-key", "--engine-arg=s3cr3t"]
    folder, done = run(aforo, vllm, *arguments, "--body", "min_p=0.1", "--output-tokens", "4")
    assert done.returncode in {0, 3}, done.stderr
    manifest = folder.read_manifest()
    assert manifest.engine.command[-3:] == ["--hf-token=[hidden]", "--api-key", "[hidden]"]
    assert "--engine-arg=--hf-token=[hidden] --engine-arg=--api-key --engine-arg=[hidden]" in " ".join(
        manifest.command_line
    )
    assert manifest.body.added == {"min_p": 0.1}
    assert any("VLLM_LOGGING_LEVEL=INFO" in note for note in manifest.engine.notes)
    for path in folder.path.iterdir():
        assert b"s3cr3t" not in path.read_bytes(), path


def test_a_crash_while_it_is_measured_is_named(aforo: Aforo, vllm: Path) -> None:
    folder, done = run(aforo, vllm, "--engine-arg=--fault=crash-serving")
    assert done.returncode == 1
    assert "The server ended by itself" in done.stderr
    assert folder.read_manifest().status == "failed"


@pytest.mark.skipif(sys.platform != "linux", reason="the processes of a server are found by /proc")
@pytest.mark.parametrize("killed", ["warden", "warden and profiler"])
def test_no_worker_survives_a_warden_that_is_killed_while_prompts_are_made(tmp_path: Path, killed: str) -> None:
    program = tmp_path / "vllm"
    worker = f"[ $1 = serve ] && (sleep 600 & echo $! >{tmp_path}/worker)"
    program.write_text(f'#!/bin/sh\n{worker}\nexec {sys.executable} {STAND_IN} "$@"\n')
    program.chmod(0o755)
    model = ["--model", "synthetic:tiny-1m/vllm", "--engine", "vllm", "--engine-path", str(program)]
    command = [AFORO, "run", "smoke", *model, "--requests", "200000", "--max-repeat-s", "600"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
        deadline_s = time.monotonic() + 300
        while not any("make-prompts" in path.read_text() for path in tmp_path.glob("runs/*/run.json")):
            assert time.monotonic() < deadline_s, "the run did not get going"
            time.sleep(0.05)
        worker_pid = int((tmp_path / "worker").read_text())
        children = psutil.Process(run.pid).children()
        (warden,) = (child.pid for child in children if "profiler.servers.warden" in child.cmdline())
        os.kill(warden, signal.SIGKILL)
        if "profiler" in killed:
            run.kill()
        _, error = run.communicate(timeout=300)
    assert run.returncode == (-signal.SIGKILL if "profiler" in killed else 1)
    assert "profiler" in killed or "its supervisor process was killed" in error
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in [worker_pid] if psutil.pid_exists(pid)], timeout=60)
    assert not alive
