"""Whose turn it is, of several hosts that are one machine."""

from collections import deque
from dataclasses import dataclass
from typing import Any, cast

from profiler.fleet.drive import Machine
from profiler.fleet.host_work import HostWork


@dataclass
class Work:
    name: str
    open: int = 0
    is_over: bool = False


def turns(works: list[Work], count: int) -> list[str | None]:
    machine = Machine(deque(cast("list[HostWork]", works)))
    return [cast("Any", step).name if (step := machine.step()) else None for _ in range(count)]


def test_hosts_take_turns() -> None:
    assert turns([Work("a"), Work("b"), Work("c")], 5) == ["a", "b", "c", "a", "b"]


def test_what_may_be_under_way_comes_first_since_it_has_the_machine() -> None:
    works = [Work("a"), Work("b", open=1), Work("c")]
    machine = Machine(deque(cast("list[HostWork]", works)))
    assert cast("Any", machine.step()).name == "b"
    works[1].open = 0
    assert {cast("Any", machine.step()).name for _ in range(3)} == {"a", "b", "c"}


def test_hosts_that_are_done_leave() -> None:
    assert turns([Work("a", is_over=True), Work("b", is_over=True)], 1) == [None]
