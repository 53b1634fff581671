"""Where a load is steady: numbers in milliseconds that can be followed by hand."""

import pytest
from support.builders import MS, manifest, request

from profiler.aggregation.observations import Observations
from profiler.aggregation.windows import Stretch, Window, find_steady, times_by_phase
from profiler.results.manifest import Phase
from profiler.results.points import points_of
from profiler.results.records import Outcome, RequestRecord
from profiler.results.summary import Distribution, NotMeasured, Scalar
from profiler.summaries.collect import Collected
from profiler.summaries.summarize import summarize


def ms(start: float, end: float) -> Window:
    return Window(round(start * MS), round(end * MS))


def window_of(requests: list[RequestRecord], slots: int | None, **load: int) -> Window | None:
    stretch = Stretch(("repeat-1",), frozenset({"repeat-1"}), slots, **load)
    return find_steady([times_by_phase(requests)], [stretch]).windows.get("repeat-1")


def sent_at(*times_ms: float, phase: str = "repeat-1", first: int = 0, takes_ms: float = 30.0) -> list[RequestRecord]:
    return [
        request(first + i, phase=phase, sent_ms=t, arrivals_ms=(takes_ms / 3, takes_ms)) for i, t in enumerate(times_ms)
    ]


def test_one_slot_is_steady_from_the_first_send_to_the_last_byte() -> None:
    assert window_of(sent_at(0, 40), 1) == ms(0, 70)


def test_one_slot_that_thinks_has_thought_after_the_last_request_as_well() -> None:
    assert window_of(sent_at(0, 40), 1, think_ns=10 * MS) == ms(0, 80)


def test_several_slots_are_steady_after_one_request_each_and_until_the_last_round() -> None:
    # Three slots of 30 ms: the first three requests start them, of the last two slots are about to run empty.
    found = window_of(sent_at(0, 1, 2, 30, 31, 32, 60, 61, 62), 3)
    assert found == ms(30, 61)
    assert found is not None
    # three in flight from 30 to 61 but where a slot goes from one request to its next
    assert (found.sent, found.in_flight_ns) == (4, 3 * 31 * MS)


@pytest.mark.parametrize(("count", "slots"), [(0, 1), (1, 2), (3, 2), (4, 3), (7, 4), (22, 32)])
def test_too_few_requests_are_never_steady(count: int, slots: int) -> None:
    assert window_of(sent_at(*range(count)), slots) is None


def test_slots_that_begin_one_after_the_other_are_steady_a_round_after_the_last_has_begun() -> None:
    # Two slots, the second due at 50 ms; a full round later, at 80 and 90 ms, both have gone on.
    requests = sent_at(0, 30, 50, 60, 80, 90, 110, 120)
    assert window_of(requests, 2, ramp_end_ns=50 * MS) == ms(80, 120)
    assert window_of(requests, 2) == ms(50, 120)


def test_a_failed_request_takes_its_slot() -> None:
    requests = sent_at(0, 1, 30, 31, 60, 61)
    requests[3].outcome = Outcome.TIMEOUT
    found = window_of(requests, 2)
    assert (found, found and found.sent) == (ms(30, 61), 3)


def test_one_that_was_never_sent_counts_from_when_it_was_due() -> None:
    refused = request(1, sent_ms=31, arrivals_ms=())
    refused.outcome, refused.sent_ns, refused.finished_ns = Outcome.CONNECT_REFUSED, None, 32 * MS
    found = window_of([*sent_at(0), refused, *sent_at(40, first=2)], 1)  # scheduled_ns is 1 ms before, at 30 ms
    assert found == ms(0, 70)
    assert found is not None
    assert (found.sent, found.in_flight_ns) == (3, (30 + 2 + 30) * MS)


def test_phases_that_follow_on_share_their_edges_and_nothing_is_lost() -> None:
    # Two slots that start at 0 and 10 ms and take 30 ms: sends at 0, 10, 30, 40, … up to 130.
    names = ["warmup"] * 4 + ["repeat-1"] * 2 + ["repeat-2"] * 2 + ["cooldown"] * 2
    times_ms = [0, 10, 30, 40, 60, 70, 90, 100, 120, 130]
    requests = [request(i, phase=name, sent_ms=t) for i, (name, t) in enumerate(zip(names, times_ms, strict=True))]
    stretch = Stretch(("warmup", "repeat-1", "repeat-2", "cooldown"), frozenset({"repeat-1", "repeat-2"}), 2)
    found = find_steady([times_by_phase(requests)], [stretch])
    assert found.windows == {"repeat-1": ms(60, 90), "repeat-2": ms(90, 120)}
    assert [window.in_flight_ns for window in found.windows.values()] == [2 * 30 * MS, 2 * 30 * MS]
    assert {(name, burst.until_ns, burst.phase) for name, burst in found.bursts.items()} == {
        (name, 10 * MS, "repeat-1") for name in stretch.phases
    }


def test_a_warmup_shorter_than_a_round_leaves_the_burst_out_all_the_same() -> None:
    names = ["warmup"] + ["repeat-1"] * 8 + ["cooldown"] * 3
    times_ms = [0, 1, 2, 3, 30, 31, 32, 33, 60, 61, 62, 63]
    requests = [request(i, phase=name, sent_ms=t) for i, (name, t) in enumerate(zip(names, times_ms, strict=True))]
    stretch = Stretch(("warmup", "repeat-1", "cooldown"), frozenset({"repeat-1"}), 4)
    assert find_steady([times_by_phase(requests)], [stretch]).windows == {"repeat-1": ms(30, 61)}


def test_an_open_loop_is_steady_once_as_many_are_in_flight_as_will_be() -> None:
    # The first of ten takes 35 ms: before 35 ms fewer are in flight than later on. The last arrives at 90 ms.
    requests = [*sent_at(0, takes_ms=35), *sent_at(10, 20, 30, 40, 50, 60, 70, 80, 90, first=1)]
    found = window_of(requests, None)
    assert found == ms(40, 90)
    assert found is not None
    assert (found.sent, found.in_flight_ns, found.missing) == (5, 3 * 50 * MS, 0)
    assert window_of(requests[:1], None) is None


def test_a_straggler_among_the_first_does_not_cost_an_open_loop_its_window() -> None:
    # Of 60 arrivals, six are looked at for how long they take: 30 ms, but one, which takes 10 s.
    requests = sorted(
        [*sent_at(0, 10), *sent_at(20, first=2, takes_ms=10_000), *sent_at(*range(30, 600, 10), first=3)],
        key=lambda one: one.ended_ns,
    )
    found = window_of(requests, None)
    assert found == ms(30, 590)
    assert found is not None
    # At 30 ms those of 10 and 20 ms are in flight; at 590 ms those of 570, 580 and 20 ms.
    assert (found.sent, found.in_flight, found.growth) == (56, (2, 3), 1)


def test_where_half_of_the_first_take_long_an_open_loop_waits_for_them() -> None:
    long = [one for i in range(0, 6, 2) for one in sent_at(10 * i, first=i, takes_ms=400)]
    short = [one for i in range(60) if i >= 6 or i % 2 for one in sent_at(10 * i, first=i)]
    assert window_of(sorted([*long, *short], key=lambda one: one.ended_ns), None) == ms(400, 590)


def test_an_open_loop_knows_which_numbers_have_no_record() -> None:
    requests = sent_at(*range(0, 400, 10))
    found = window_of([one for one in requests if one.index not in {20, 25}], None)
    assert found is not None
    assert (found.sent, found.missing) == (39 - 3 - 2, 2)


def conversations(*, without: tuple[int, ...] = ()) -> Window:
    """Twenty conversations of 3 turns, one every 100 ms; a turn takes 50 ms and the next follows 200 ms later.

    Those that begin at 500 to 1,400 ms are turned into a phase of their own together with whatever is sent meanwhile:
    later turns of those before, but not all turns of the last ones.
    """
    requests = [
        request(3 * number + turn, sent_ms=100 * number + 250 * turn, arrivals_ms=(25, 50), phase=phase)
        for number in range(20)
        for turn in range(3)
        for at_ms in (100 * number + 250 * turn,)
        for phase in ("warmup" if at_ms < 500 else "repeat-1" if at_ms < 1500 else "cooldown",)
    ]
    kept = sorted((one for one in requests if one.index not in without), key=lambda one: one.ended_ns)
    stretch = Stretch(("warmup", "repeat-1", "cooldown"), frozenset({"repeat-1"}), turns=3)
    return find_steady([times_by_phase(kept)], [stretch]).windows["repeat-1"]


def test_turns_that_are_sent_in_another_phase_are_not_missed() -> None:
    # Of 10 conversations that begin in the phase, the last three have only their first turn or two in it.
    found = conversations()
    assert (found.length_ns, found.sent, found.missing) == (1000 * MS, 30, 0)


def test_a_conversation_and_a_turn_without_a_record_are_missed() -> None:
    # All of conversation 8 (one that is known to have been due), and the second turn of conversation 10.
    assert conversations(without=(24, 25, 26, 31)).missing == 1 + 1
    # The last turn of a conversation may just not have been sent.
    assert conversations(without=(32,)).missing == 0


def continuous() -> list[Phase]:
    times_ms = {"warmup": (0, 60), "repeat-1": (60, 120), "cooldown": (120, 150)}
    return [
        Phase(name=name, start_ns=start * MS, end_ns=end * MS, follows_on=name != "warmup")
        for name, (start, end) in times_ms.items()
    ]


def observed(requests: list[RequestRecord], slots: int) -> Observations:
    run = manifest(phases=continuous(), concurrency=slots)
    return Collected(run, requests, [], []).point(points_of(run)[0])


def test_latencies_are_of_the_requests_of_the_window_and_the_burst_stands_apart() -> None:
    # Two slots: the first two prompts are read one after the other (10 and 25 ms), later ones at once (5 ms).
    ttft_ms = [10, 25, 5, 5, 5, 5, 6, 7, 5, 5]
    names = ["warmup"] * 4 + ["repeat-1"] * 4 + ["cooldown"] * 2
    times_ms = [0, 1, 30, 31, 60, 61, 90, 91, 120, 121]
    requests = [
        request(i, phase=name, sent_ms=t, arrivals_ms=(first, 30))
        for i, (name, t, first) in enumerate(zip(names, times_ms, ttft_ms, strict=True))
    ]
    summary = summarize(manifest(phases=continuous(), concurrency=2), requests, [], [])
    ttft, burst = summary.metrics["ttft_ms"], summary.metrics["first_burst_ttft_ms"]
    assert isinstance(ttft, Distribution)
    assert isinstance(burst, Distribution)
    assert (ttft.n, ttft.min, ttft.max) == (4, 5, 7)
    assert (burst.n, burst.min, burst.max) == (2, 10, 25)
    assert summary.requests_ok == 4


def test_one_slot_has_no_burst() -> None:
    burst = summarize(manifest(), sent_at(0, 30, 60), [], []).metrics["first_burst_ttft_ms"]
    assert burst == NotMeasured(unit="ms", reason="no burst: one slot, slots that began one by one, or an open loop")


def test_a_load_that_never_was_steady_shows_its_latencies_and_no_rate() -> None:
    summary = summarize(manifest(concurrency=32), sent_at(*range(22)), [], [])
    ttft, rate, rounds = (summary.metrics[name] for name in ("ttft_ms", "requests_per_s", "rounds_per_slot"))
    assert isinstance(ttft, Distribution)
    assert ttft.n == 22
    assert isinstance(rate, Scalar)
    assert (rate.value, rate.reason) == (None, "22 requests for 32 slots: no steady state; pass --requests 320")
    assert isinstance(rounds, Scalar)
    assert rounds.value == 0
