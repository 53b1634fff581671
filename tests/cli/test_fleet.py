"""`aforo fleet` on this machine, with real processes: killed, interrupted, locked out, resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import AFORO

from profiler.fleet import wheel
from profiler.fleet.host_side import lock
from profiler.fleet.state import State, read
from profiler.results.folder import RunFolder

STAND_IN = Path(__file__).parents[1] / "support" / "stand_in_engine.py"
PLAN = """\
id: two-settings
hosts:
  - name: here
    labels: {{rack: a}}
    environment: [STAND_IN_TOKEN]
models: [synthetic:tiny-1m/vllm]
workloads: [smoke]
settings: {{batch_tokens: [256, 512]}}
run:
  engine: vllm
  engine_path: {program}
  engine_args: ["--fault=none"]
  concurrency: 1
  requests: 40
  output_tokens: 64
  meters: none
  cloud: false
  request_timeout_s: 300
  stall_timeout_s: 300
limits: {{cell_s: 500, free_disk_mib: 1, silence_s: 300}}
"""
KEPT_OUT = "not-to-be-written-down"


class Place:
    """A folder with a plan, whose host has its jobs and its lock there, too."""

    def __init__(self, folder: Path) -> None:
        program = folder / "vllm"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
        program.chmod(0o755)
        (folder / "plan.yaml").write_text(PLAN.format(program=program))
        self.folder, self.out, self.lock = folder, folder / "out", folder / "lock"
        own = {"XDG_DATA_HOME": str(folder / "data"), lock.VARIABLE: str(self.lock), "STAND_IN_TOKEN": KEPT_OUT}
        self.environment = {**os.environ, **own, "COLUMNS": "200"}

    def aforo(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [AFORO, "fleet", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=550,
        )

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [AFORO, "fleet", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def jobs(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "data/aforo/fleet").glob("*/*"))

    def until_measuring(self, process: "subprocess.Popen[str]") -> None:
        """Wait until a cell is measured: its run folder is there."""
        for _ in range(5000):
            if list((self.folder / "data").glob("aforo/fleet/*/*/runs/*/run.json")):
                return
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.05)
        pytest.fail("nothing was measured")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for path in (tmp_path / "data").glob("aforo/fleet/*/*"):
        (path / "cancelled").touch()  # whatever a failed test has left at work ends


def only_outcomes(state: State) -> dict[str, list[str]]:
    return {cell: [each.outcome for each in several] for cell, several in state.ended.items()}


def test_a_killed_controller_loses_nothing_and_repeats_nothing(place: Place) -> None:
    with place.begin("run", "plan.yaml", "--out", "out") as process:
        place.until_measuring(process)
        process.send_signal(signal.SIGKILL)
    (first,) = place.jobs()
    seen = json.loads(place.aforo("status", "plan.yaml", "--out", "out", "--json").stdout)
    assert [each["state"] for each in seen["cells"]] == ["lost", "waiting"]
    done = place.aforo("run", "plan.yaml", "--out", "out", "--resume")
    assert done.returncode in {0, 3}, done.stderr  # on a busy machine a run is INVALID, and is measured once more
    state = read(place.out)
    begun = {each.job.name for several in state.begun.values() for each in several}
    assert set(place.jobs()) == begun
    assert first in begun
    assert len(begun) == sum(map(len, state.ended.values()))
    for cell, outcomes in only_outcomes(state).items():
        assert set(outcomes) <= {"VALID", "INVALID"}, cell
        assert "VALID" not in outcomes[:-1], "a VALID cell was repeated"
    check_provenance(place, state)
    check_no_secret(place)


def check_provenance(place: Place, state: State) -> None:
    for several in state.ended.values():
        for ended in several:
            assert ended.folder is not None
            (path,) = (place.out / ended.folder).glob("*/run.json")
            manifest = RunFolder(path.parent).read_manifest()
            assert manifest.fleet is not None
            told: dict[str, Any] = manifest.fleet.model_dump()
            assert (told["fleet"], told["host"], told["transport"]) == ("two-settings", "here", "local")
            assert (told["cell"], told["attempt"], told["cells"]) == (ended.cell, ended.attempt, 2)
            assert told["order"] == [each.key for each in state.planned.cells].index(ended.cell) + 1  # type: ignore[union-attr]
            assert told["labels"] == {"rack": "a"}
            assert manifest.ended_utc is not None
            assert manifest.started_utc < manifest.ended_utc <= told["collected_utc"]


def check_no_secret(place: Place) -> None:
    for path in [*place.out.rglob("*"), *(place.folder / "data").rglob("*")]:
        assert not path.is_file() or KEPT_OUT.encode() not in path.read_bytes(), path


def test_ctrl_c_ends_the_cell_in_progress_and_keeps_the_state(place: Place) -> None:
    with place.begin("run", "plan.yaml", "--out", "out") as process:
        place.until_measuring(process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130, said
    assert "Ending the cells in progress" in said
    ((outcome,),) = only_outcomes(read(place.out)).values()
    assert outcome in {"cancelled", "VALID", "INVALID"}  # it may have been over at that very moment
    ((ended,),) = read(place.out).ended.values()
    assert ended.folder is not None
    assert list((place.out / ended.folder).glob("*/run.json"))
    assert lock.holder(place.lock) is None, "a run goes on"
    refused = place.aforo("run", "plan.yaml", "--out", "out")
    assert refused.returncode == 2
    assert "Pass --resume to go on" in refused.stderr


def test_a_second_plan_is_told_who_measures(place: Place) -> None:
    held = lock.take({"fleet": "other", "cell": "c.1", "user": "ada", "since": "2026-01-01T00:00:00Z"}, place.lock)
    assert held is not None
    refused = place.aforo("run", "plan.yaml", "--out", "out")
    os.close(held)
    assert refused.returncode == 1
    assert "the plan other of ada measures its cell c.1 there since 2026-01-01T00:00:00Z" in refused.stderr
    assert place.jobs() == []
    looked = place.aforo("run", "plan.yaml", "--out", "out", "--dry-run", "--json", "--quiet")
    assert looked.returncode == 0
    (host,) = json.loads(looked.stdout)["hosts"]
    assert (host["host"], host["is_ready"], host["problems"]) == ("here", True, [])
    assert host["answer"]["code_sha256"] == wheel.code_sha256()
