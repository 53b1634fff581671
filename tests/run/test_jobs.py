from types import SimpleNamespace
from typing import Any

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency, at_rate
from profiler.run.jobs import Asked, Layout
from profiler.servers.address import Address
from profiler.timing.messages import ClosedLoopPace, Job, ScheduledPace
from profiler.units import NS_PER_S, s_to_ns
from profiler.workloads.schema import Workload

MINUTE_NS = s_to_ns(60)


def test_what_was_asked_is_remembered_by_position() -> None:
    asked = Asked()
    asked.append(None, 16)
    asked.append(0, 1)
    asked.append(131_072, 4096)
    assert len(asked) == 3
    assert [asked.prompt_tokens(position) for position in range(3)] == [None, 0, 131_072]
    assert [asked.output_tokens(position) for position in range(3)] == [16, 1, 4096]


def layout(point: Point, first: int = 0, trace: Any = None, **given: object) -> Layout:
    asked = {
        "id": "w",
        "version": 1,
        "description": "d",
        "output_tokens": 8,
        "load": {"shape": "closed-loop"},
        "prompts": {"source": "synthetic", "tokens": 8},
        "requests": 22,
        "repeats": 2,
        "warmup_requests": 3,
        "max_repeat_s": 60.0,
    }
    plan: Any = SimpleNamespace(
        workload=Workload.model_validate({**asked, **given}),
        endpoint=SimpleNamespace(address=Address("127.0.0.1", 9)),
        options=SimpleNamespace(seed=1),
        tls=None,
        trace=trace,
    )
    return Layout(plan, point, first)


def the_job(made: Layout) -> Job:
    (job,) = made.jobs()
    assert job.requests == sum(made.rooms)
    assert job.blocks[-1].first + job.blocks[-1].requests == job.requests
    return job


def test_a_closed_loop_is_one_job_with_a_place_for_every_block() -> None:
    job = the_job(layout(at_concurrency(8), first=100, load={"shape": "closed-loop", "concurrency": 8}))
    placed = [(block.phase, block.first, block.requests) for block in job.blocks]
    # two rounds, ten rounds twice, one request for each slot
    assert placed == [("warmup", 0, 16), ("repeat-1", 16, 80), ("repeat-2", 96, 80), ("cooldown", 176, 8)]
    assert job.first_index == 100
    assert isinstance(job.pace, ClosedLoopPace)
    assert job.pace.max_duration_ns > 10**6 * MINUTE_NS  # limits are those of the blocks
    assert [block.limit_ns for block in job.blocks[1:3]] == [MINUTE_NS] * 2
    assert {block.step for block in job.blocks[:3]} == {8}
    # 11 requests, spread over two repeats; ten minutes, too
    assert [(block.least, block.most_ns) for block in job.blocks[1:3]] == [(6, 5 * MINUTE_NS)] * 2


def test_many_repeats_need_no_more_time_than_they_have() -> None:
    repeats = the_job(layout(at_concurrency(1), repeats=10)).blocks[1:-1]
    assert {(block.least, block.most_ns) for block in repeats} == {(2, MINUTE_NS)}  # 10 repeats of 2 are enough


def test_without_a_warmup_the_first_block_is_a_repeat() -> None:
    job = the_job(layout(at_concurrency(8), warmup_requests=0, load={"shape": "closed-loop", "concurrency": 8}))
    assert [(block.phase, block.first) for block in job.blocks[:2]] == [("repeat-1", 0), ("repeat-2", 80)]


def test_a_ramp_is_part_of_the_warmup() -> None:
    load = {"shape": "closed-loop", "concurrency": 8, "ramp_up_s": 4.0}
    warmup, repeat, *_ = the_job(layout(at_concurrency(8), load=load)).blocks
    assert warmup.least_ns == s_to_ns(4)
    assert warmup.limit_ns == s_to_ns(64)
    assert warmup.room == repeat.first == 16 + 320  # ten a second from each slot meanwhile


def test_arrivals_go_on_through_all_blocks() -> None:
    job = the_job(layout(at_rate(2.0), load={"shape": "open-loop", "rate_rps": 2.0}))
    assert isinstance(job.pace, ScheduledPace)
    # 3 and 22 more until they have finished; 22 twice; 22 for the last ones: half a minute would be 60
    assert [(block.phase, block.first) for block in job.blocks] == [
        *(("warmup", 0), ("repeat-1", 25), ("repeat-2", 47), ("cooldown", 69)),
    ]
    assert len(job.pace.due_ns) == 91
    assert job.blocks[0].is_until_finished
    assert job.pace.due_ns[47] - job.pace.due_ns[25] == 22 * NS_PER_S // 2  # exactly two a second


def test_several_loads_have_phases_of_their_own() -> None:
    made = layout(at_concurrency(2), load={"shape": "closed-loop", "concurrency": [1, 2]})
    assert [block.phase for block in the_job(made).blocks][:2] == ["c2/warmup", "c2/repeat-1"]


def test_conversations_are_whole_in_every_block() -> None:
    chat = {"source": "conversations", "turns": 4, "first_tokens": 8, "turn_tokens": 8}
    job = the_job(layout(at_rate(2.0), load={"shape": "open-loop", "rate_rps": 2.0}, prompts=chat, requests=24))
    assert all(block.first % 4 == 0 for block in job.blocks)
    assert isinstance(job.pace, ScheduledPace)
    assert len(job.pace.due_ns) == job.requests // 4


def test_every_replay_is_a_job_of_its_own_and_its_times_begin_anew() -> None:
    trace = SimpleNamespace(due_ns=[0, s_to_ns(1), s_to_ns(2), s_to_ns(90)])
    made = layout(
        Point(name="replay"),
        load={"shape": "replay", "time_scale": 2.0},
        prompts={"source": "trace", "file": "t"},
        trace=trace,
        requests=4,
    )
    warmup, first, second = made.jobs()
    assert [job.phase for job in (warmup, first, second)] == ["warmup", "repeat-1", "repeat-2"]
    assert [(job.first_in_spool, job.requests) for job in (warmup, first, second)] == [(0, 3), (3, 4), (7, 4)]
    assert isinstance(warmup.pace, ClosedLoopPace)
    assert isinstance(first.pace, ScheduledPace)
    assert first.pace.due_ns == [0, s_to_ns(2), s_to_ns(4)]  # twice as slow; the last one is beyond the limit
    assert all(len(job.blocks) == 1 and job.blocks[0].first == 0 for job in (warmup, first, second))
