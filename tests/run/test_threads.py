"""How many threads a model server gets by default."""

from pathlib import Path

import pytest

from profiler.hosts.fast_cores import fast_cores
from profiler.hosts.tree import Tree
from profiler.results.host_facts import LimitFacts
from profiler.run import plan
from profiler.run.options import Options


@pytest.mark.parametrize(("quota_cores", "threads"), [(None, 8), (3.5, 3), (0.5, 1), (64.0, 8)])
def test_no_more_than_a_containers_quota(
    quota_cores: float | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profiler.run.plan.usable_cpus", lambda: None)
    monkeypatch.setattr("profiler.run.plan.room_for_server", lambda *_: None)
    monkeypatch.setattr("profiler.run.plan.usable_cpu_count", lambda: 16)
    monkeypatch.setattr("profiler.run.plan.psutil.cpu_count", lambda logical: 8)
    monkeypatch.setattr("profiler.run.plan.limits", lambda _: LimitFacts(cpu_limit_cores=quota_cores))

    assert plan._threads(Options()) == threads
    assert plan._threads(Options(threads=16)) == 16  # what is asked for is done


def write(root: Path, path: str, text: object) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(f"{text}\n")


def machine(root: Path, siblings: list[str], capacities: list[int] | None = None) -> Tree:
    """A machine whose processors share cores as these lists say."""
    for cpu, text in enumerate(siblings):
        write(root, f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", text)
    for cpu, capacity in enumerate(capacities or []):
        write(root, f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity", capacity)
    return Tree(root)


@pytest.mark.parametrize(("usable", "cores"), [({0, 4}, 1), ({0, 1}, 2), ({0, 4, 1}, 2), (range(8), 4)])
def test_siblings_are_one_core(tmp_path: Path, usable: set[int], cores: int) -> None:
    # four cores, whose second threads are processors 4 to 7
    tree = machine(tmp_path, [f"{cpu % 4},{cpu % 4 + 4}" for cpu in range(8)])
    assert fast_cores(usable, tree) == cores


@pytest.mark.parametrize(("usable", "cores"), [(range(20), 6), ({0, 1, 12, 13}, 1), ({12, 13, 14}, 3)])
def test_efficiency_cores_are_left_out_unless_there_are_no_others(tmp_path: Path, usable: set[int], cores: int) -> None:
    # six P cores of two threads each, eight E cores, as on a Core i7-12700H
    pairs = [f"{cpu // 2 * 2}-{cpu // 2 * 2 + 1}" for cpu in range(12)]
    tree = machine(tmp_path, [*pairs, *map(str, range(12, 20))])
    write(tmp_path, "sys/devices/cpu_core/cpus", "0-11")
    write(tmp_path, "sys/devices/cpu_atom/cpus", "12-19")
    assert fast_cores(usable, tree) == cores


@pytest.mark.parametrize(("usable", "cores"), [(range(8), 4), ({0, 1, 4}, 1), ({0, 1}, 2)])
def test_little_cores_are_left_out_too(tmp_path: Path, usable: set[int], cores: int) -> None:
    # four little cores and four big ones, as on an RK3588
    tree = machine(tmp_path, list(map(str, range(8))), [530] * 4 + [1024] * 4)
    assert fast_cores(usable, tree) == cores


def test_where_the_kernel_does_not_say_nothing_is_known(tmp_path: Path) -> None:
    assert fast_cores({0, 1}, Tree(tmp_path)) is None
    assert fast_cores({0, 9}, machine(tmp_path, ["0", "1"])) is None


def test_where_siblings_are_not_known_the_share_of_all_processors_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of a machine with two to a core: one core's worth."""
    monkeypatch.setattr("profiler.run.plan.fast_cores", lambda *_: None)
    monkeypatch.setattr("profiler.run.plan.usable_cpus", lambda: frozenset({0, 8}))
    monkeypatch.setattr("profiler.run.plan.usable_cpu_count", lambda: 2)
    monkeypatch.setattr("profiler.run.plan.psutil.cpu_count", lambda logical: 16 if logical else 8)
    monkeypatch.setattr("profiler.run.plan.limits", lambda _: LimitFacts())
    assert plan._threads(Options()) == 1
