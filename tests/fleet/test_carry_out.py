"""A plan over made-up hosts, from one end to the other: what is begun, what is said, what is kept."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.fake_fleet import FakeTransport, Faults, World

from profiler import __version__
from profiler.errors import (
    HostError,
    HostLostError,
    HostRefusedError,
    InterruptedRunError,
    InvalidRunError,
    UsageError,
)
from profiler.fleet import wheel
from profiler.fleet.around import in_thread
from profiler.fleet.carry_out import Asked, carried_out, collected
from profiler.fleet.cells import grid
from profiler.fleet.estimate import estimate
from profiler.fleet.load import load
from profiler.fleet.schema import Host
from profiler.fleet.state import read
from profiler.fleet.status import FleetStatus
from profiler.fleet.transport import Answer

PLAN = """\
id: lab
hosts: [{name: a}, {name: b}]
models: [synthetic:tiny-1m/Q8_0]
workloads: [smoke]
settings: {threads: [1, 2]}
rounds: 2
limits: {silence_s: 5}
"""


class Notes:
    """What a person is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)

    def host(self, name: str, doing: str, line: str = "") -> None:
        pass

    def count(self, done: int, total: int) -> None:
        pass


class Lab:
    """A plan, its made-up hosts, and where its state is."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        self.world, self.notes = World(), Notes()

    def run(self, text: str = PLAN, environment: Mapping[str, str] | None = None, **asked: Any) -> FleetStatus | None:
        """Carry the plan out; None after looking at the hosts only."""
        path = self.folder / "plan.yaml"
        path.write_text(text)
        cells = grid(load(str(path)))
        around = replace(self.world.around(environment=environment or {}), watch=self.notes)
        came = carried_out(cells, estimate(cells), Asked(self.out, **asked), around)
        return came if isinstance(came, FleetStatus) else None

    def collect(self, text: str = PLAN) -> FleetStatus:
        cells = grid(load(str(self.folder / "plan.yaml")))
        return collected(cells, estimate(cells), self.out, replace(self.world.around(), watch=self.notes))

    def started(self, host: str) -> list[str]:
        """Settings, round and attempt of what was started, in order: 1.r1.1."""
        found = []
        for name in self.world.hosts[host].started:
            parts = name.split(".")
            found.append(".".join([parts[3], parts[4], parts[6]]))
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_every_host_measures_its_cells_in_turn(lab: Lab) -> None:
    done = lab.run()
    assert done is not None
    assert done.states == {"VALID": 8}
    assert done.error() is None
    for host in "ab":
        assert lab.started(host) == ["1.r1.1", "2.r1.1", "1.r2.1", "2.r2.1"]


def test_an_invalid_cell_is_measured_once_more_and_later(lab: Lab) -> None:
    lab.world.faults = Faults(invalid=1.0)
    done = lab.run()
    assert done is not None
    assert lab.started("a") == [f"{t}.r{r}.{n}" for n in (1, 2) for r in (1, 2) for t in (1, 2)]
    assert done.states == {"INVALID": 8}
    assert isinstance(done.error(), InvalidRunError)
    lab.world.faults = Faults()
    again = lab.run(is_resumed=True)
    assert again is not None
    assert again.states == {"VALID": 8}
    assert lab.started("a")[8:] == ["1.r1.3", "2.r1.3", "1.r2.3", "2.r2.3"]


def test_a_lost_host_is_a_result_and_the_rest_goes_on(lab: Lab) -> None:
    connect = lab.world.connect
    lab.world.connect = losing("a", lab)  # type: ignore[method-assign]
    done = lab.run()
    assert done is not None
    assert done.states == {"VALID": 4, "lost": 4}
    assert lab.started("a") == ["1.r1.1"]
    assert done.hosts[0].lost == "a: Nothing came."
    assert any("Its other cells wait for --resume" in text for text in lab.notes.said)
    lab.world.connect = connect  # type: ignore[method-assign]
    again = lab.run(is_resumed=True)
    assert again is not None
    assert again.states == {"VALID": 8}
    assert lab.started("a") == ["1.r1.1", "2.r1.1", "1.r2.1", "2.r2.1"], "what ended meanwhile was taken in"


def test_of_a_host_that_stays_lost_it_is_said_how_that_began(lab: Lab) -> None:
    connect = lab.world.connect
    said = iter(["The node died.", *["No node is called a."] * 99])

    def dying(host: Host) -> FakeTransport:
        transport = connect(host)
        answered = transport.call

        def call(argv: Sequence[str], **more: Any) -> Answer:
            if host.name == "a" and argv[-1] == "wait":
                raise HostLostError(next(said))
            return answered(argv, **more)

        transport.call = call  # type: ignore[method-assign]
        return transport

    lab.world.connect = dying  # type: ignore[method-assign]
    done = lab.run()
    assert done is not None
    assert done.hosts[0].lost == "a: The node died."


def test_what_ended_meanwhile_can_be_collected_without_going_on(lab: Lab) -> None:
    alone = PLAN.replace(", {name: b}", "")
    lab.world.duration_s = lambda: 3000.0
    connect = lab.world.connect
    lab.world.connect = losing("a", lab)  # type: ignore[method-assign]
    lab.run(alone)
    lab.world.connect = connect  # type: ignore[method-assign]
    (key,) = read(lab.out).begun
    still = lab.collect()
    assert still.states == {"lost": 4}
    assert f"a: {key} is still under way there." in lab.notes.said
    lab.world.clock.sleep(3000)
    done = lab.collect()
    assert {each.cell for each in done.cells if each.state == "VALID"} == {key}
    assert lab.started("a") == ["1.r1.1"], "nothing was begun"


def test_collecting_an_invalid_cell_does_not_begin_it_again(lab: Lab) -> None:
    lab.world.faults = Faults(invalid=1.0)
    connect = lab.world.connect
    lab.world.connect = losing("a", lab)  # type: ignore[method-assign]
    lab.run(PLAN.replace(", {name: b}", ""))
    lab.world.connect = connect  # type: ignore[method-assign]
    lab.world.clock.sleep(3600)
    done = lab.collect()
    assert [each.state for each in done.cells if each.attempts] == ["INVALID"]
    assert lab.started("a") == ["1.r1.1"], "nothing was begun"


class Stopped:
    """Somebody presses Ctrl-C while a cell is measured, and the network loses the first calls that ask for its end."""

    def __init__(self, lab: Lab, monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
        self.calls, self.lost = 0, lost
        self.is_waiting, self.may_end = threading.Event(), threading.Event()
        self.is_pressed = False
        self.connect = lab.world.connect
        around = lab.world.around
        monkeypatch.setattr(lab.world, "connect", self.connected)
        monkeypatch.setattr(
            lab.world, "around", lambda **more: replace(around(**more), tick=self.tick, begin=in_thread)
        )

    def tick(self) -> None:
        if self.is_waiting.is_set() and not self.is_pressed:
            self.is_pressed = True
            raise InterruptedRunError(2)

    def connected(self, host: Host) -> FakeTransport:
        transport = self.connect(host)
        answered = transport.call

        def call(argv: Sequence[str], **more: Any) -> Answer:
            if argv[-1] == "wait":
                self.is_waiting.set()
                if not self.may_end.wait(60):
                    raise HostLostError("Nothing came.")
            if argv[-1] == "cancel":
                self.calls += 1
                if self.calls == 4:
                    self.may_end.set()
                if self.calls <= self.lost:
                    raise HostLostError("Nothing came.")
                answer = answered(argv, **more)
                self.may_end.set()
                return answer
            return answered(argv, **more)

        transport.call = call  # type: ignore[method-assign]
        return transport


def test_an_end_that_the_network_loses_is_asked_for_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Stopped(lab, monkeypatch, lost=2)
    with pytest.raises(InterruptedRunError):
        lab.run(PLAN.replace(", {name: b}", ""))
    assert stopped.calls == 3
    ((ended,),) = read(lab.out).ended.values()
    assert ended.outcome == "cancelled"


def test_an_end_that_cannot_be_asked_for_is_said(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Stopped(lab, monkeypatch, lost=4)
    with pytest.raises(InterruptedRunError):
        lab.run(PLAN.replace(", {name: b}", ""))
    assert stopped.calls == 4
    (key,) = read(lab.out).begun
    told = f"a: Nothing came. It could not be asked to end {key}.1, which goes on to its own end"
    assert any(text.startswith(told) for text in lab.notes.said)


def test_the_same_plan_in_another_folder_measures_anew(lab: Lab) -> None:
    lab.world.faults = Faults(failed=1.0)
    lab.run()
    lab.world.faults, lab.out = Faults(), lab.folder / "another"
    done = lab.run()
    assert done is not None
    assert done.states == {"VALID": 8}, "what failed before is not taken for what was measured now"
    assert len(lab.started("a")) == 8


def test_runs_whose_state_was_lost_are_not_taken_for_new_ones(lab: Lab) -> None:
    lab.run()
    (lab.out / "fleet.jsonl").unlink()
    lab.world.faults = Faults(invalid=1.0)
    done = lab.run()
    assert done is not None
    assert done.states == {"INVALID": 8}
    assert lab.started("a")[4:8] == ["1.r1.2", "2.r1.2", "1.r2.2", "2.r2.2"]


def test_what_is_here_stays_where_its_host_has_forgotten_it(lab: Lab) -> None:
    lab.run()
    state = lab.out / "fleet.jsonl"
    whole = state.read_bytes().splitlines(keepends=True)
    kept = [line for line in whole if not line.startswith(b'{"type":"ended"') or b'"host":"b"' in line]
    state.write_bytes(b"".join(kept))  # killed before it wrote down what it had collected
    lab.world.hosts["a"].jobs.clear()
    done = lab.run(is_resumed=True)
    assert done is not None
    assert done.states == {"VALID": 8}
    assert len(lab.started("a")) == 4, "nothing is measured again"


def losing(name: str, lab: Lab) -> Callable[[Host], FakeTransport]:
    """Hosts of which one is gone as soon as somebody waits for it."""
    connect = lab.world.connect

    def connected(host: Host) -> FakeTransport:
        transport = connect(host)
        if host.name == name:
            called = transport.call

            def call(argv: Sequence[str], **more: Any) -> Answer:
                if argv[-1] == "wait":
                    lab.world.gone.add(name)
                return called(argv, **more)

            transport.call = call  # type: ignore[method-assign]
        return transport

    return connected


def test_hosts_that_are_not_ready_are_all_named_and_nothing_is_measured(lab: Lab) -> None:
    lab.run(dry_run=True)
    first, second = lab.world.hosts["a"], lab.world.hosts["b"]
    first.version, first.free_disk_bytes = "0.0.9", 5
    second.model_sha256, second.measuring = "b" * 64, "the plan x of ada measures its cell c there since t"
    with pytest.raises(HostError) as refused:
        lab.run()
    text = str(refused.value)
    assert text.startswith("2 of 2 hosts are not ready:")
    for part in (
        "a: it has Aforo 0.0.9, and this is",
        "a: 0 MiB of disk are free, and the plan wants 1024",
        "b: the plan x of ada measures its cell c there since t",
        "b: the model synthetic:tiny-1m/Q8_0 is another file there (SHA-256 bbbbbbbbbbbb…) than on a (aaaaaaaaaaaa…)",
    ):
        assert part in text
    assert lab.started("a") == lab.started("b") == []
    assert read(lab.out).planned is None


def test_a_model_at_a_url_is_not_looked_for_on_the_host(lab: Lab) -> None:
    text = PLAN.replace("synthetic:tiny-1m/Q8_0", "name-there").replace("settings: {threads: [1, 2]}\n", "")
    done = lab.run(text + "run: {url: 'http://127.0.0.1:9'}\n")
    assert done is not None
    assert done.states == {"VALID": 4}
    assert read(lab.out).hosts["a"].models == {}


def test_hosts_that_are_not_ready_can_be_left_out(lab: Lab) -> None:
    lab.run(dry_run=True)
    lab.world.hosts["a"].version = "0.0.9"
    done = lab.run(ready_only=True)
    assert done is not None
    assert done.states == {"VALID": 4, "lost": 4}
    assert "it has Aforo 0.0.9" in str(done.hosts[0].lost)


def test_two_names_of_one_machine_measure_in_turn(lab: Lab) -> None:
    lab.run(dry_run=True)
    for host in lab.world.hosts.values():
        host.boot_id = "the same"
    done = lab.run()
    assert done is not None
    assert done.states == {"VALID": 8}
    assert "a, b are one machine, under 2 names: they measure in turn." in lab.notes.said
    state = read(lab.out)
    order = [each.host for each in state.events if type(each).__name__ == "Begun"]
    assert order == ["a", "b"] * 4


def test_another_machine_under_a_known_name_is_refused(lab: Lab) -> None:
    lab.run()
    lab.world.hosts["a"].machine_id = "another"
    with pytest.raises(HostError, match="it is another machine than the one that measured under this name"):
        lab.run(is_resumed=True)


def test_another_file_of_a_model_than_the_one_that_was_measured_is_refused(lab: Lab) -> None:
    lab.run()
    for host in lab.world.hosts.values():
        host.model_sha256 = "b" * 64
    with pytest.raises(HostError) as refused:
        lab.run(is_resumed=True)
    told = "is another file (SHA-256 bbbbbbbbbbbb…) than the one that was measured there before (aaaaaaaaaaaa…)"
    assert f"a: the model synthetic:tiny-1m/Q8_0 {told}. Put that one back, or measure anew" in str(refused.value)


def test_a_model_of_which_nothing_is_valid_may_be_replaced(lab: Lab) -> None:
    lab.world.faults = Faults(failed=1.0)
    lab.run()
    lab.world.faults = Faults()
    for host in lab.world.hosts.values():
        host.model_sha256 = "b" * 64
    done = lab.run(is_resumed=True)
    assert done is not None
    assert done.states == {"VALID": 8}


def test_other_code_of_the_same_version_is_told_before_anything_is_measured(lab: Lab) -> None:
    lab.run(dry_run=True)
    lab.world.hosts["a"].code_sha256, lab.world.hosts["b"].code_sha256 = "0" * 64, wheel.code_sha256()
    lab.run(dry_run=True)
    (told,) = lab.notes.said
    assert told.startswith(f"a: it has Aforo {__version__} as this is, but other code: its numbers may be of another")


def test_a_plan_that_was_begun_goes_on_only_when_told_to(lab: Lab) -> None:
    lab.run()
    with pytest.raises(UsageError, match=r"with 8 VALID cells\. Pass --resume to go on"):
        lab.run()
    done = lab.run(is_resumed=True)
    assert done is not None
    assert len(lab.started("a")) == 4, "nothing VALID is repeated"


def test_a_plan_that_was_edited_says_what_changed_and_which_cells_stay(lab: Lab) -> None:
    lab.run()
    edited = PLAN.replace("threads: [1, 2]", "threads: [2, 4]").replace("{name: b}", "{name: c}")
    done = lab.run(edited, is_resumed=True)
    assert done is not None
    (sentence,) = [text for text in lab.notes.said if text.startswith("The plan has changed")]
    assert "hosts.c is new" in sentence
    assert "hosts.b is gone" in sentence
    assert "settings.threads: 4 is new" in sentence
    # Of a, threads=2 stays in both rounds; the two of threads=1 on a and the four of b are in it no longer.
    assert sentence.endswith(
        "Of its 8 cells 2 stay as they were measured, 6 VALID ones are in it no longer (their runs are kept)."
    )
    assert done.states == {"VALID": 8}
    assert lab.started("a")[4:] == ["4.r1.1", "4.r2.1"]


def test_what_is_under_way_on_a_host_that_left_the_plan_is_told_of(lab: Lab) -> None:
    connect = lab.world.connect
    lab.world.connect = losing("a", lab)  # type: ignore[method-assign]
    lab.run()
    lab.world.connect = connect  # type: ignore[method-assign]
    lab.run(PLAN.replace("{name: a}, ", ""), is_resumed=True)
    told = "a: the plan names it no longer, and 1 cell may be under way or over there."
    assert any(text.startswith(told) for text in lab.notes.said)
    lab.notes.said.clear()
    lab.collect()
    assert any(text.startswith(told) for text in lab.notes.said)


def test_another_plan_does_not_go_on_with_a_state(lab: Lab) -> None:
    lab.run()
    with pytest.raises(UsageError, match="holds the state of the plan lab, and this one is other"):
        lab.run(PLAN.replace("id: lab", "id: other"), is_resumed=True)


def test_a_cell_that_takes_too_long_is_ended_and_said(lab: Lab) -> None:
    lab.world.duration_s = lambda: 500.0
    done = lab.run(PLAN.replace("silence_s: 5", "silence_s: 5, cell_s: 100"))
    assert done is not None
    assert done.states == {"over limit": 8}
    assert done.cells[0].sentence == "It was ended after 100 s, the limit of a cell."


def test_the_money_is_not_exceeded(lab: Lab) -> None:
    # A cell takes 100 s at 36/h: 1 each. It may take 120 s at the longest, so the first is begun below 5 − 1.2.
    lab.world.duration_s = lambda: 100.0
    text = PLAN.replace("{name: a}, {name: b}", "{name: a, price: 36}").replace("rounds: 2", "rounds: 5")
    done = lab.run(text.replace("silence_s: 5", "silence_s: 5, money: 5"))
    assert done is not None
    assert done.states == {"VALID": 5, "not begun": 5}
    assert done.hosts[0].cost == pytest.approx(5.0)
    assert "limits.money" in done.cells[-1].sentence


def test_variables_go_to_the_host_and_nowhere_else(lab: Lab) -> None:
    text = PLAN.replace("{name: a}", "{name: a, environment: [LAB_TOKEN]}")
    with pytest.raises(HostRefusedError, match="a: its 'environment' names LAB_TOKEN, which is not set here"):
        lab.run(text)
    lab.run(text, {"LAB_TOKEN": "kept-out", "OTHER": "x"})
    assert lab.world.hosts["a"].environments == [{"LAB_TOKEN": "kept-out"}] * 4
    assert lab.world.hosts["b"].environments == [{}] * 4
    assert "kept-out" not in (lab.out / "fleet.jsonl").read_text()


def test_a_machine_that_somebody_took_meanwhile_is_left_to_them(lab: Lab) -> None:
    lab.run(dry_run=True)
    connect = lab.world.connect

    def taking(host: Any) -> Any:
        transport = connect(host)
        answer = transport._answer

        def taken(verb: str, *more: Any) -> Any:
            if verb == "start" and host.name == "b":
                lab.world.hosts["b"].measuring = "the plan x of ada measures there"
            return answer(verb, *more)

        transport._answer = taken
        return transport

    lab.world.connect = taking  # type: ignore[method-assign]
    done = lab.run()
    assert done is not None
    assert done.states == {"VALID": 4, "lost": 4}
    assert "The machine is taken: the plan x of ada measures there." in str(done.hosts[1].lost)
