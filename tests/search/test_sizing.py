import pytest

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency, at_rate
from profiler.search import sizing
from profiler.workloads.schema import Workload

SYNTHETIC = {"source": "synthetic", "tokens": 8}
CHAT = {"source": "conversations", "turns": 4, "first_tokens": 8, "turn_tokens": 8}
CLOSED = {"shape": "closed-loop"}


def workload(**given: object) -> Workload:
    asked = {"id": "w", "version": 1, "description": "d", "output_tokens": 8, "requests": 22, "warmup_requests": 3}
    return Workload.model_validate({**asked, "prompts": SYNTHETIC, "load": CLOSED, **given})


@pytest.mark.parametrize(
    ("given", "concurrency", "requests"),
    [
        ({}, 1, 22),  # as the definition says: more than ten rounds of one slot
        ({}, 8, 80),  # ten rounds
        ({}, 4, 40),
        ({"requests": 70}, 4, 72),  # whole rounds
        ({"rounds": 1}, 8, 24),  # 22, in whole rounds
        ({"rounds": 1}, 32, 32),
        ({"prompts": CHAT, "requests": 24}, 1, 24),
        ({"prompts": CHAT, "requests": 24}, 2, 24),
        ({"prompts": CHAT, "requests": 24}, 4, 48),  # 40, in whole conversations of every slot: 16, 32, 48
    ],
)
def test_a_closed_loop_gets_enough_rounds_of_every_slot(
    given: dict[str, object], concurrency: int, requests: int
) -> None:
    assert sizing.requests_per_repeat(workload(**given), at_concurrency(concurrency)) == requests


@pytest.mark.parametrize("point", [at_rate(2.5), Point(name="replay")])
def test_a_schedule_gets_what_the_definition_says(point: Point) -> None:
    assert sizing.requests_per_repeat(workload(), point) == 22
    assert sizing.warmup_requests(workload(), point) == 3


@pytest.mark.parametrize(
    ("wanted", "concurrency", "requests"), [(3, 1, 3), (1, 1, 1), (3, 8, 16), (20, 8, 24), (0, 8, 0)]
)
def test_a_warmup_starts_every_one_of_several_slots_and_sends_once_more(
    wanted: int, concurrency: int, requests: int
) -> None:
    assert sizing.warmup_requests(workload(warmup_requests=wanted), at_concurrency(concurrency)) == requests


def test_a_ramp_has_prompts_for_the_slots_that_it_started_first() -> None:
    # 16 for the warm-up; ten requests a second from each of eight slots in 4 s.
    ramped = workload(load={**CLOSED, "ramp_up_s": 4.0})
    assert sizing.warmup_room(ramped, at_concurrency(8)) == 16 + 8 * 40
    # at most fifty from each
    assert sizing.warmup_room(workload(load={**CLOSED, "ramp_up_s": 60.0}), at_concurrency(8)) == 16 + 8 * 50
    assert sizing.warmup_room(workload(warmup_requests=0), at_concurrency(8)) == 0


def test_the_load_is_kept_on_by_one_request_of_each_slot_or_half_a_minute_of_arrivals() -> None:
    assert sizing.spare_requests(workload(), at_concurrency(8)) == 8
    assert sizing.spare_requests(workload(warmup_requests=0), at_concurrency(8)) == 0
    assert sizing.spare_requests(workload(), at_rate(0.4)) == 12  # 30 s · 0.4/s
    assert sizing.spare_requests(workload(), at_rate(50.0)) == 22  # no more than a repeat has
    assert sizing.spare_requests(workload(), at_rate(0.001)) == 1
