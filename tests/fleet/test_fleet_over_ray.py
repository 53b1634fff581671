"""A fleet of three nodes of Ray: 3 hosts × 4 workloads × 2 settings, one node lost in mid-cell, resumed, compared.

The three are this one machine, so they measure in turn. Whether a cell is VALID depends on what else the machine does;
what is looked at here does not.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.engines import needed_llama_server
from support.ray_cluster import RayCluster, ray_cluster

from profiler.fleet import state
from profiler.fleet.host_side import lock
from profiler.fleet.state import Begun, State
from profiler.results.folder import RunFolder

pytestmark = [
    pytest.mark.ray,
    pytest.mark.real_server,
    pytest.mark.skipif(find_spec("ray") is None, reason="needs aforo[fleet]"),
]

HEAD, LOST, OTHER = NAMES = ("ash", "birch", "cedar")
SIZES = {"short": (16, 8), "prompt": (96, 8), "answer": (16, 32), "both": (96, 32)}  # tokens in and out
WORKLOAD = """
id: {name}
version: 1
description: A file of the user's own, which is sent to the hosts.
prompts: {{source: synthetic, tokens: {prompt_tokens}}}
output_tokens: {output_tokens}
load: {{shape: closed-loop, concurrency: 1}}
warmup_requests: 1
requests: 12
repeats: 1
max_repeat_s: 120
request_timeout_s: 120
stall_timeout_s: 120
"""
PLAN = """
id: three-nodes
hosts:
{hosts}
models: ["synthetic:tiny-1m/Q8_0"]
workloads: [{workloads}]
settings: {{batch_tokens: [256, 512]}}
run: {{cloud: false, meters: none, threads: 1, engine: llama-server}}
limits: {{free_disk_mib: 1, silence_s: 120, cell_s: 600}}
"""
CELLS = len(NAMES) * len(SIZES) * 2
LIMIT_S = float(os.environ.get("AFORO_TEST_LIMIT_S", "1400"))


class Fleet:
    """A plan for the nodes of a cluster, and controllers of it."""

    def __init__(self, folder: Path, cluster: RayCluster) -> None:
        self.folder, self.out, self.said = folder, folder / "out", folder / "said.txt"
        self.environment = {**os.environ, **cluster.environment(HEAD)}
        self.controllers = list["subprocess.Popen[bytes]"]()
        for name, (prompt_tokens, output_tokens) in SIZES.items():
            text = WORKLOAD.format(name=name, prompt_tokens=prompt_tokens, output_tokens=output_tokens)
            (folder / f"{name}.yaml").write_text(text)
        aforo = f"['{sys.executable}', -P, -m, profiler]"
        reached = f"transport: ray, address: '{cluster.address}', aforo: {aforo}"
        hosts = "\n".join(f"  - {{name: {name}, {reached}}}" for name in NAMES)
        workloads = ", ".join(f"{name}.yaml" for name in SIZES)
        (folder / "plan.yaml").write_text(PLAN.format(hosts=hosts, workloads=workloads))

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", "profiler", "fleet", "run", "plan.yaml", "--out", "out", *words]
        with self.said.open("ab") as said:
            controller = subprocess.Popen(command, stdout=said, stderr=said, cwd=self.folder, env=self.environment)
        self.controllers.append(controller)
        return controller

    def stop(self) -> None:
        """End whatever controller a failed test has left at work."""
        for controller in self.controllers:
            controller.kill()
            controller.wait()

    def until(self, controller: "subprocess.Popen[bytes]", is_so: Callable[[State], bool]) -> State:
        """Wait until something has happened."""
        deadline_s = time.monotonic() + LIMIT_S
        while not is_so(state.read(self.out)):
            assert controller.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline_s, self.said.read_text()
            time.sleep(0.2)
        return state.read(self.out)


@pytest.fixture(scope="module")
def carried_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Begun, float]]:
    """The fleet at its end, the cell during which a node was lost, and after how long that was noticed, in seconds."""
    settings = {"AFORO_LLAMA_SERVER": str(needed_llama_server())}
    # the path of a socket may have 107 bytes, of which Ray takes most
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as short:
        settings[lock.VARIABLE] = f"{short}/lock"
        with ray_cluster(Path(short), settings, *NAMES) as cluster:
            fleet = Fleet(tmp_path_factory.mktemp("fleet"), cluster)
            try:
                yield fleet, *carry_out(fleet, cluster)
            finally:
                fleet.stop()


def carry_out(fleet: Fleet, cluster: RayCluster) -> tuple[Begun, float]:
    """Begin, lose a node in mid-cell, come to an end without it, start it again, and resume."""
    controller = fleet.start()
    runs = Path(cluster.environment(LOST)["XDG_DATA_HOME"]).glob

    def is_measuring(seen: State) -> bool:
        return any(runs("aforo/fleet/*/*/runs/*/run.json")) and bool(seen.open_jobs_of(LOST))

    (lost,) = fleet.until(controller, is_measuring).open_jobs_of(LOST)
    cluster.lose(LOST)
    lost_s = time.monotonic()
    fleet.until(controller, lambda seen: LOST in seen.gone or "once more" in fleet.said.read_text())
    noticed_s = time.monotonic() - lost_s
    fleet.until(controller, lambda seen: LOST in seen.gone)
    assert controller.wait(LIMIT_S) == 1, fleet.said.read_text()  # not all cells were measured
    cluster.start(LOST)
    assert fleet.start("--resume").wait(LIMIT_S) in {0, 3}, fleet.said.read_text()
    return lost, noticed_s


Done = tuple[Fleet, Begun, float]


def test_a_lost_node_is_noticed_soon(carried_out: Done) -> None:
    _, _, noticed_s = carried_out
    assert noticed_s < 60


def test_every_cell_has_come_to_an_end_and_none_that_was_valid_is_repeated(carried_out: Done) -> None:
    fleet, lost, _ = carried_out
    ended = state.read(fleet.out).ended
    assert len(ended) == CELLS
    for cell, several in ended.items():
        outcomes = [each.outcome for each in several]
        assert outcomes[-1] in {"VALID", "INVALID"}, (cell, outcomes)
        assert "VALID" not in outcomes[:-1], cell
        assert set(outcomes[:-1]) <= ({"INVALID", "lost"} if cell == lost.cell else {"INVALID"}), (cell, outcomes)


def test_every_run_says_that_it_came_over_ray(carried_out: Done) -> None:
    fleet, *_ = carried_out
    manifests = [RunFolder(path.parent).read_manifest() for path in fleet.out.glob("*/*/*/run.json")]
    kept = [each.fleet for each in manifests if each.fleet is not None and each.ended_utc is not None]
    assert Counter(each.host for each in kept).keys() == set(NAMES)
    assert {each.transport for each in kept} == {"ray"}


def test_it_ends_in_pages_of_its_state_and_of_a_comparison(carried_out: Done) -> None:
    fleet, *_ = carried_out
    assert (fleet.out / "fleet.html").is_file()
    assert list(fleet.out.glob("comparison*.html"))
