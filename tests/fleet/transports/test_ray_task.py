"""What a worker does for a call: tried without Ray, in a process of which this one is the 'node'."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.fleet.transports import ray_task
from profiler.fleet.transports.ray_task import ENDED, LINES, NOT_RUN, OUT, TOO_NICE, Piece, carry


def joined(pieces: Iterator[Piece]) -> dict[str, bytes]:
    found = dict[str, bytes]()
    for kind, data in pieces:
        found[kind] = found.get(kind, b"") + data
    return found


def test_output_and_lines_come_apart_and_the_exit_code_last() -> None:
    pieces = list(carry(["sh", "-c", "cat; echo one >&2; exit 3"], b"in\0out"))
    assert joined(iter(pieces)) == {OUT: b"in\0out", LINES: b"one\n", ENDED: b"3"}
    assert pieces[-1] == (ENDED, b"3")


def test_long_input_and_output_are_whole_and_in_pieces_that_need_no_object_store() -> None:
    data = os.urandom(1_000_000)
    pieces = list(carry(["cat"], data))
    assert joined(iter(pieces)) == {OUT: data, ENDED: b"0"}
    assert max(len(piece) for _, piece in pieces) <= 64 * 1024


def test_a_command_that_is_not_there_is_said() -> None:
    assert list(carry(["no-such-command"], b"")) == [(NOT_RUN, b"No such file or directory")]


def test_a_task_that_is_cancelled_ends_its_command() -> None:
    pieces = carry(["sh", "-c", "echo $$; exec sleep 600"], b"")
    _, pid = next(pieces)
    assert Path("/proc", pid.decode().strip()).exists() or sys.platform != "linux"
    pieces.close()  # type: ignore[attr-defined]  # a generator, into which Ray throws KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_a_worker_that_stays_nice_refuses_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: int) -> None:
        raise PermissionError

    # the node's own is 4, the worker's 4 + 15
    monkeypatch.setattr(os, "getpriority", lambda _, process: 19 if process == 0 else 4)
    monkeypatch.setattr(os, "setpriority", refused)
    assert list(carry(["true"], b"")) == [(TOO_NICE, b"15")]


def test_a_worker_that_may_takes_the_nodes_own_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(os, "getpriority", lambda _, process: 15 if process == 0 else 0)
    monkeypatch.setattr(os, "setpriority", lambda *given: taken.append(given))
    assert joined(carry(["true"], b"")) == {ENDED: b"0"}
    assert taken == [(os.PRIO_PROCESS, 0, 0)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_command_has_the_environment_of_the_node_and_nothing_of_rays() -> None:
    # a worker: its environment is the node's with Ray's own on top, and one thread for OpenMP
    program = (
        "import os, subprocess, sys\n"
        "worker = {**os.environ, 'RAY_JOB_ID': '01', 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}\n"
        "subprocess.run([sys.executable, sys.argv[1]], env=worker, check=True)\n"
    )
    worker = (
        f"import importlib.util as u\nspec = u.spec_from_file_location('task', {ray_task.__file__!r})\n"
        "task = u.module_from_spec(spec)\nspec.loader.exec_module(task)\n"
        "print(b''.join(data for kind, data in task.carry(['env'], b'') if kind == 'out').decode())\n"
    )
    node = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "OMP_NUM_THREADS": "7", "RAY_worker_niceness": "0"}
    command = [sys.executable, "-c", program, "-"]
    lines = subprocess.run(command, input=worker, env=node, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert "OMP_NUM_THREADS=7" in lines
    assert not [line for line in lines if line.startswith(("RAY_", "CUDA_"))]
