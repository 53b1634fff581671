"""`aforo run` on a real llama.cpp server, with real signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import compress, pairwise
from pathlib import Path

import psutil
import pytest
from support.command import AFORO, ALONE, TINY, Aforo

from profiler.content import content
from profiler.results.folder import RunFolder
from profiler.results.records import Outcome
from profiler.workloads.schema import SyntheticPrompts

pytestmark = pytest.mark.real_server

MEASURED = {0, 3}  # exit codes: on a busy machine the trust block may find that the numbers are not to be believed


def only_run(parent: Path) -> RunFolder:
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


def wait_for_requests(parent: Path, count: int, timeout_s: float = 300) -> RunFolder:
    """Wait until a run has journalled some requests."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        journals = list(parent.glob("runs/*/requests.jsonl"))
        if journals and journals[0].read_bytes().count(b"\n") >= count:
            return only_run(parent)
        time.sleep(0.05)
    raise AssertionError("the run did not get going")


def server_pids(folder: RunFolder) -> list[int]:
    """Return the processes that serve this run's model, by its port."""
    command = folder.read_manifest().engine.command
    program, port = command[0], command[command.index("--port") + 1]
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if program in words and port in words and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def assert_no_server(folder: RunFolder, timeout_s: float = 60) -> None:
    deadline_s = time.monotonic() + timeout_s
    while server_pids(folder):
        assert time.monotonic() < deadline_s, "the server outlived its run"
        time.sleep(0.1)


def test_a_run_from_one_end_to_the_other(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo("run", "smoke", "--model", TINY, "--seed", "7")
    assert done.returncode in MEASURED, done.stderr
    folder = only_run(tmp_path)
    assert str(folder.report.relative_to(tmp_path)) in done.stdout
    assert {path.name for path in folder.path.iterdir()} == {
        "run.json",
        "requests.jsonl",
        "samples.jsonl",
        "server.log",
        "summary.json",
        "report.html",
    }
    manifest = folder.read_manifest()
    workload = manifest.workload
    assert manifest.status == "complete"
    assert manifest.seed == 7
    assert manifest.model.is_synthetic
    assert manifest.engine.version
    assert manifest.engine.build
    assert [phase.name for phase in manifest.phases][:3] == ["calibrate", "start-server", "make-prompts"]
    ends_ns = [time_ns for phase in manifest.phases for time_ns in (phase.start_ns, phase.end_ns or 0)]
    assert all(earlier <= later for earlier, later in pairwise(ends_ns))

    requests = list(folder.read_requests())
    assert len(requests) == workload.warmup_requests + workload.repeats * workload.requests
    for request in requests:
        assert request.outcome is Outcome.OK
        assert request.completion_tokens == request.completion_tokens_server == workload.output_tokens
        assert isinstance(workload.prompts, SyntheticPrompts)
        assert request.prompt_tokens == workload.prompts.tokens
    if sys.platform == "linux":
        assert {request.stamp_source for request in requests} == {"kernel"}
    assert_no_server(folder)


def test_summary_and_report_are_recomputed_byte_for_byte(tmp_path: Path, aforo: Aforo) -> None:
    assert aforo("run", "smoke", "--model", TINY, "--quiet").returncode in MEASURED
    folder = only_run(tmp_path)
    kept = {name: (folder.path / name).read_bytes() for name in ("summary.json", "report.html")}
    for name in kept:
        (folder.path / name).unlink()
    assert aforo("summarize", str(folder.path)).returncode == 0
    assert aforo("report", str(folder.path)).returncode == 0
    assert {name: (folder.path / name).read_bytes() for name in kept} == kept


def test_the_engines_own_rate_stands_beside_ours(tmp_path: Path, aforo: Aforo) -> None:
    engine = ("--engine", "llama-cpp-python")
    done = aforo("run", "smoke", "--model", TINY, *engine, "--output-tokens", "64", "--json", "--quiet", *ALONE)
    metrics = json.loads(done.stdout)["metrics"]
    # The engine writes how long each request took, without sampling and without the server around it.
    folder = only_run(tmp_path)
    log = (folder.path / "server.log").read_text()
    said = re.findall(r" eval time =\s*([\d.]+) ms /\s*(\d+) runs", log.replace("prompt eval", "prompt-eval"))
    measured = [request.phase.startswith("repeat-") for request in folder.read_requests()]
    decoded = [(float(ms), int(runs)) for ms, runs in said[-len(measured) :]]
    ms, runs = (sum(column) for column in zip(*compress(decoded, measured), strict=True))
    assert metrics["engine_decode_tokens_per_s"]["value"] == pytest.approx(1000 * runs / ms, rel=0.001)
    assert metrics["client_decode_tokens_per_s"]["value"] > 0
    assert metrics["decode_tokens_per_s"]["min"] > 0
    assert metrics["model_load_s"]["value"] > 0
    assert metrics["peak_rss_bytes"]["value"] > 10e6


def test_a_run_that_cannot_be_believed_exits_with_3(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo("run", "smoke", "--model", TINY, "--requests", "3", *ALONE)
    assert done.returncode == 3
    assert "INVALID: Requests in steady state: 3 (limit: at least 11)." in done.stderr
    folder = only_run(tmp_path)
    assert json.loads((folder.path / "summary.json").read_text())["verdict"]["level"] == "INVALID"
    assert 'class="invalid"' in folder.report.read_text()


def test_an_open_loop_on_a_running_endpoint_leaves_the_endpoint_alone(
    tmp_path: Path, long_run: "subprocess.Popen[str]", aforo: Aforo
) -> None:
    """The endpoint is the server of another run; it answers both."""
    other = wait_for_requests(tmp_path, 2)
    url = other.read_manifest().engine.url
    done = aforo("run", "smoke", "--url", url, "--rate", "5", "--out", "second", "--json", "--quiet", *ALONE)
    assert done.returncode in {0, 3}, done.stderr
    summary = json.loads(done.stdout)
    assert summary["requests_ok"] == 12
    assert summary["metrics"]["model_load_s"]["value"] is None
    assert server_pids(other)
    long_run.send_signal(signal.SIGINT)
    long_run.communicate(timeout=300)


def test_a_run_ends_as_soon_as_the_number_is_known_well_enough(tmp_path: Path, aforo: Aforo) -> None:
    definition = (content("workloads") / "smoke.yaml").read_text()
    text = definition + "until:\n  metric: tpot_ms\n  half_width_ratio: 0.5\n"
    (tmp_path / "precise.yaml").write_text(text.replace("id: smoke", "id: precise"))
    done = aforo(
        "run", "precise.yaml", "--model", TINY, "--requests", "400", "--repeats", "2", "--output-tokens", "16", *ALONE
    )
    assert done.returncode in MEASURED, done.stderr
    folder = only_run(tmp_path)
    tpot = json.loads((folder.path / "summary.json").read_text())["metrics"]["tpot_ms"]
    is_known = tpot["mean_half_width"] < 0.3 * tpot["mean"]  # else the machine has paused, and more was measured
    assert 20 <= len(list(folder.read_requests())) < (400 if is_known else 900)


def test_a_chat_workload_with_rows_of_a_file(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo(
        "run", "chat-short", "--model", TINY, "--requests", "12", "--repeats", "1", "--output-tokens", "8", *ALONE
    )
    assert done.returncode in MEASURED, done.stderr
    requests = list(only_run(tmp_path).read_requests())
    assert {request.outcome for request in requests} == {Outcome.OK}
    assert all(request.prompt_tokens for request in requests)
    # The role comes in an event of its own, before the first token, and is not counted as one.
    assert {request.completion_tokens for request in requests} == {8}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_and_its_server_and_keeps_what_was_measured(
    tmp_path: Path, long_run: "subprocess.Popen[str]", number: signal.Signals, code: int
) -> None:
    folder = wait_for_requests(tmp_path, 5)
    assert server_pids(folder)
    long_run.send_signal(number)
    _, error = long_run.communicate(timeout=300)
    assert long_run.returncode == code, error
    assert "Traceback" not in error
    summary = json.loads((folder.path / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert summary["requests_ok"] >= 3
    assert folder.report.exists()
    assert_no_server(folder)


def test_a_signal_stops_nothing_else(tmp_path: Path, long_run: "subprocess.Popen[str]") -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(9999)"]) as bystander:
        try:
            wait_for_requests(tmp_path, 2)
            long_run.send_signal(signal.SIGINT)
            long_run.communicate(timeout=300)
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_a_run_that_is_killed_leaves_a_readable_folder_and_no_server(
    tmp_path: Path, long_run: "subprocess.Popen[str]", aforo: Aforo
) -> None:
    folder = wait_for_requests(tmp_path, 5)
    drivers = [child.pid for child in psutil.Process(long_run.pid).children(recursive=True)]
    long_run.kill()
    long_run.communicate(timeout=60)
    assert_no_server(folder)
    done = aforo("summarize", str(folder.path), "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["status"] == "interrupted"
    assert "killed" in summary["status_reason"]
    assert summary["requests_ok"] >= 3
    assert aforo("report", str(folder.path)).returncode == 0
    deadline_s = time.monotonic() + 60
    while any(psutil.pid_exists(pid) for pid in drivers):
        assert time.monotonic() < deadline_s, "a process outlived the run"
        time.sleep(0.1)


def test_a_server_that_dies_in_the_middle_is_named(tmp_path: Path, long_run: "subprocess.Popen[str]") -> None:
    folder = wait_for_requests(tmp_path, 5)
    for pid in server_pids(folder):
        os.kill(pid, signal.SIGKILL)
    _, error = long_run.communicate(timeout=300)
    assert long_run.returncode == 1
    assert "The server ended by itself" in error
    assert "Traceback" not in error
    manifest = folder.read_manifest()
    assert manifest.status == "failed"
    assert "ended by itself" in (manifest.status_reason or "")
    assert json.loads((folder.path / "summary.json").read_text())["requests_ok"] >= 3


def test_a_driver_that_dies_in_the_middle_is_named(tmp_path: Path, long_run: "subprocess.Popen[str]") -> None:
    folder = wait_for_requests(tmp_path, 5)
    for child in psutil.Process(long_run.pid).children(recursive=True):
        if "profiler.timing.driver" in child.cmdline():
            child.kill()
    _, error = long_run.communicate(timeout=300)
    assert long_run.returncode == 1
    assert "load driver has ended" in error
    assert folder.read_manifest().status == "failed"
    assert_no_server(folder)


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system with room for the beginning of a run only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk on this system")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not allowed on this system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("small_disk", "requests", "status"),
    [("300k", "1500", "failed"), ("1200k", "3", "complete")],  # too small for the records; for the report only
    indirect=["small_disk"],
)
def test_a_full_disk_ends_the_run_with_a_sentence_and_no_server(
    tmp_path: Path, small_disk: Path, requests: str, status: str
) -> None:
    command = [AFORO, "run", "smoke", "--model", TINY, "--requests", requests, "--output-tokens", "64"]
    command += ["--max-repeat-s", "240", "--out", str(small_disk), *ALONE]  # even a slow machine fills the disk
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=550)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    (path,) = small_disk.iterdir()
    folder = RunFolder(path)
    assert list(folder.read_requests())
    assert json.loads((path / "run.json").read_text())["status"] in {status, "running"}
    assert_no_server(folder)
