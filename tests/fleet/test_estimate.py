"""Time and money at the longest, worked by hand."""

from pathlib import Path

import pytest
from support.fake_fleet import FakeClock

from profiler.errors import FleetError
from profiler.fleet.budget import Budget
from profiler.fleet.cells import Cell, Grid, grid
from profiler.fleet.estimate import estimate
from profiler.fleet.load import load
from profiler.fleet.state import Begun, Ended, Outcome, State

PLAN = """\
id: lab
hosts: [{{name: a, price: 2.0}}, {{name: b, price: 1.0}}, {{name: c, price: 1.0}}]
models: [synthetic:tiny-1m/Q8_0]
workloads: [smoke]
rounds: 2
limits: {{{limits}}}
"""


def made(folder: Path, limits: str = "cell_s: 3600") -> Grid:
    path = folder / "plan.yaml"
    path.write_text(PLAN.format(limits=limits))
    return grid(load(str(path)))


def test_a_cell_takes_its_repeats_and_a_warm_up_and_what_is_around_them(tmp_path: Path) -> None:
    # smoke: one repeat of 30 s and a warm-up of 30 s, and 60 s around them: 120 s; two rounds: 240 s.
    found = estimate(made(tmp_path))
    assert [each.at_most_s for each in found.hosts] == [240, 240, 240]
    assert found.at_most_s == 240  # all at once
    assert [each.at_most_money for each in found.hosts] == pytest.approx([2 * 240 / 3600, 240 / 3600, 240 / 3600])
    assert found.at_most_money == {"USD": pytest.approx(4 * 240 / 3600)}


def test_hosts_that_measure_one_at_a_time_take_the_sum(tmp_path: Path) -> None:
    assert estimate(made(tmp_path, "hosts_at_once: 1")).at_most_s == 720
    assert estimate(made(tmp_path, "hosts_at_once: 2")).at_most_s == 480  # two together, then the third


def test_no_cell_takes_longer_than_its_limit(tmp_path: Path) -> None:
    assert estimate(made(tmp_path, "cell_s: 50")).hosts[0].at_most_s == 100


def test_an_instance_that_is_not_listed_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.format(limits="cell_s: 60").replace("price: 2.0", "instance: z99.huge"))
    with pytest.raises(FleetError, match=r"plan.yaml:2: .*z99.huge"):
        estimate(grid(load(str(path))))


def budget(cells: Grid, clock: FakeClock, state: State | None = None) -> Budget:
    return Budget(cells.fleet.plan.limits, estimate(cells), cells.cells, state or State(), clock)


def ended(cell: Cell, held_s: float, outcome: Outcome = "VALID") -> Ended:
    return Ended(at="", cell=cell.key, host=cell.host, attempt=1, outcome=outcome, held_s=held_s)


def test_a_cell_that_would_cost_too_much_is_not_begun(tmp_path: Path) -> None:
    # A cell of a costs at most 2 USD/h × 120 s = 0.0667; one of b half of that.
    cells, clock = made(tmp_path, "money: 0.1"), FakeClock()
    limit = budget(cells, clock)
    (first, second), (other, _) = cells.of_host["a"], cells.of_host["b"]
    assert limit.refusal(first) is None
    assert limit.refusal(other) is None  # 0.0667 + 0.0333 = 0.1
    assert "limits.money" in str(limit.refusal(cells.of_host["c"][0]))
    clock.sleep(30)  # a has cost 0.0167, and so is expected to cost again
    limit.end(ended(first, 30))
    assert limit.refusal(second) is None
    clock.sleep(3600)
    limit.settle("a")  # lost
    assert "are spent or under way, and the limit is 0.1" in str(limit.refusal(first))


def test_what_earlier_calls_have_spent_counts(tmp_path: Path) -> None:
    cells = made(tmp_path, "money: 0.1")
    key = cells.of_host["a"][0].key
    begun = Begun(at="", cell=key, host="a", attempt=1, plan="p")
    ended = Ended(at="", cell=key, host="a", attempt=1, outcome="VALID", held_s=170)  # 0.0944 USD
    limit = budget(cells, FakeClock(), State([begun, ended]))
    assert limit.refusal(cells.of_host["b"][0]) is not None


def test_what_is_taken_in_counts_too(tmp_path: Path) -> None:
    cells = made(tmp_path, "money: 0.1")
    limit = budget(cells, FakeClock())
    limit.end(ended(cells.of_host["a"][0], 170))  # begun by an earlier call; 0.0944 USD
    assert limit.refusal(cells.of_host["b"][0]) is not None


def test_a_cell_that_failed_at_once_does_not_tell_how_long_one_takes(tmp_path: Path) -> None:
    cells, clock = made(tmp_path, "money: 0.1"), FakeClock()
    limit = budget(cells, clock)
    first, second = cells.of_host["a"]
    assert limit.refusal(first) is None
    clock.sleep(72)
    limit.end(ended(first, 72, "failed"))  # 0.04 USD; another one may still cost 0.0667
    assert "it may cost 0.06667" in str(limit.refusal(second))


def test_a_cell_that_would_outlast_the_whole_is_not_begun(tmp_path: Path) -> None:
    cells, clock = made(tmp_path, "total_s: 200"), FakeClock()
    limit = budget(cells, clock)
    first, second = cells.of_host["a"]
    assert limit.refusal(first) is None
    clock.sleep(110)
    limit.end(ended(first, 110))
    assert "limits.total_s" in str(limit.refusal(second))  # 110 s are over, and it may take as long again
    other = budget(cells, FakeClock())
    assert other.refusal(first) is None
