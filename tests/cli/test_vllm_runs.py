"""`aforo run --engine vllm` from one end to the other, with a stand-in that speaks vLLM's interface."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Aforo

from profiler.results.folder import RunFolder

STAND_IN = Path(__file__).parents[1] / "support" / "stand_in_engine.py"
SMALL = ["--concurrency", "2", "--requests", "12", "--repeats", "1", "--warmup-requests", "2", "--quiet"]


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
    (repeat,) = [phase for phase in manifest.phases if phase.is_measured]
    assert repeat.engine_counted["vllm:inter_token_latency_seconds_count"] == 12 * 15
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


def test_a_crash_while_it_is_measured_is_named(aforo: Aforo, vllm: Path) -> None:
    folder, done = run(aforo, vllm, "--engine-arg=--fault=crash-serving")
    assert done.returncode == 1
    assert "The server ended by itself" in done.stderr
    assert folder.read_manifest().status == "failed"
