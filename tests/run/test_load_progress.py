import pytest

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency
from profiler.results.records import Outcome, RequestRecord
from profiler.run.live_figures import time_left
from profiler.run.load_progress import LoadProgress
from profiler.timing.messages import Block, Exchange
from profiler.units import s_to_ns
from profiler.workloads.schema import ClosedLoop, Saturate, Workload

LIMIT_NS = s_to_ns(30)


class Seen:
    """Keeps what was shown."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float | None]] = []
        self.done: list[float] = []
        self.notes: list[str] = []

    def note(self, text: str) -> None: ...

    def stage(self, text: str, total: float | None = None) -> None:
        self.stages.append((text, total))

    def advance(self, done: float, note: str = "") -> None:
        self.done.append(done)
        self.notes.append(note)


def workload(concurrency: int) -> Workload:
    return Workload.model_validate(
        {
            "id": "w",
            "version": 1,
            "description": "d",
            "prompts": {"source": "synthetic", "tokens": 8},
            "output_tokens": 8,
            "load": {"shape": "closed-loop", "concurrency": concurrency},
            "requests": 22,
            "repeats": 3,
        }
    )


def finished(phase: str, lasted_s: float, sent_s: float = 1.0) -> Exchange:
    offset, sent_ns = (0, 0, 0), s_to_ns(sent_s)
    ended_ns = sent_ns + s_to_ns(lasted_s)
    return Exchange(0, phase, "ok", None, 0, sent_ns, None, b"", ended_ns, [], [], [], offset, offset)


def record(exchange: Exchange, outcome: Outcome = Outcome.OK) -> RequestRecord:
    """Its first token came after 20 ms, all ten of them with its end."""
    sent_ns = exchange.sent_user_ns
    assert sent_ns is not None
    return RequestRecord(
        index=0,
        phase=exchange.phase,
        outcome=outcome,
        scheduled_ns=sent_ns,
        sent_ns=sent_ns,
        finished_ns=exchange.finished_user_ns,
        read_offset_ns=[20_000_000, exchange.finished_user_ns - sent_ns],
        read_lag_ns=[None, None],
        read_bytes=[1, 1],
        read_tokens=[1, 9],
        completion_tokens=10,
    )


def shown(request_s: float, slots: int, requests: int) -> tuple[str, float | None]:
    seen = Seen()
    progress = LoadProgress(seen, workload(slots), at_concurrency(slots))
    progress.begin(Block("warmup", 2), 0)
    took = finished("warmup", request_s)
    progress.finished(took, record(took))
    repeat = Block("repeat-1", requests, first=2, limit_ns=LIMIT_NS, least=4, most_ns=2 * LIMIT_NS)
    progress.begin(repeat, s_to_ns(1))
    return seen.stages[-1]


def test_a_host_with_time_enough_is_shown_the_plan() -> None:
    assert shown(0.5, slots=1, requests=22) == ("Measuring, repeat 1 of 3", 22)


def test_a_slow_host_is_told_how_many_requests_there_will_be() -> None:
    # One slot sends at 0, 10 and 20 s: three, and so goes on for the four that are needed.
    assert shown(10.0, slots=1, requests=22) == (
        *("Measuring, repeat 1 of 3 (a request takes 10 s here: 4 requests instead of 22)", 4),
    )
    # Eight slots send three times.
    assert shown(10.0, slots=8, requests=80)[1] == 24
    # At 0 and 50 s; at 60 s it ends.
    assert shown(50.0, slots=1, requests=22)[1] == 2


def test_what_fills_the_cache_says_nothing_of_the_requests_that_use_it() -> None:
    seen = Seen()
    progress = LoadProgress(seen, workload(2), at_concurrency(2), fills_cache=True)
    progress.begin(Block("warmup", 3), 0)
    for lasted_s in (1590.0, 1580.0):
        progress.finished(finished("warmup", lasted_s), record(finished("warmup", lasted_s)))
    repeat = Block("repeat-1", 22, first=2, limit_ns=LIMIT_NS, least=4, most_ns=2 * LIMIT_NS)
    progress.begin(repeat, s_to_ns(1))
    assert seen.stages[-1] == ("Measuring, repeat 1 of 3", 22)
    progress.finished(finished("warmup", 10.0), record(finished("warmup", 10.0)))
    progress.begin(repeat, s_to_ns(1))
    assert seen.stages[-1][1] == 6


def test_more_requests_than_were_expected_are_no_more_than_the_plan() -> None:
    seen = Seen()
    progress = LoadProgress(seen, workload(1), at_concurrency(1))
    progress.begin(Block("warmup", 1), 0)
    progress.finished(finished("warmup", 10.0), record(finished("warmup", 10.0)))
    progress.begin(Block("repeat-1", 22, limit_ns=LIMIT_NS, least=4, most_ns=2 * LIMIT_NS), s_to_ns(1))
    for number in range(5):
        took = finished("repeat-1", 1.0, sent_s=1.0 + number)
        progress.finished(took, record(took))
    assert [total for _, total in seen.stages[-2:]] == [4, 22]


def test_only_requests_of_the_block_count_for_it() -> None:
    seen = Seen()
    progress = LoadProgress(seen, workload(1), Point(name="c1", concurrency=1))
    progress.begin(Block("repeat-1", 22), s_to_ns(1))
    for phase in ("warmup", "repeat-1"):  # the first was sent before
        progress.finished(finished(phase, 1.0), record(finished(phase, 1.0)))
    assert seen.done == [1]
    progress.begin(Block("cooldown", 1, is_cooldown=True), 0)
    assert seen.stages[-1] == ("Keeping the load on for the last requests", None)


def test_rate_ttft_and_time_left_are_those_of_the_finished_requests() -> None:
    seen = Seen()
    progress = LoadProgress(seen, workload(1), at_concurrency(1))
    progress.begin(Block("repeat-2", 22), s_to_ns(1))
    first, failed = finished("repeat-2", 1.0), finished("repeat-2", 1.0, sent_s=2.0)
    progress.finished(first, record(first))
    progress.finished(failed, record(failed, Outcome.STALLED))
    # 22 requests of 1 s are 22 s: this repeat and the third make 44 s, of which 1 s, then 2 s have gone.
    assert seen.notes == [
        "10.0\N{NO-BREAK SPACE}tokens/s · TTFT p50 20.0\N{NO-BREAK SPACE}ms · 43 s left",
        "5.00\N{NO-BREAK SPACE}tokens/s · TTFT p50 20.0\N{NO-BREAK SPACE}ms · 1 failed · 42 s left",
    ]


def test_updates_are_few_and_the_last_request_is_shown() -> None:
    seen = Seen()
    progress = LoadProgress(seen, workload(1), at_concurrency(1))
    progress.begin(Block("repeat-1", 1000), 0)
    for number in range(1000):
        each = finished("repeat-1", 0.001, sent_s=1 + number / 1000)
        progress.finished(each, record(each))
    assert seen.done == [1, 251, 501, 751, 1000]  # every 250 ms


def test_a_sweep_shows_which_load_of_how_many_and_a_search_which_one() -> None:
    seen = Seen()
    sweep = workload(1).model_copy(update={"load": ClosedLoop(shape="closed-loop", concurrency=[1, 2, 4])})
    LoadProgress(seen, sweep, at_concurrency(2), 2).begin(Block("c2/repeat-1", 22), 0)
    assert seen.stages[-1][0] == "Measuring, repeat 1 of 3, load 2 of 3: 2 in flight"
    search = workload(1).model_copy(update={"load": Saturate(shape="saturate")})
    LoadProgress(seen, search, at_concurrency(4), 3).begin(Block("c4/repeat-1", 22), 0)
    assert seen.stages[-1][0] == "Measuring, repeat 1 of 3, load 3: 4 in flight"


@pytest.mark.parametrize(("left_s", "text"), [(0.4, "0 s"), (43.2, "43 s"), (99.9, "100 s"), (170, "3 min")])
def test_time_left_is_written_as_fine_as_it_is_known(left_s: float, text: str) -> None:
    assert time_left(left_s) == text
