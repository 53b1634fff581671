"""What went wrong, counted by kind, in the server's own text."""

from support.builders import request

from profiler.aggregation.failures import Failures
from profiler.results.records import Outcome, RequestRecord


def failed(detail: str | None, outcome: Outcome = Outcome.HTTP_ERROR, status: int | None = 400) -> RequestRecord:
    record = request(outcome=outcome)
    record.detail, record.http_status = detail, status
    return record


def test_the_commonest_failure_comes_first_whatever_numbers_and_ids_it_names() -> None:
    counted = Failures()
    for number in range(3):
        counted.take(
            failed(
                f'HTTP 429: {{"error":{{"message":"retry in {number} s, request 9f8e7d6c5b4{number}"}}}}', status=429
            )
        )
    counted.take(failed("the connection was closed", Outcome.RESET, None))
    counted.take(failed(None, Outcome.TIMEOUT, 200))
    first, *others = counted.commonest()
    assert (first.count, first.http_status, first.text) == (3, 429, "HTTP 429: retry in 0 s, request 9f8e7d6c5b40")
    assert {(one.outcome, one.count, one.text) for one in others} == {
        ("reset", 1, "the connection was closed"),
        ("timeout", 1, ""),
    }


def test_a_stream_that_had_begun_is_the_same_failure_as_one_that_had_not() -> None:
    counted = Failures()
    counted.take(failed("closed", Outcome.RESET, 200))
    counted.take(failed("closed", Outcome.RESET, None))
    assert [(one.count, one.http_status) for one in counted.commonest()] == [(2, None)]


def test_repeats_are_added_up() -> None:
    first, second = Failures(), Failures()
    first.take(failed("a"))
    for text in ("b", "a", "b", "b"):
        second.take(failed(text))
    assert [(one.text, one.count) for one in (first + second).commonest()] == [("b", 3), ("a", 2)]


def test_memory_is_bounded_however_many_kinds_there_are() -> None:
    counted = Failures()
    for number in range(5_000):
        counted.take(failed("x" * (number % 150) + "y" * (number // 150)))
    assert sum(one.count for one in counted.commonest()) <= 5_000
    assert len(counted._counts) <= 101  # a hundred, and one for the others
