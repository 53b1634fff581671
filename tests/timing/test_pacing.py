"""Load shapes by hand, and what must hold for every one of them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.timing.pacing import ClosedLoop, Pace, Scheduled, Share

NEVER_NS = 10**15


def carry_out(pace: Pace, answer_ns: Callable[[int], int]) -> list[tuple[int, int]]:
    """Send every request on time to a server that takes so long for each; return (sent, position) in order."""
    sent: list[tuple[int, int]] = []
    in_flight: list[tuple[int, int]] = []  # (ends, position)
    now_ns = 0
    while not pace.is_over(now_ns) or in_flight:
        due_ns = None if pace.is_over(now_ns) else pace.due_ns()
        if in_flight and (due_ns is None or min(in_flight)[0] <= due_ns):
            now_ns, position = min(in_flight)
            in_flight.remove((now_ns, position))
            pace.finished(now_ns, position)
        else:
            assert due_ns is not None, "nothing in flight, nothing due, and yet not over"
            now_ns = max(now_ns, due_ns)
            position = pace.take()
            sent.append((now_ns, position))
            in_flight.append((now_ns + answer_ns(position), position))
    return sent


def test_a_closed_loop_is_due_while_a_slot_is_free() -> None:
    pace = ClosedLoop(concurrency=2, requests=5, max_duration_ns=1_000)
    assert pace.due_ns() == 0
    assert pace.take() == 0
    assert pace.due_ns() == 0
    assert pace.take() == 1
    assert pace.due_ns() is None
    pace.finished(elapsed_ns=300, position=1)
    assert pace.due_ns() == 300
    assert pace.take() == 2


def test_a_closed_loop_ends_by_count_or_by_time() -> None:
    pace = ClosedLoop(concurrency=1, requests=2, max_duration_ns=1_000)
    for elapsed_ns in (0, 100):
        assert not pace.is_over(elapsed_ns)
        pace.finished(elapsed_ns, pace.take())
    assert pace.is_over(200)
    assert ClosedLoop(concurrency=1, requests=2, max_duration_ns=1_000).is_over(1_000)


def test_slots_are_filled_over_the_ramp() -> None:
    pace = ClosedLoop(concurrency=4, requests=9, max_duration_ns=10_000, ramp_ns=400)
    due = []
    for _ in range(4):
        due.append(pace.due_ns())
        pace.take()
    assert due == [0, 100, 200, 300]


def test_a_slot_thinks_before_its_next_request() -> None:
    pace = ClosedLoop(concurrency=1, requests=2, max_duration_ns=10_000, think_ns=50)
    pace.finished(300, pace.take())
    assert pace.due_ns() == 350


def test_a_slot_stays_with_its_conversation() -> None:
    # Conversations are 0-1, 2-3 and 4 alone. Slots begin 0 and 2; the one with 2 is quicker and takes the third, too.
    pace = ClosedLoop(concurrency=2, requests=5, max_duration_ns=10_000, think_ns=10, turns=2)
    assert (pace.take(), pace.take()) == (0, 2)
    pace.finished(100, 2)
    assert (pace.due_ns(), pace.take()) == (110, 3)
    pace.finished(200, 3)
    assert (pace.due_ns(), pace.take()) == (210, 4)
    pace.finished(300, 4)
    assert pace.due_ns() is None
    pace.finished(1_000, 0)
    assert not pace.is_over(1_000)
    assert (pace.due_ns(), pace.take()) == (1_010, 1)
    assert pace.is_over(1_010)


def test_a_schedule_does_not_wait_for_answers() -> None:
    pace = Scheduled([0, 10, 20], requests=3)
    due = []
    while not pace.is_over(elapsed_ns=10**12):  # however late, none is left out
        due.append((pace.due_ns(), pace.take()))
    assert due == [(0, 0), (10, 1), (20, 2)]


def test_only_first_turns_are_on_a_schedule() -> None:
    # Conversations 0-1-2 and 3-4-5 begin at 0 and 100. Thinking takes 30.
    pace = Scheduled([0, 100], requests=6, think_ns=30, turns=3)
    assert (pace.due_ns(), pace.take()) == (0, 0)
    assert pace.due_ns() == 100
    pace.finished(50, 0)
    assert (pace.due_ns(), pace.take()) == (80, 1)
    assert (pace.due_ns(), pace.take()) == (100, 3)
    assert pace.due_ns() is None
    pace.finished(200, 3)
    pace.finished(210, 1)
    assert (pace.due_ns(), pace.take()) == (230, 4)
    assert (pace.due_ns(), pace.take()) == (240, 2)
    pace.finished(300, 2)
    assert pace.due_ns() is None
    assert not pace.is_over(10**12)
    pace.finished(400, 4)
    assert (pace.due_ns(), pace.take()) == (430, 5)
    assert pace.is_over(430)


def test_two_workers_keep_the_places_of_all_slots() -> None:
    # Four slots begin 100 ns apart; the first worker has slots 0 and 2, the second 1 and 3.
    for worker, places in ((0, [(0, 0), (200, 2)]), (1, [(100, 1), (300, 3)])):
        pace = ClosedLoop(4, 8, NEVER_NS, ramp_ns=400, share=Share(worker, 2))
        assert [(pace.due_ns(), pace.take()) for _ in range(2)] == places
        assert pace.due_ns() is None


def test_a_worker_without_a_slot_is_done_at_once() -> None:
    assert ClosedLoop(1, 8, NEVER_NS, share=Share(1, 2)).is_over(0)
    assert Scheduled([], 1, share=Share(1, 2)).is_over(0)


@pytest.mark.parametrize("pace", [ClosedLoop(3, 0, NEVER_NS), Scheduled([], 0)])
def test_no_requests_are_over_before_they_begin(pace: Pace) -> None:
    assert pace.is_over(0)
    assert pace.due_ns() is None


SHAPES = {
    "workers": st.integers(1, 4),
    "requests": st.integers(1, 40),
    "turns": st.integers(1, 5),
    "think_ns": st.integers(0, 20),
    "answers_ns": st.lists(st.integers(1, 60), min_size=40, max_size=40),
}


@given(concurrency=st.integers(1, 6), ramp_ns=st.integers(0, 100), **SHAPES)
def test_every_closed_loop_sends_each_request_once_and_keeps_to_its_slots(
    concurrency: int, ramp_ns: int, workers: int, requests: int, turns: int, think_ns: int, answers_ns: list[int]
) -> None:
    shares = [
        carry_out(
            ClosedLoop(concurrency, requests, NEVER_NS, think_ns, ramp_ns, turns, Share(worker, workers)),
            answers_ns.__getitem__,
        )
        for worker in range(workers)
    ]
    everything = [event for share in shares for event in share]
    assert sorted(position for _, position in everything) == list(range(requests))
    assert_turns_in_order(shares, turns, think_ns, answers_ns)
    edges = sorted([(t, 1) for t, _ in everything] + [(t + answers_ns[p], -1) for t, p in everything])
    in_flight = 0
    for _, change in edges:
        in_flight += change
        assert in_flight <= concurrency


@given(gap_ns=st.integers(0, 50), **SHAPES)
def test_every_schedule_sends_each_request_once_and_first_turns_on_time(
    gap_ns: int, workers: int, requests: int, turns: int, think_ns: int, answers_ns: list[int]
) -> None:
    due_ns = [number * gap_ns for number in range(-(-requests // turns))]
    shares = [
        carry_out(
            Scheduled(due_ns[worker::workers], requests, think_ns, turns, Share(worker, workers)),
            answers_ns.__getitem__,
        )
        for worker in range(workers)
    ]
    sent_ns = {position: t for share in shares for t, position in share}
    assert sorted(sent_ns) == list(range(requests))
    assert [sent_ns[position] for position in range(0, requests, turns)] == due_ns
    assert_turns_in_order(shares, turns, think_ns, answers_ns)


def assert_turns_in_order(
    shares: list[list[tuple[int, int]]], turns: int, think_ns: int, answers_ns: list[int]
) -> None:
    """Conversations stay whole on one worker, each turn after the end of the one before it and a thought."""
    for share in shares:
        sent_ns = {position: t for t, position in share}
        for position, t in sent_ns.items():
            if position % turns:
                before = position - 1
                assert t >= sent_ns[before] + answers_ns[before] + think_ns


def test_a_closed_loop_skips_what_was_not_begun() -> None:
    pace = ClosedLoop(2, 20, NEVER_NS)
    assert (pace.take(), pace.take()) == (0, 1)
    pace.skip_to(10)
    pace.finished(5, 0)
    assert pace.take() == 10
    pace.skip_to(3)  # never back
    pace.finished(6, 1)
    assert pace.take() == 11


def test_a_skip_leaves_a_conversation_whole() -> None:
    pace = ClosedLoop(1, 9, NEVER_NS, turns=3)
    assert pace.take() == 0
    pace.skip_to(6)
    taken = []
    for _ in range(5):
        pace.finished(1, taken[-1] if taken else 0)
        taken.append(pace.take())
    assert taken == [1, 2, 6, 7, 8]
    assert pace.is_over(1)


def test_a_skip_beyond_the_end_is_the_end() -> None:
    pace = ClosedLoop(2, 4, NEVER_NS)
    pace.take()
    pace.skip_to(4)
    assert pace.due_ns() is None
    assert pace.is_over(0)


def test_a_skip_keeps_a_schedule_without_a_gap() -> None:
    # Gaps 10, 20, 30, 40: after the first one, the fourth arrival comes when the second was due; then its own gap.
    pace = Scheduled([0, 10, 30, 60, 100], 5)
    pace.take()
    pace.skip_to(3)
    assert (pace.due_ns(), pace.take()) == (10, 3)
    assert (pace.due_ns(), pace.take()) == (50, 4)
    assert pace.is_over(50)


@given(worker=st.integers(0, 3), workers=st.integers(1, 4), concurrency=st.integers(1, 5), skip=st.integers(0, 40))
def test_each_worker_skips_to_a_request_of_its_own(worker: int, workers: int, concurrency: int, skip: int) -> None:
    if worker >= workers:
        return
    pace = ClosedLoop(concurrency, 40, NEVER_NS, share=Share(worker, workers))
    pace.skip_to(skip)
    own = [number for number in range(skip, 40) if number % concurrency % workers == worker]
    taken = []
    while not pace.is_over(0):
        taken.append(pace.take())
        pace.finished(0, taken[-1])
    assert taken == own
