"""Aforo and both llama.cpp engines on an arm64 kernel and userland: `tox -e arm64`, or after `tests/arm64_machine.py`.

QEMU imitates the processor, so no duration means anything here. What is looked at is that everything works, that the
host is known for what it is, and that whoever reads the runs is told not to believe their speed.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from arm64_machine import PROCESSOR, boot, default_folder
from support.command import AFORO

import profiler.hosts.peak
from profiler.results.folder import RunFolder
from profiler.results.records import Outcome, RequestRecord

pytestmark = pytest.mark.arm64

TOKENS = 8
BOOT_TIMEOUT_S = 1200.0
ENGINES = {"embedded": "llama-cpp-python", "slots": "llama-server", "vectors": "llama-server"}
SCRIPT = """
export AFORO_LLAMA_SERVER=/payload/llama-server COLUMNS=200
aforo() { python3 -m profiler "$@"; }
measure() {
  name=$1
  shift
  aforo run "$@" --quiet --out $OUT/$name --start-timeout 300 --max-repeat-s 300 \\
    --request-timeout-s 200 --stall-timeout-s 200
  echo $? >$OUT/$name.code
}
aforo host --json >$OUT/host.json
aforo engines --json >$OUT/engines.json
for type in f32 f16 bf16 int8; do ./peak $type 2 2 20 >$OUT/peak-$type.txt; done
measure embedded smoke --model synthetic:tiny-1m/Q8_0
measure slots smoke --model synthetic:tiny-1m/Q4_0 --engine llama-server --concurrency 1,4 --wire-audit
measure vectors embeddings --model synthetic:tiny-1m/Q8_0 --engine-arg=--pooling --engine-arg=mean --prompt-tokens 32 \\
  --requests 12 --repeats 1 --warmup-requests 1

measure killed smoke --model synthetic:tiny-1m/Q8_0 --requests 5000 &
until [ "$(cat $OUT/killed/*/requests.jsonl | wc -l)" -ge 3 ]; do sleep 1; done
pgrep -f 'profiler.servers.warden|llama_cpp.server|profiler.timing' >$OUT/before.txt
pkill -9 -f 'profiler run'
sleep 15
pgrep -f 'profiler.servers.warden|llama_cpp.server|profiler.timing' >$OUT/after.txt
true
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the machine has written."""
    folder = default_folder()
    if not (folder / "wheels").exists():
        pytest.skip("no arm64 machine, which tests/arm64_machine.py makes, on this system")
    payload, out = tmp_path_factory.mktemp("payload"), tmp_path_factory.mktemp("results")
    (payload / "run.sh").write_text(SCRIPT, "utf-8")
    peak = str(Path(profiler.hosts.peak.__file__).with_name("peak.c"))
    compiler = ["aarch64-linux-gnu-gcc", "-O3", "-Wall", "-Wextra", "-Werror", f"-mcpu={PROCESSOR}"]
    subprocess.run([*compiler, peak, "-o", str(payload / "peak"), "-lpthread"], check=True)
    code = boot(folder, payload, out, BOOT_TIMEOUT_S)
    assert code == 0, (out / "printed.txt").read_text("utf-8")
    return out


def run_in(results: Path, name: str) -> RunFolder:
    found = [*(results / name).iterdir()] if (results / name).exists() else []
    assert len(found) == 1, (results / "printed.txt").read_text("utf-8")
    return RunFolder(found[0])


def summary_of(folder: RunFolder) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder.path / "summary.json").read_text("utf-8"))
    return summary


def measured(folder: RunFolder) -> list[RequestRecord]:
    return [request for request in folder.read_requests() if "warmup" not in request.phase]


def test_the_host_is_known_for_what_it_is(results: Path) -> None:
    host = json.loads((results / "host.json").read_text("utf-8"))
    assert host["machine"] == "aarch64"
    assert host["cpu"]["microarchitecture"] == "neoverse_n1"
    assert {"asimddp", "asimdhp"} <= set(host["cpu"]["isa_features"])
    assert "sve" not in host["cpu"]["isa_features"]
    assert host["virtualisation"]["emulated"] is True


def test_both_engines_are_found(results: Path) -> None:
    found = {engine["name"]: engine for engine in json.loads((results / "engines.json").read_text("utf-8"))}
    assert found["llama-cpp-python"]["is_available"]
    assert found["llama-server"]["is_available"]
    assert not found["vllm"]["is_available"]


def test_the_arithmetic_of_the_roofline_takes_the_widest_instructions(results: Path) -> None:
    kernels = {
        name: (results / f"peak-{name}.txt").read_text().split(" ")[0] for name in ("f32", "f16", "bf16", "int8")
    }
    assert kernels == {"f32": "neon-fmla", "f16": "neon-fmla-f16", "bf16": "", "int8": "neon-sdot"}


@pytest.mark.parametrize("name", ENGINES)
def test_a_run_comes_to_its_end(results: Path, name: str) -> None:
    folder = run_in(results, name)
    manifest = folder.read_manifest()
    assert (manifest.status, manifest.engine.name) == ("complete", ENGINES[name])
    assert {request.outcome for request in folder.read_requests()} == {Outcome.OK}
    assert (folder.path / "report.html").stat().st_size > 100_000


@pytest.mark.parametrize("name", ["embedded", "slots"])
def test_every_token_is_counted_and_stamped_by_the_kernel(results: Path, name: str) -> None:
    folder = run_in(results, name)
    assert {request.completion_tokens for request in measured(folder)} == {TOKENS}
    metrics = summary_of(folder)["metrics"]
    assert metrics["kernel_timestamp_ratio"]["value"] == 1
    assert metrics["token_mismatch_ratio"]["value"] == 0


def test_the_stamps_are_those_of_the_wire(results: Path) -> None:
    """As near as an imitated kernel takes from one to the other; read wrongly, they would be seconds apart."""
    summary = summary_of(run_in(results, "slots"))
    assert 0 < summary["metrics"]["wire_timestamp_error_us"]["value"] < 10_000


@pytest.mark.parametrize("name", ["embedded", "slots"])
def test_the_build_uses_what_the_processor_has(results: Path, name: str) -> None:
    manifest = run_in(results, name).read_manifest()
    assert "DOTPROD = 1" in (manifest.engine.build or "")
    assert [warning for warning in manifest.warnings if "compiled without" in warning] == []


@pytest.mark.parametrize("name", ENGINES)
def test_its_speed_is_not_to_be_believed(results: Path, name: str) -> None:
    assert (results / f"{name}.code").read_text().strip() == "3"
    verdict = summary_of(run_in(results, name))["verdict"]
    assert "emulated-host" in {finding["rule"] for finding in verdict["findings"] if finding["level"] == "INVALID"}


def test_it_enters_no_comparison(results: Path) -> None:
    runs = [str(run_in(results, name).path) for name in ("embedded", "slots")]
    compared = subprocess.run([AFORO, "compare", *runs], capture_output=True, text=True, check=False, timeout=100)
    assert compared.returncode == 2
    assert "emulated-host" in " ".join(compared.stderr.split())


@pytest.mark.parametrize("name", ENGINES)
def test_another_architecture_computes_the_same_summary(results: Path, name: str) -> None:
    folder = run_in(results, name)
    written = (folder.path / "summary.json").read_bytes()
    (folder.path / "summary.json").unlink()
    subprocess.run([AFORO, "summarize", str(folder.path)], capture_output=True, check=False, timeout=100)
    assert (folder.path / "summary.json").read_bytes() == written


def test_no_server_outlives_a_run_that_was_killed(results: Path) -> None:
    assert len((results / "before.txt").read_text().split()) >= 3  # server, warden, load driver
    assert (results / "after.txt").read_text() == ""
