"""The transport over a real Ray: one node, tried from a process of its own. `test_fleet_over_ray.py` has three."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.ray_cluster import ray_cluster

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="needs aforo[fleet]"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

CALLS = """
import io, json, sys
from contextlib import closing
from profiler.errors import HostError
from profiler.fleet.schema import Host
from profiler.fleet.transports.ray import connect

def to(**named):
    return closing(connect(Host(transport="ray", address=sys.argv[1], **named)))

def asked(argv, through, timeout_s=120, **more):
    try:
        answer = through.call(argv, timeout_s=timeout_s, **more)
    except HostError as error:
        return [type(error).__name__, str(error)]
    return [answer.exit_code, answer.stdout.decode(), answer.stderr]

tar, lines = io.BytesIO(), []
with to(name="ash") as ash, to(name="oak") as oak, to(name="second", node="ash") as second:
    found = {
        "talk": asked(["sh", "-c", "cat; echo said >&2; exit 3"], ash, stdin=b"given"),
        "node": asked(["sh", "-c", "nice; cat /proc/self/oom_score_adj; env"], ash),
        "large": [*asked(["head", "-c", "5000000", "/dev/zero"], ash, output=tar), len(tar.getvalue())],
        "lines": [*asked(["sh", "-c", "echo a >&2; sleep 0.2; echo b >&2"], ash, on_line=lines.append), lines],
        "absent": asked(["no-such-command"], ash),
        "silent": asked(["sh", "-c", "exec sleep 86399"], ash, timeout_s=2),
        "other": asked(["true"], oak),
        "taken": asked(["true"], second),
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> Any:
    # the path of a socket may have 107 bytes, of which Ray takes most
    with (
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder,
        ray_cluster(Path(folder), {"OMP_NUM_THREADS": "7"}, "ash") as cluster,
    ):
        command = [sys.executable, "-c", CALLS, cluster.address]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)  # nothing of Ray's beside it


def test_a_command_is_carried_there_and_back(found: dict[str, Any]) -> None:
    assert found["talk"] == [3, "given", "said"]
    assert found["large"] == [0, "", "", 5_000_000]
    assert found["lines"] == [0, "", "a\nb", ["a", "b"]]


def test_it_runs_as_the_node_would_run_it_and_not_as_a_worker(found: dict[str, Any]) -> None:
    _, printed, _ = found["node"]
    niceness, score, *environment = printed.splitlines()
    assert int(niceness) == os.nice(0)
    assert score == Path("/proc/self/oom_score_adj").read_text().strip()
    assert "OMP_NUM_THREADS=7" in environment
    assert not [each for each in environment if each.startswith("RAY_")]


def test_what_goes_wrong_is_a_sentence(found: dict[str, Any]) -> None:
    assert found["absent"][0] == "HostRefusedError"
    assert found["silent"] == ["HostLostError", "Nothing came from the Ray node ash for 2 s."]
    assert found["other"][0] == "HostLostError"
    assert "there are: ash" in found["other"][1]
    assert found["taken"][0] == "HostRefusedError"
    assert "holds the resource 'measuring'" in found["taken"][1]


def test_a_command_from_which_nothing_came_is_ended(found: dict[str, Any]) -> None:
    assert found["silent"][0] == "HostLostError"
    running = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            running.append(path.read_bytes())
    assert b"sleep\x0086399\x00" not in running
