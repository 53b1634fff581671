"""A fleet of a thousand cells, hosts that misbehave, a controller that is killed: nothing is lost or repeated."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_fleet import Faults, Killed, World, plan_text

from profiler.errors import AforoError
from profiler.fleet.carry_out import Asked, carried_out
from profiler.fleet.cells import Grid, grid
from profiler.fleet.collecting import run_in
from profiler.fleet.estimate import estimate
from profiler.fleet.load import load
from profiler.fleet.state import read
from profiler.fleet.status import status_of

MOST_CALLS = 60
MOST_LOOKED_AT = 100  # cells of a fleet that is checked after every call
CHANCE = st.sampled_from([0.0, 0.002, 0.02, 0.1])


def faults_of(draw_from: st.SearchStrategy[float] = CHANCE) -> st.SearchStrategy[Faults]:
    names = Faults.__dataclass_fields__
    return st.builds(Faults, **dict.fromkeys(names, draw_from))


def made(folder: Path, text: str) -> Grid:
    path = folder / "plan.yaml"
    path.write_text(text)
    return grid(load(str(path)))


def carry_to_end(world: World, cells: Grid, out: Path) -> None:
    """Call it again and again, as a patient user does; the last calls meet no faults."""
    found = estimate(cells)
    for number in range(MOST_CALLS):
        if number == MOST_CALLS - 3:
            world.faults = Faults()
        asked = Asked(out, is_resumed=True, ready_only=True)
        try:
            done = carried_out(cells, found, asked, world.around())
        except (Killed, AforoError):
            done = None
        if len(cells.cells) <= MOST_LOOKED_AT or done is not None:
            check(world, cells, out)
        if done is not None and done.error() is None:
            return
    pytest.fail(f"not all is VALID after {MOST_CALLS} calls: {status_of(out).sentence}")


def check(world: World, cells: Grid, out: Path) -> None:
    """What holds at any moment."""
    state = read(out)
    for host in world.hosts.values():
        valid: set[str] = set()
        for name in host.started:
            job = host.jobs[name]
            assert job.cell not in valid, f"{job.cell} was VALID and is measured again"
            if job.outcome == "VALID" and not job.has_vanished:
                valid.add(job.cell)
        known = {begun.job.name for several in state.begun.values() for begun in several if begun.host == host.name}
        assert set(host.started) <= known, "a job runs that the state knows nothing of"
    for several in state.ended.values():
        for ended in several:
            if ended.outcome in {"VALID", "INVALID"}:
                assert ended.folder is not None
                assert run_in(out / ended.folder) is not None, "what was measured is not there"


def check_all_is_here(world: World, cells: Grid, out: Path) -> None:
    state = read(out)
    assert all(map(state.is_valid, cells.cells))
    for host in world.hosts.values():
        kept = {Path(e.folder).name for several in state.ended.values() for e in several if e.folder}
        assert {name for name, job in host.jobs.items() if job.outcome in {"VALID", "INVALID"}} <= kept
    assert list(out.glob("*/.*")) == []


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), faults=faults_of(), hosts=st.integers(1, 5), rounds=st.integers(1, 3))
def test_small_fleets_lose_nothing_and_repeat_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, faults: Faults, hosts: int, rounds: int
) -> None:
    run(tmp_path_factory, World(seed, faults), plan_text(hosts, 2, rounds))


@settings(max_examples=2)
@given(seed=st.integers(0, 2**32), faults=faults_of(st.sampled_from([0.001, 0.01])))
def test_a_thousand_cells_lose_nothing_and_repeat_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, faults: Faults
) -> None:
    run(tmp_path_factory, World(seed, faults), plan_text(50, 4, 5))


def run(factory: pytest.TempPathFactory, world: World, text: str) -> None:
    folder = factory.mktemp("fleet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)  # a kill of the process loses nothing that was written
        world.die_within_lines(patch)
        cells = made(folder, text)
        carry_to_end(world, cells, folder / "out")
        check_all_is_here(world, cells, folder / "out")
