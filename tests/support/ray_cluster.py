"""A Ray cluster on this machine: each node is a `ray start` of its own, in an environment of its own, that can be lost.

Whatever runs on a node, run and server included, has a mark of the node in its environment; a node that is lost takes
all of it along, as a machine without power would.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

MARK = "AFORO_TEST_NODE"
SMALLEST_STORE_BYTES = 80 << 20
START_S = 180.0
RAY = [sys.executable, "-P", "-c", "from ray.scripts.scripts import main; main()"]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class RayCluster:
    """Nodes by name; the first is the head."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)  # of the environment of every node
    port: int = field(default_factory=free_port)
    nodes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        """Start a node and wait for it."""
        head = ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
        role = [f"--address={self.address}"] if self.nodes else head
        quiet = ["--disable-usage-stats", "--include-log-monitor=false", "--node-ip-address=127.0.0.1"]
        about = ["--num-cpus=0", '--resources={"measuring": 1}', f"--labels=aforo-host={name}"]
        command = [*RAY, "start", "--block", *role, *quiet, *about, f"--object-store-memory={SMALLEST_STORE_BYTES}"]
        log = self.folder / f"{name}.log"
        log.unlink(missing_ok=True)
        with log.open("wb") as output:
            self.nodes[name] = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment(name)},
                start_new_session=True,
            )
        deadline_s = time.monotonic() + START_S
        while "Ray runtime started" not in log.read_text("utf-8", "replace"):
            if self.nodes[name].poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"No node {name}: {log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.2)

    def environment(self, name: str) -> dict[str, str]:
        data = str(self.folder / f"data-{name}")
        return {**self.settings, MARK: self._mark(name), "XDG_DATA_HOME": data, "RAY_USAGE_STATS_ENABLED": "0"}

    def lose(self, name: str) -> None:
        """Take a node off at once, with all that runs on it."""
        node = self.nodes[name]
        while pids := [*_of_node(f"{MARK}={self._mark(name)}".encode(), node.pid)]:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            node.wait()
            time.sleep(0.05)

    def _mark(self, name: str) -> str:
        return f"{self.port}-{name}"


def _of_node(mark: bytes, session: int) -> Iterator[int]:
    """Processes with the mark in their environment, or of the node's session: Ray's write their titles over theirs."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, of_session = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:4]
            if state != "Z" and (int(of_session) == session or mark in (folder / "environ").read_bytes().split(b"\0")):
                yield int(folder.name)


@contextlib.contextmanager
def ray_cluster(folder: Path, settings: Mapping[str, str], *names: str) -> Iterator[RayCluster]:
    """A cluster of these nodes, which is gone at the end, whatever has become of it."""
    cluster = RayCluster(folder, settings)
    try:
        for name in names:
            cluster.start(name)
        yield cluster
    finally:
        for name in cluster.nodes:
            cluster.lose(name)
