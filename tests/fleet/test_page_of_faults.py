"""Whatever hosts and controller did, the page of a fleet says what its state says, and leads to what is there."""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_fleet import Faults, Killed, World, plan_text

from profiler.errors import AforoError
from profiler.fleet import ending
from profiler.fleet.carry_out import Asked, carried_out
from profiler.fleet.cells import grid
from profiler.fleet.estimate import estimate
from profiler.fleet.load import load
from profiler.fleet.state import read
from profiler.fleet.status import status_of

CHANCE = st.sampled_from([0.0, 0.02, 0.2])


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32),
    faults=st.builds(Faults, **dict.fromkeys(Faults.__dataclass_fields__, CHANCE)),
    calls=st.integers(1, 3),
)
def test_the_page_says_what_the_state_says(
    tmp_path_factory: pytest.TempPathFactory, seed: int, faults: Faults, calls: int
) -> None:
    folder = tmp_path_factory.mktemp("fleet")
    carry_out(folder, World(seed, faults), calls)
    out = folder / "out"
    if read(out).planned is None:
        return  # no host was ready, so nothing was begun
    page, status = ending.write_page(out), status_of(out)
    assert Counter(each.status.replace(" with warnings", "") for each in page.cells) == Counter(status.states)
    assert sum(host.held_s for host in page.hosts) == pytest.approx(sum(host.held_s for host in status.hosts))
    attempts = [attempt for cell in page.cells for attempt in cell.attempts]
    assert len(attempts) == sum(map(len, read(out).begun.values()))
    assert all((out / attempt.report).parent.is_dir() for attempt in attempts if attempt.report)
    assert (out / ending.PAGE).read_text("utf-8").count("<rect ") == len(attempts)


def carry_out(folder: Path, world: World, calls: int) -> None:
    """Carry a plan of three hosts out, called so many times."""
    path = folder / "plan.yaml"
    path.write_text(plan_text(3, 2, 2))
    cells = grid(load(str(path)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        world.die_within_lines(patch)
        for _ in range(calls):
            with suppress(Killed, AforoError):
                carried_out(
                    cells, estimate(cells), Asked(folder / "out", is_resumed=True, ready_only=True), world.around()
                )
