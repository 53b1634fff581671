"""Gaps that the load itself explains, and those that it does not."""

import pytest
from support.builders import observed, request

from profiler.aggregation import pauses
from profiler.aggregation.pauses import NotedPauses, Pauses
from profiler.aggregation.reads import Reads
from profiler.metrics.trust import pause_time_ratio
from profiler.results.records import RequestRecord

# Tokens every 10 ms, and between the third and the fourth 500 ms in which nothing came: a gap from 30 to 530 ms.
HALTED = (10.0, 20.0, 30.0, 530.0, 540.0, 550.0)


def halted(index: int = 0, sent_ms: float = 0) -> RequestRecord:
    return request(index, sent_ms=sent_ms, arrivals_ms=HALTED)


def waited(from_ms: float, to_ms: float, index: int = 1) -> RequestRecord:
    """A request that got its first token after a while, and five more right behind it."""
    first_ms = to_ms - from_ms
    return request(index, sent_ms=from_ms, arrivals_ms=[first_ms + 10 * i for i in range(6)])


def explained_ms(*requests: RequestRecord) -> list[float]:
    found, noted = Pauses(exact=100), NotedPauses()
    for one in requests:
        noted.take(one)
    noted.find_long(Reads.of(requests))
    found.append(noted)
    found.finish()
    ordered = found.explained_ms.ordered()
    return [ordered[i] for i in range(len(ordered))]


def test_a_gap_in_which_another_prompt_was_read_is_explained() -> None:
    assert explained_ms(halted(), waited(40, 530)) == [500]
    assert explained_ms(waited(40, 530), halted()) == [500]  # whoever finishes first


def test_a_gap_is_not_explained_by_itself_nor_by_less_than_half_of_it() -> None:
    assert explained_ms(halted()) == []
    assert explained_ms(halted(), waited(40, 270)) == []
    assert explained_ms(halted(), waited(0, 30), waited(530, 900)) == []


def test_two_that_waited_at_once_count_once() -> None:
    assert explained_ms(halted(), waited(40, 250), waited(40, 250, index=2)) == []
    assert explained_ms(halted(), waited(40, 250), waited(250, 400, index=2)) == [500]


def test_a_gap_is_judged_after_enough_others_have_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "_LATER", 2)
    others = [request(i, sent_ms=2_000 + i) for i in range(3)]
    assert explained_ms(halted(), *others[:1], waited(40, 530)) == [500]
    assert explained_ms(halted(), *others, waited(40, 530)) == []


def test_reading_prompts_is_no_pause_but_stopping_is() -> None:
    # Twelve streams; while each new prompt is read, all wait for half a second, as they always do here.
    usual = [one for i in range(12) for one in (halted(2 * i, 1_000 * i), waited(1_000 * i + 40, 1_000 * i + 530))]
    assert pause_time_ratio(observed(usual, concurrency=2)) == 0
    alone = [halted(i, 1_000 * i) for i in range(12)]
    assert pause_time_ratio(observed(alone)) == pytest.approx(500 / 540)
    # One of them takes six seconds, over ten times as long as they usually wait: the server has stopped.
    slow = request(99, sent_ms=50_000, arrivals_ms=(10.0, 20.0, 30.0, 6_030.0, 6_040.0, 6_050.0))
    stopped = pause_time_ratio(observed([*usual, slow, waited(50_040, 56_030, index=100)], concurrency=2))
    # The window opens after a request for each slot and closes with the last but one: the first two and the last do
    # not count.
    gaps_ms = 11 * (540 + 50) + 6_040
    assert stopped == pytest.approx(6_000 / gaps_ms)
