"""What the machine does to a run: no room, no folder, no parent. It ends with a sentence, and run.json says so."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import scripted_server as server
from support.command import AFORO


class Gate:
    """Streams eight tokens; holds every answer to a prompt back until it is opened, and says when one has come."""

    def __init__(self, *, is_open: bool) -> None:
        self.asked = threading.Event()
        self.open = threading.Event()
        if is_open:
            self.open.set()

    def __call__(self, connection: server.socket.socket, request: bytes) -> None:
        self.asked.set()
        self.open.wait(60)
        server.stream_tokens([" a"] * 8)(connection, request)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate(is_open=False)
    yield made
    made.open.set()


def command(port: int, out: Path, *more: str) -> list[str]:
    words = ["run", "smoke", "--url", f"http://127.0.0.1:{port}", "--meters", "none", "--no-cloud", "--quiet"]
    return [AFORO, *words, "--repeats", "1", "--warmup-requests", "1", "--out", str(out), *more]


def only_run(out: Path) -> dict[str, object]:
    (folder,) = out.iterdir()
    document: dict[str, object] = json.loads((folder / "run.json").read_text("utf-8"))
    return document


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_run_without_standard_descriptors_is_complete(tmp_path: Path, closed: str) -> None:
    with server.serve(server.openai(Gate(is_open=True))) as port:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *command(port, tmp_path / "runs", "--requests", "20")],
            capture_output=True,
            check=False,
        )
    assert only_run(tmp_path / "runs")["status"] == "complete"
    assert done.returncode == 0 or b"INVALID" in done.stderr or "2>&-" in closed


def test_no_room_for_the_requests_is_a_sentence_and_ends_the_run(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that is full: 200 blocks of 512 bytes, or of 1 KiB in bash."""
    with server.serve(server.openai(Gate(is_open=True))) as port:
        words = command(port, tmp_path / "runs", "--requests", "4000")
        # Nor would coverage have room for its data, and say so.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        done = subprocess.run(
            ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh", *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
    assert done.returncode == 1
    assert "could not be written to a temporary file" in done.stderr
    assert "Let TMPDIR name a folder with more room" in done.stderr
    assert "Traceback" not in done.stderr
    assert only_run(tmp_path / "runs")["status"] == "failed"


def test_a_run_without_a_temporary_folder_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """Nothing that Python would try is a folder that can be written in."""
    code = (
        "import sys, tempfile; tempfile._get_default_tempdir = lambda *_: (_ for _ in ()).throw("
        "FileNotFoundError(2, 'No usable temporary directory found')); "
        "from profiler.cli import main; main()"
    )
    with server.serve(server.openai(Gate(is_open=True))) as port:
        words = command(port, tmp_path / "runs")[1:]
        done = subprocess.run(
            [str(Path(AFORO).parent / "python"), "-c", code, *words], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "No usable temporary directory found. Let TMPDIR name a folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_that_is_removed_under_a_run_is_named(tmp_path: Path, gate: Gate) -> None:
    with server.serve(server.openai(gate)) as port:
        words = command(port, tmp_path / "runs", "--requests", "5")
        with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            assert gate.asked.wait(300)
            (tmp_path / "runs").rename(tmp_path / "away")  # at once, whatever is being written
            gate.open.set()
            _, said = run.communicate(timeout=300)
    assert run.returncode == 1
    assert "is gone: it was removed or moved while the run was at work" in said
    assert "Traceback" not in said


def test_a_hang_up_is_not_heard_under_nohup(tmp_path: Path, gate: Gate) -> None:
    with server.serve(server.openai(gate)) as port:
        words = command(port, tmp_path / "runs", "--requests", "20")
        ignoring = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *words]  # as nohup does
        with subprocess.Popen(ignoring, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as run:
            assert gate.asked.wait(300)
            os.kill(run.pid, signal.SIGHUP)
            gate.open.set()
            run.communicate(timeout=300)
    assert only_run(tmp_path / "runs")["status"] == "complete"


def test_a_run_that_its_driver_never_served_leaves_no_folder(tmp_path: Path) -> None:
    """The load driver ends at once where it finds no descriptors; the same as if it had been killed."""
    code = (
        "import profiler.timing.driver_client as client, sys; client._listed = lambda cpus: ['no-such-processor']; "
        "from profiler.cli import main; main()"
    )
    with server.serve(server.openai(Gate(is_open=True))) as port:
        words = command(port, tmp_path / "runs")[1:]
        done = subprocess.run(
            [str(Path(AFORO).parent / "python"), "-c", code, *words], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "The load driver has ended" in done.stderr
    assert list((tmp_path / "runs").iterdir()) == []
