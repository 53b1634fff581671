"""Blocks by hand, and whole loads of them without a socket or a clock."""

from collections import Counter
from heapq import heappop, heappush

import pytest

from profiler.timing.blocks import Blocks
from profiler.timing.messages import Block
from profiler.timing.pacing import ClosedLoop, Pace, Scheduled

FOREVER_NS = 10**15
SENT_NS, POSITION, PHASE = 0, 1, 2


def carry_out(pace: Pace, blocks: Blocks, lasts_ns: int) -> list[tuple[int, int, str]]:
    """Do what the driver does, with a server that takes as long for every request: (sent, position, phase)."""
    sent: list[tuple[int, int, str]] = []
    in_flight: list[tuple[int, int, str]] = []  # (ends, position, phase)
    now_ns = 0
    while in_flight or not (blocks.is_over or pace.is_over(now_ns)):
        due_ns = None if blocks.is_over or pace.is_over(now_ns) else pace.due_ns()
        if in_flight and (due_ns is None or in_flight[0][0] <= due_ns):
            now_ns, position, phase = heappop(in_flight)
            pace.finished(now_ns, position)
            blocks.finished(phase)
            continue
        assert due_ns is not None, "nothing in flight, nothing due, and yet not over"
        now_ns = max(now_ns, due_ns)
        if blocks.is_spent(now_ns):
            pace.skip_to(blocks.begin(blocks.following, now_ns).first)
            continue
        position = pace.take()
        sent.append((now_ns, position, blocks.phase))
        heappush(in_flight, (now_ns + lasts_ns, position, blocks.phase))
        blocks.sent()
    return sent


def continuous(warmup: int, requests: int, spare: int) -> list[Block]:
    return [
        Block("warmup", warmup),
        Block("repeat-1", requests, first=warmup),
        Block("repeat-2", requests, first=warmup + requests),
        Block("cooldown", spare, first=warmup + 2 * requests, is_cooldown=True),
    ]


def times(sent: list[tuple[int, int, str]], phase: str) -> list[int]:
    return [event[SENT_NS] for event in sent if event[PHASE] == phase]


def positions(sent: list[tuple[int, int, str]], phase: str) -> list[int]:
    return [event[POSITION] for event in sent if event[PHASE] == phase]


def test_one_block_follows_the_other_without_a_pause() -> None:
    # Two slots, 100 ns a request, started 50 ns apart: one is sent every 50.
    sent = carry_out(ClosedLoop(2, 14, FOREVER_NS, ramp_ns=100), Blocks(continuous(4, 4, 2)), 100)
    assert times(sent, "warmup") == [0, 50, 100, 150]
    assert times(sent, "repeat-1") == [200, 250, 300, 350]
    assert times(sent, "repeat-2") == [400, 450, 500, 550]
    # At 600 the one of 500 has ended: its slot sends one more. At 650 the last measured one has ended, too.
    assert times(sent, "cooldown") == [600]
    assert [event[POSITION] for event in sent] == list(range(13))


def test_one_slot_needs_no_cooldown_and_yet_it_begins() -> None:
    blocks = Blocks(continuous(1, 2, 1))
    sent = carry_out(ClosedLoop(1, 6, FOREVER_NS), blocks, 100)
    assert Counter(event[PHASE] for event in sent) == {"warmup": 1, "repeat-1": 2, "repeat-2": 2}
    assert blocks.phase == "cooldown"  # when the next request would have been sent: the end of repeat-2


def test_a_cooldown_ends_when_its_requests_are_used_up() -> None:
    # Requests of 10, 20, … ns, so that slots part; the last measured one is long. One further request for each slot.
    blocks = Blocks([Block("repeat-1", 2), Block("cooldown", 2, first=2, is_cooldown=True)])
    pace = ClosedLoop(2, 40, FOREVER_NS)
    for _ in range(2):
        assert blocks.is_spent(0) == (blocks.number < 0)
        if blocks.is_spent(0):
            blocks.begin(blocks.following, 0)
        pace.take()
        blocks.sent()
    for elapsed_ns, position in ((10, 0), (20, 2)):
        pace.finished(elapsed_ns, position)
        blocks.finished("repeat-1" if position < 2 else "cooldown")
        if blocks.is_spent(elapsed_ns):
            assert blocks.begin(blocks.following, elapsed_ns).is_cooldown
        assert not blocks.is_over
        pace.take()
        blocks.sent()
    assert blocks.is_over


def test_a_block_cut_short_by_time_ends_with_a_whole_round() -> None:
    # Two slots, 100 ns: at 250 the limit has passed, and the next two are sent at 300. They begin the next block.
    block = Block("repeat-1", 20, limit_ns=250, step=2)
    cooldown = Block("cooldown", 2, first=20, is_cooldown=True)
    blocks = Blocks([block, cooldown])
    sent = carry_out(ClosedLoop(2, 22, FOREVER_NS), blocks, 100)
    assert times(sent, "repeat-1") == [0, 0, 100, 100, 200, 200]
    assert blocks.phase == "cooldown"


def test_a_limit_between_two_sends_of_a_round_waits_for_the_second() -> None:
    # One slot starts at 0, the other at 50; the limit at 120 lies between their second requests, at 100 and 150.
    block = Block("repeat-1", 20, limit_ns=120, step=2)
    cooldown = Block("cooldown", 2, first=20, is_cooldown=True)
    sent = carry_out(ClosedLoop(2, 22, FOREVER_NS, ramp_ns=100), Blocks([block, cooldown]), 100)
    assert times(sent, "repeat-1") == [0, 50, 100, 150]
    assert positions(sent, "cooldown") == [20]  # at 200; what was planned before it is left out


def test_a_block_goes_on_beyond_its_limit_for_the_fewest_that_are_needed() -> None:
    # 100 ns a request, 4 needed, limit 150: sent at 0, 100, 200 and 300.
    block = Block("repeat-1", 20, limit_ns=150, least=4, most_ns=1_000)
    cooldown = Block("cooldown", 1, first=20, is_cooldown=True)
    assert times(carry_out(ClosedLoop(1, 21, FOREVER_NS), Blocks([block, cooldown]), 100), "repeat-1") == [
        *(0, 100, 200, 300)
    ]


def test_but_not_for_ever() -> None:
    # The same with at most 250: sent at 0, 100 and 200.
    block = Block("repeat-1", 20, limit_ns=150, least=4, most_ns=250)
    cooldown = Block("cooldown", 1, first=20, is_cooldown=True)
    assert times(carry_out(ClosedLoop(1, 21, FOREVER_NS), Blocks([block, cooldown]), 100), "repeat-1") == [0, 100, 200]


def test_a_warmup_lasts_until_the_ramp_has_started_every_slot() -> None:
    # Slots start at 0 and 500; the first sends every 100. At 1000 the ramp is over, whoever sends then is measured.
    blocks = [
        Block("warmup", 4, room=40, least_ns=1_000),
        Block("repeat-1", 4, first=40),
        Block("cooldown", 2, first=44, is_cooldown=True),
    ]
    sent = carry_out(ClosedLoop(2, 46, FOREVER_NS, ramp_ns=1_000), Blocks(blocks), 100)
    assert min(times(sent, "repeat-1")) == 1_000
    assert max(times(sent, "warmup")) == 900
    assert positions(sent, "repeat-1") == [40, 41, 42, 43]


def test_a_warmup_ends_with_its_prompts_even_within_a_ramp() -> None:
    blocks = [Block("warmup", 2, room=6, least_ns=1_000), Block("repeat-1", 4, first=6)]
    sent = carry_out(ClosedLoop(2, 10, FOREVER_NS, ramp_ns=2_000), Blocks(blocks), 100)
    assert positions(sent, "warmup") == list(range(6))
    assert positions(sent, "repeat-1") == [6, 7, 8, 9]


def test_arrivals_go_on_until_the_first_requests_have_finished() -> None:
    # An arrival every 10 ns, 45 ns a request: the second one ends at 55, so those of 0 to 50 are the warm-up.
    blocks = [
        Block("warmup", 2, room=8, is_until_finished=True),
        Block("repeat-1", 3, first=8),
        Block("cooldown", 5, first=11, is_cooldown=True),
    ]
    sent = carry_out(Scheduled([number * 10 for number in range(16)], 16), Blocks(blocks), 45)
    assert times(sent, "warmup") == [0, 10, 20, 30, 40, 50]
    # The schedule is moved, so that there is no gap where prompts are left out.
    assert (times(sent, "repeat-1"), positions(sent, "repeat-1")) == ([60, 70, 80], [8, 9, 10])
    # The last measured one ends at 125.
    assert (times(sent, "cooldown"), positions(sent, "cooldown")) == ([90, 100, 110, 120], [11, 12, 13, 14])


def test_a_stop_leads_to_the_cooldown() -> None:
    blocks = Blocks(continuous(1, 10, 2))
    blocks.begin(0, 0)
    blocks.sent()
    blocks.begin(1, 10)
    blocks.sent()
    assert not blocks.is_spent(20)
    blocks.stop()
    assert blocks.is_spent(20)
    assert blocks.begin(blocks.following, 20).is_cooldown
    assert not blocks.is_over  # two are in flight
    blocks.finished("warmup")
    blocks.finished("repeat-1")
    assert blocks.is_over


def test_a_stop_without_a_cooldown_is_the_end() -> None:
    blocks = Blocks([Block("calibrate", 10)])
    blocks.begin(0, 0)
    blocks.stop()
    assert blocks.is_over


@pytest.mark.parametrize(("own", "requests"), [(1, 4), (2, 7), (3, 10)])
def test_a_worker_has_its_share_of_a_block(own: int, requests: int) -> None:
    # 10 requests of 3 slots: a worker with one of them leads to the next block with its fourth request, ⌈10·own/3⌉.
    blocks = Blocks([Block("repeat-1", 10), Block("repeat-2", 10)], own, 3)
    blocks.begin(0, 0)
    while not blocks.is_spent(0):
        blocks.sent()
    assert blocks.total == requests


def test_a_worker_that_follows_goes_on_when_it_is_asked_to() -> None:
    blocks = Blocks([Block("repeat-1", 1), Block("repeat-2", 1)], leads=False)
    assert blocks.is_spent(0)  # nobody has to tell it to begin
    blocks.begin(0, 0)
    for _ in range(5):
        blocks.sent()
    assert not blocks.is_spent(10**12)
