"""`aforo run` on llama.cpp's own server, and `aforo engines`."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from support.command import AFORO, ALONE, TINY, Aforo
from support.definitions import DATA, written
from support.engines import needed_llama_server
from support.launch import launch

from profiler.models import facts, locate
from profiler.results.folder import RunFolder
from profiler.servers.llama_server import LlamaServer
from profiler.servers.options import EngineOptions

pytestmark = pytest.mark.real_server

SMALL = [
    "--repeats",
    "1",
    "--warmup-requests",
    "2",
    "--prompt-tokens",
    "16",
    "--output-tokens",
    "32",
    "--quiet",
    *ALONE,
]


@pytest.fixture(scope="module", autouse=True)
def program() -> Path:
    return needed_llama_server()


def only_run(parent: Path) -> RunFolder:
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


def assert_gone(folder: RunFolder) -> None:
    """Nothing serves this run's port any more."""
    command = folder.read_manifest().engine.command
    port = command[command.index("--port") + 1]
    deadline_s = time.monotonic() + 60
    while [
        p for p in psutil.process_iter(["cmdline"]) if "--alias" in (words := p.info["cmdline"] or []) and port in words
    ]:
        assert time.monotonic() < deadline_s, "the server outlived its run"
        time.sleep(0.1)


@pytest.mark.parametrize("streams", [1, 4])
def test_the_same_workload_on_one_stream_and_on_several(tmp_path: Path, aforo: Aforo, streams: int) -> None:
    done = aforo(
        *("run", "smoke", "--model", TINY, "--engine", "llama-server", "--concurrency", str(streams)),
        *("--requests", "24", "--json", *SMALL),
    )
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    engine = folder.read_manifest().engine
    assert (engine.name, engine.slots, engine.prompt_cache) == ("llama-server", streams, "cold")
    assert engine.version
    assert "CPU" in (engine.build or "")
    for request in folder.read_requests():
        told = request.server_timings
        assert told is not None
        assert (told.cache_n, told.prompt_n, told.predicted_n) == (0, 16, 32)
        assert request.prompt_tokens == request.prompt_tokens_server == 16
        assert request.completion_tokens_server == 32
    metrics = json.loads(done.stdout)["metrics"]
    assert metrics["engine_decode_tokens_per_s"]["value"] > 0
    assert metrics["engine_gap_ratio"]["value"] is not None
    # The load goes on from one phase to the next, so that only all of them together have counted whole requests.
    counted = [phase.engine_counted for phase in folder.read_manifest().phases if phase.engine_counted]
    requests = sum(1 for _ in folder.read_requests())
    assert sum(each["llamacpp:tokens_predicted_total"] for each in counted) == requests * 32
    assert_gone(folder)


def test_several_requests_in_flight_choose_it_and_what_was_chosen_can_be_repeated(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo(
        *("run", "smoke", "--model", TINY, "--concurrency", "2", "--kv-cache", "q8_0", "--batch-tokens", "128"),
        *("--requests", "4", *SMALL),
    )
    assert done.returncode in {0, 3}, done.stderr
    manifest = only_run(tmp_path).read_manifest()
    engine = manifest.engine
    assert (engine.name, engine.slots, engine.kv_cache, engine.batch_tokens) == ("llama-server", 2, "q8_0", 128)
    again = " ".join(manifest.command_line)
    assert "--batch-tokens 128" in again
    assert "--kv-cache q8_0" in again


def test_a_server_that_is_killed_while_it_is_measured_is_named(tmp_path: Path) -> None:
    command = [AFORO, "run", "smoke", "--model", TINY, "--engine", "llama-server", "--concurrency", "2"]
    with subprocess.Popen(
        [*command, "--requests", "4000", "--output-tokens", "64", *ALONE],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        deadline_s = time.monotonic() + 300
        while not [j for j in tmp_path.glob("runs/*/requests.jsonl") if j.read_bytes().count(b"\n") >= 6]:
            assert time.monotonic() < deadline_s, "the run did not get going"
            time.sleep(0.05)
        servers = [p for p in psutil.Process(run.pid).children(recursive=True) if "--alias" in p.cmdline()]
        for server in servers:
            if "profiler.servers.warden" not in server.cmdline():
                os.kill(server.pid, signal.SIGKILL)
        _, error = run.communicate(timeout=300)
    assert run.returncode == 1
    assert "The server ended by itself" in error
    assert "Traceback" not in error
    assert only_run(tmp_path).read_manifest().status == "failed"
    assert_gone(only_run(tmp_path))


def test_the_list_of_engines_says_where_it_is(aforo: Aforo, program: Path) -> None:
    done = aforo("engines", "--json")
    assert done.returncode == 0, done.stderr
    found = {engine["name"]: engine for engine in json.loads(done.stdout)}
    assert found["llama-server"]["is_available"]
    assert found["llama-server"]["path"] == str(program)
    assert found["llama-server"]["version"]


def test_a_build_that_leaves_instructions_unused_is_told(tmp_path: Path, aforo: Aforo, program: Path) -> None:
    """The real server, which was compiled for this processor, and one that says it was compiled for less."""
    lesser = tmp_path / "llama-server"
    less = "sed -e 's/F16C = 1 | //' -e 's/DOTPROD = 1 | //'"
    lesser.write_text(
        f'#!/bin/sh\ncase "$*" in *--log-verbosity*) {program} "$@" 2>&1 | {less} ;; *) exec {program} "$@" ;; esac\n'
    )
    lesser.chmod(0o755)
    warnings = {}
    for name, path in {"native": program, "lesser": lesser}.items():
        options = ["--engine", "llama-server", "--engine-path", str(path), "--out", name, *SMALL]
        done = aforo("run", "smoke", "--model", TINY, *options)
        assert done.returncode in {0, 3}, done.stderr
        (folder,) = (tmp_path / name).iterdir()
        said = [text for text in RunFolder(folder).read_manifest().warnings if "was compiled without" in text]
        assert ("was compiled without" in RunFolder(folder).report.read_text()) is bool(said)
        warnings[name] = said
    assert warnings["native"] == []
    (said,) = warnings["lesser"]
    assert said.partition(",")[0] in {f"llama-server was compiled without {name}" for name in ("F16C", "DOTPROD")}


def test_an_endpoint_that_answers_from_its_cache_is_found_out(tmp_path: Path, aforo: Aforo, program: Path) -> None:
    text = " ".join(["nuwa vulo livi"] * 10)
    (tmp_path / "one.txt").write_text(f"{text}\n")
    workload = DATA.format(file="one.txt", column="prompt").replace("requests: 2", "requests: 16")
    definition = written(tmp_path, workload)
    found = locate.find(TINY).path
    server = LlamaServer(launch(facts.read(found)), EngineOptions(engine_path=program, prompt_cache="warm"))
    server.start(tmp_path / "log", lambda: None)
    try:
        told = {
            cache: aforo(
                "run",
                str(definition),
                "--url",
                server.address.url,
                "--prompt-cache",
                cache,
                "--json",
                "--quiet",
                *ALONE,
            )
            for cache in ("cold", "warm")
        }
    finally:
        server.stop()
    assert {done.returncode for done in told.values()} <= {0, 3}
    cold, warm = (json.loads(done.stdout) for done in told.values())
    assert "cached-prompts" in [finding["rule"] for finding in cold["verdict"]["findings"]]
    assert "cached-prompts" not in [finding["rule"] for finding in warm["verdict"]["findings"]]
    for summary in (cold, warm):
        assert summary["metrics"]["cached_prompt_ratio"]["value"] > 0.9
