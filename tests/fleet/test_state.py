"""The state of a plan: whole lines only, one controller at a time."""

from pathlib import Path

import pytest

from profiler.errors import RecordError, RunFolderError, UsageError
from profiler.fleet.state import FILE, Begun, Ended, HostGone, Planned, StateFile, is_held, read

PLAN = {"id": "lab", "hosts": [{"name": "a"}], "models": ["m"], "workloads": ["smoke"]}
PLANNED = Planned(at="t0", sha256="s" * 64, version="1", plan=PLAN)
BEGUN = Begun(at="t1", cell="c", host="a", attempt=1, plan="s" * 64)
ENDED = Ended(at="t2", cell="c", host="a", attempt=1, outcome="VALID", lasted_s=3.0, folder="a/c.1")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    with StateFile(tmp_path) as file:
        for event in (PLANNED, BEGUN, ENDED):
            file.write(event)
    assert [type(each) for each in read(tmp_path).events] == [Planned, Begun, Ended]
    assert read(tmp_path).events[1:] == [BEGUN, ENDED]
    assert read(tmp_path).is_valid("c")


def test_a_controller_killed_at_any_byte_leaves_a_state_that_goes_on(tmp_path: Path) -> None:
    with StateFile(tmp_path) as file:
        file.write(PLANNED)
        file.write(BEGUN)
        before = file.path.stat().st_size
        file.write(ENDED)
    whole = (tmp_path / FILE).read_bytes()
    for size in range(before, len(whole)):
        (tmp_path / FILE).write_bytes(whole[:size])
        assert [each.attempt for each in read(tmp_path).open_jobs_of("a")] == [1]
        with StateFile(tmp_path) as file:
            file.write(ENDED)
        assert (tmp_path / FILE).read_bytes() == whole


def test_a_second_controller_is_refused(tmp_path: Path) -> None:
    with StateFile(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(UsageError, match="Another 'aforo fleet' works with"):
            StateFile(tmp_path)
    assert not is_held(tmp_path)
    StateFile(tmp_path).__exit__()


def test_a_thread_that_was_given_up_writes_nowhere(tmp_path: Path) -> None:
    with StateFile(tmp_path) as file:
        file.write(PLANNED)
    with (tmp_path / "next").open("wb") as other:  # has the number that the state had
        with pytest.raises(RecordError, match="Cannot write"):
            file.write(BEGUN)
        assert other.tell() == 0
    assert (tmp_path / "next").read_bytes() == b""
    assert len(read(tmp_path).events) == 1


def test_two_attempts_of_one_number_are_two_jobs() -> None:
    assert BEGUN.job.plan == "s" * 16
    first, second = (Begun(at="t1", cell="c", host="a", attempt=1, plan="s" * 64, token=token) for token in "xy")
    assert first.job != second.job


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"type": "stopped", "at": "t"}\n{"type": "dance"}\n')
    with pytest.raises(RunFolderError, match=r"fleet.jsonl, line 2: "):
        read(tmp_path)
    (tmp_path / FILE).write_text(
        '{"type": "planned", "at": "t", "sha256": "s", "version": "1", "plan": {"id": "lab"}}\n'
    )
    with pytest.raises(RunFolderError, match=r"fleet.jsonl, line 1: .* validation errors"):
        read(tmp_path)


def test_a_host_is_lost_until_it_is_seen_or_the_plan_goes_on(tmp_path: Path) -> None:
    with StateFile(tmp_path) as file:
        file.write(PLANNED)
        file.write(HostGone(at="t", host="a", sentence="It is gone."))
        assert set(file.state.gone) == {"a"}
        file.write(PLANNED)
        assert file.state.gone == {}
