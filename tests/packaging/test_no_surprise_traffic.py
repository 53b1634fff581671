"""Nothing is asked of the network unless the user wants it: the whole command line with other addresses forbidden.

A wrapper in front of the command makes every connection to an address that is not loopback, and every look-up of a
name, an error that is written down; it is inherited by every Python that the command starts.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.scripted_server import openai, serve, stream_tokens

GUARD = """
import ipaddress, os, socket

_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
_LOG = os.environ["AFORO_TRAFFIC_LOG"]


def _forbid(what):
    with open(_LOG, "a") as log:
        log.write(f"{what}\\n")
    raise OSError(f"forbidden in this test: {what}")


def _is_local(host):
    if host in ("", "localhost", None):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _guard(function):
    def guarded(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            _forbid(f"connect {address[0]}")
        return function(self, address, *rest)

    return guarded


def _look_up(host, *rest, **named):
    if isinstance(host, bytes):
        host = host.decode()
    if not _is_local(host):
        _forbid(f"look up {host}")
    return _getaddrinfo(host, *rest, **named)


socket.socket.connect = _guard(_connect)
socket.socket.connect_ex = _guard(_connect_ex)
socket.getaddrinfo = _look_up
"""

VERBS = [
    ["--help"],
    ["--version"],
    ["workloads"],
    ["workloads", "show", "smoke"],
    ["metrics"],
    ["rules"],
    ["host"],
    ["host", "--json"],
    ["energy", "show"],
    ["prices", "show", "c7g.4xlarge"],
    ["query", "--schema"],
]


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python loads the guard when it starts."""
    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD, "utf-8")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return {**kept, "PYTHONPATH": path, "AFORO_TRAFFIC_LOG": str(tmp_path / "traffic.log"), "HOME": str(tmp_path)}


def run(environment: dict[str, str], folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "profiler", *arguments]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


def traffic(environment: dict[str, str]) -> str:
    log = Path(environment["AFORO_TRAFFIC_LOG"])
    return log.read_text() if log.exists() else ""


def test_the_guard_guards(guarded: dict[str, str], tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], env=guarded, capture_output=True, text=True, check=False)
    assert "forbidden in this test" in done.stderr
    assert traffic(guarded).splitlines()[0] in {"look up 192.0.2.1", "connect 192.0.2.1"}


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_a_verb_asks_nobody(guarded: dict[str, str], tmp_path: Path, arguments: list[str]) -> None:
    done = run(guarded, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    assert traffic(guarded) == ""


def test_a_run_talks_to_its_server_alone(guarded: dict[str, str], tmp_path: Path) -> None:
    with serve(openai(stream_tokens(["a", "b", "c", "d"]))) as port:
        url, said = f"http://127.0.0.1:{port}", ["--requests", "6", "--idle-baseline", "1"]
        money = ["--price", "0.58", "--grid", "us-east-1", "--pue", "1.2"]
        done = run(guarded, tmp_path, "run", "smoke", "--url", url, "--output-tokens", "4", *said, *money, "--json")
    assert done.returncode in {0, 3}, done.stderr[-2000:]  # so short a run may be INVALID
    assert '"energy_j_per_output_token"' in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    again = run(guarded, tmp_path, "summarize", str(folder), "--json")
    assert again.returncode == 0, again.stderr[-2000:]
    assert run(guarded, tmp_path, "report", str(folder)).returncode == 0
    assert traffic(guarded) == ""
