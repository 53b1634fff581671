from profiler.timing.pacing import ClosedLoop


def test_a_closed_loop_is_due_while_a_slot_is_free() -> None:
    pace = ClosedLoop(concurrency=2, requests=5, max_duration_ns=1_000)
    assert pace.due_ns(elapsed_ns=10, sent=0, in_flight=0) == 10
    assert pace.due_ns(elapsed_ns=10, sent=1, in_flight=1) == 10
    assert pace.due_ns(elapsed_ns=10, sent=2, in_flight=2) is None


def test_a_closed_loop_ends_by_count_or_by_time() -> None:
    pace = ClosedLoop(concurrency=2, requests=5, max_duration_ns=1_000)
    assert not pace.is_over(elapsed_ns=999, sent=4)
    assert pace.is_over(elapsed_ns=0, sent=5)
    assert pace.is_over(elapsed_ns=1_000, sent=0)
