"""Work that is shared out among processes: results in the order of the work, whatever becomes of the processes."""

import os
import signal
import sys

import pytest

from profiler import shared_work
from profiler.shared_work import in_order

HERE = os.getpid()
needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="work is shared on Linux only")


@pytest.fixture(autouse=True)
def three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_work, "_processes", lambda: 3)
    monkeypatch.setattr(shared_work, "_FEWEST_PARTS", 16)


def test_few_parts_are_done_here() -> None:
    assert list(in_order(lambda number: (number, os.getpid()), range(15))) == [(n, HERE) for n in range(15)]


@needs_fork
def test_results_come_in_the_order_of_the_parts_from_processes_in_turn() -> None:
    found = list(in_order(lambda number: (number, os.getpid()), range(20)))
    pids = [pid for _, pid in found]
    assert [number for number, _ in found] == list(range(20))
    assert pids == (pids[:3] * 7)[:20]
    assert len({*pids, HERE}) == 4


@needs_fork
def test_what_a_process_does_not_finish_is_done_here() -> None:
    def work(number: int) -> int:
        if number == 4 and os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    assert list(in_order(work, range(20))) == [number * number for number in range(20)]


@needs_fork
def test_an_error_is_raised_as_if_there_were_no_processes() -> None:
    def work(number: int) -> int:
        return 10 // (17 - number)

    with pytest.raises(ZeroDivisionError):
        list(in_order(work, range(20)))


@needs_fork
def test_a_system_that_waits_for_children_itself_is_no_error() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert list(in_order(lambda number: number, range(20))) == list(range(20))
    finally:
        signal.signal(signal.SIGCHLD, before)


@needs_fork
def test_processes_end_with_whoever_stops_listening() -> None:
    results = in_order(lambda _: os.getpid(), range(20))
    pid = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
