"""A fleet of three hosts over a real sshd: one host and the controller are killed in mid-cell, and nothing is lost.

The three are this one machine, so they measure in turn. Whether a cell is VALID depends on what else the machine does;
what is looked at here does not.
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.engines import needed_llama_server
from support.sshd import SshHost, ssh_hosts

from profiler.fleet import state
from profiler.fleet.state import Begun, Ended, HostGone, State
from profiler.results.folder import RunFolder

pytestmark = pytest.mark.real_server

NAMES = ("ash", "birch", "cedar")
LIMIT_S = 600.0
# Without the pauses in which a lost host is waited for.
CONTROLLER = """
import sys
import profiler.fleet.host_work
profiler.fleet.host_work.PAUSES_S = (0.1,)
from profiler.cli import main
main()
"""
LONGER = """
id: longer
version: 1
description: A file of the user's own, which is sent to the hosts.
prompts: {source: synthetic, tokens: 16}
output_tokens: 24
load: {shape: closed-loop, concurrency: 2}
warmup_requests: 1
requests: 24
repeats: 1
max_repeat_s: 120
request_timeout_s: 120
stall_timeout_s: 120
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[SshHost]]:
    engine = {"AFORO_LLAMA_SERVER": str(needed_llama_server())}
    with ssh_hosts(tmp_path_factory.mktemp("hosts"), *NAMES, environment=engine) as made:
        yield made


class Fleet:
    """A plan, and controllers of it."""

    def __init__(self, folder: Path, hosts: list[SshHost]) -> None:
        self.folder = folder
        self.out = folder / "out"
        (folder / "longer.yaml").write_text(LONGER)
        listed = [
            f"  - {{name: {host.name}, transport: ssh, address: '{host.address}', ssh_options: {host.options}}}"
            for host in hosts
        ]
        plan = f"""
id: three
hosts:
{chr(10).join(listed)}
models: ["synthetic:tiny-1m/Q8_0"]
workloads: [smoke, longer.yaml]
run: {{cloud: false, meters: none, threads: 1, engine: llama-server}}
limits: {{free_disk_mib: 1, silence_s: 20, cell_s: 300}}
"""
        (folder / "three.yaml").write_text(plan)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", CONTROLLER, "fleet", "run", str(self.folder / "three.yaml")]
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen([*command, "--out", str(self.out), *words], stdout=said, stderr=said)

    @property
    def state(self) -> State:
        return state.read(self.out)

    def until(self, controller: "subprocess.Popen[bytes]", is_so: Callable[[State], bool]) -> State:
        """Wait until something has happened."""
        deadline_s = time.monotonic() + LIMIT_S
        while not is_so(self.state):
            assert controller.poll() is None, self.said
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.05)
        return self.state

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()


def begun_only(state: State) -> list[Begun]:
    """Return what has begun and not come to an end."""
    ended = {(event.cell, event.attempt) for event in state.events if isinstance(event, Ended)}
    begun = [event for event in state.events if isinstance(event, Begun)]
    return [each for each in begun if (each.cell, each.attempt) not in ended]


def is_measuring(host: SshHost) -> bool:
    """Whether a server is running there."""
    names = list[str]()
    for process in host.processes():
        with contextlib.suppress(psutil.Error):
            names.append(process.name())
    return "llama-server" in names


@pytest.fixture(scope="module")
def carried_out(tmp_path_factory: pytest.TempPathFactory, hosts: list[SshHost]) -> tuple[Fleet, Begun, Begun]:
    """A plan carried out in two goes; also the cells during which a host, and the controller, were killed."""
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), hosts)
    by_name = {host.name: host for host in hosts}
    controller = fleet.start()

    def under_way(state: State, *without: str) -> list[Begun]:
        there = [each for each in begun_only(state) if each.host not in without]
        return [each for each in there if is_measuring(by_name[each.host])]

    now = fleet.until(controller, lambda state: bool(under_way(state)))
    on_dead_host = begun_only(now)[0]
    dead = by_name[on_dead_host.host]
    dead.die()
    fleet.until(controller, lambda state: dead.name in state.gone)
    now = fleet.until(controller, lambda state: bool(under_way(state, dead.name)))
    with_controller = next(each for each in begun_only(now) if each.host != dead.name)
    controller.send_signal(signal.SIGKILL)
    controller.wait()

    dead.start()
    resumed = fleet.start("--resume")
    assert resumed.wait(LIMIT_S) in {0, 3}, fleet.said
    return fleet, on_dead_host, with_controller


def test_every_cell_has_come_to_an_end(carried_out: tuple[Fleet, Begun, Begun]) -> None:
    fleet, *_ = carried_out
    ended = fleet.state.ended
    assert len(ended) == len(NAMES) * 2
    assert begun_only(fleet.state) == []
    assert {
        cell: each[-1].outcome for cell, each in ended.items() if each[-1].outcome not in {"VALID", "INVALID"}
    } == {}


def test_the_cell_that_outlived_its_controller_was_not_repeated(carried_out: tuple[Fleet, Begun, Begun]) -> None:
    fleet, _, with_controller = carried_out
    first = fleet.state.ended[with_controller.cell][0]
    assert first.attempt == with_controller.attempt
    assert first.outcome in {"VALID", "INVALID"}


def test_the_lost_host_is_a_result_and_its_cell_was_measured_again(carried_out: tuple[Fleet, Begun, Begun]) -> None:
    fleet, on_dead_host, _ = carried_out
    gone = [event for event in fleet.state.events if isinstance(event, HostGone)]
    assert [event.host for event in gone] == [on_dead_host.host]
    assert "nothing listens there" in gone[0].sentence or "the connection ended" in gone[0].sentence
    first, *later = fleet.state.ended[on_dead_host.cell]
    assert first.outcome not in {"VALID", "INVALID"}
    assert later[-1].attempt > first.attempt


def test_nothing_valid_was_repeated(carried_out: tuple[Fleet, Begun, Begun]) -> None:
    fleet, *_ = carried_out
    valid = set[str]()
    for event in fleet.state.events:
        if isinstance(event, Begun):
            assert event.cell not in valid
        if isinstance(event, Ended) and event.outcome == "VALID":
            valid.add(event.cell)


def test_every_run_is_here_and_knows_how_it_came(carried_out: tuple[Fleet, Begun, Begun]) -> None:
    fleet, *_ = carried_out
    ended = [each for cell in fleet.state.ended.values() for each in cell if each.outcome in {"VALID", "INVALID"}]
    for each in ended:
        assert each.folder is not None
        (run,) = (fleet.out / each.folder).glob("*/run.json")
        manifest = RunFolder(run.parent).read_manifest()
        assert manifest.fleet is not None
        assert (manifest.fleet.transport, manifest.fleet.host, manifest.fleet.cell) == ("ssh", each.host, each.cell)


def test_hosts_that_are_one_machine_are_told_of(carried_out: tuple[Fleet, Begun, Begun]) -> None:
    fleet, *_ = carried_out
    assert "ash, birch, cedar are one machine, under 3 names: they measure in turn." in fleet.said
