from profiler.timing.pacing import ClosedLoop, Scheduled


def test_a_closed_loop_is_due_while_a_slot_is_free() -> None:
    pace = ClosedLoop(concurrency=2, requests=5, max_duration_ns=1_000)
    assert pace.due_ns() == 0
    pace.sent()
    assert pace.due_ns() == 0
    pace.sent()
    assert pace.due_ns() is None
    pace.finished(elapsed_ns=300)
    assert pace.due_ns() == 300


def test_a_closed_loop_ends_by_count_or_by_time() -> None:
    pace = ClosedLoop(concurrency=1, requests=2, max_duration_ns=1_000)
    for elapsed_ns in (0, 100):
        assert not pace.is_over(elapsed_ns)
        pace.sent()
        pace.finished(elapsed_ns)
    assert pace.is_over(200)
    assert ClosedLoop(concurrency=1, requests=2, max_duration_ns=1_000).is_over(1_000)


def test_slots_are_filled_over_the_ramp() -> None:
    pace = ClosedLoop(concurrency=4, requests=9, max_duration_ns=10_000, ramp_ns=400)
    due = []
    for _ in range(4):
        due.append(pace.due_ns())
        pace.sent()
    assert due == [0, 100, 200, 300]


def test_a_slot_thinks_before_its_next_request() -> None:
    pace = ClosedLoop(concurrency=1, requests=2, max_duration_ns=10_000, think_ns=50)
    pace.sent()
    pace.finished(elapsed_ns=300)
    assert pace.due_ns() == 350


def test_a_schedule_does_not_wait_for_answers() -> None:
    pace = Scheduled([0, 10, 20])
    due = []
    while not pace.is_over(elapsed_ns=10**12):  # however late, none is left out
        due.append(pace.due_ns())
        pace.sent()
    assert due == [0, 10, 20]
