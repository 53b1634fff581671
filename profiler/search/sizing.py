"""How many requests a load gets: enough rounds of every slot, and what keeps the load on around them. Pure."""

from math import ceil

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency
from profiler.workloads.schema import Replay, Workload

ROUNDS_OF_ONE, ROUNDS_OF_SEVERAL = 1, 4  # where the number of requests is asked for: for one load, for several
_WARM_ROUNDS = 2
_RAMP_ROUNDS_PER_S = 10  # requests that a slot may send in each second of a ramp, at most …
_MOST_RAMP_ROUNDS = 50  # … and in all of it
_SPARE_S = 30.0  # for so long arrivals can go on beyond those that are planned


def slots_of(point: Point) -> int:
    """Return how many requests a load has in flight; 1 for an open loop, which has no slots."""
    return point.concurrency or 1


def requests_per_repeat(workload: Workload, point: Point) -> int:
    """Return how many requests a repeat has: at least `rounds` for each slot, in whole rounds of whole conversations.

    With whole rounds a repeat of equally long requests is a whole number of their durations.
    """
    if point.concurrency is None:
        return workload.requests
    return _whole_rounds(max(workload.requests, workload.rounds * point.concurrency), workload, point)


def warmup_requests(workload: Workload, point: Point) -> int:
    """Return how many requests warm up: unless none are wanted at all, every one of several slots sends twice.

    The first round begins as a burst; a single slot has none.
    """
    slots = slots_of(point)
    if not workload.warmup_requests or slots == 1:
        return workload.warmup_requests
    return _whole_rounds(max(workload.warmup_requests, _WARM_ROUNDS * slots), workload, point)


def spare_requests(workload: Workload, point: Point) -> int:
    """Return how many requests keep the load on after the measured ones, at most: one for each slot.

    Arrivals go on for half a minute, or for as long as a repeat if that is shorter. Slots without a warm-up send what
    is measured and nothing else.
    """
    if point.rate_rps is not None:
        return max(1, min(workload.requests, ceil(point.rate_rps * _SPARE_S)))
    return slots_of(point) * workload.turns if workload.warmup_requests else 0


def warmup_room(workload: Workload, point: Point) -> int:
    """Return for how many requests of a warm-up there must be prompts.

    Slots that were started early go on while a ramp starts the others, and arrivals until the first ones have ended.
    """
    requests = warmup_requests(workload, point)
    if not requests:
        return 0
    if point.rate_rps is not None:
        return requests + spare_requests(workload, point)
    rounds = min(_MOST_RAMP_ROUNDS, ceil(workload.ramp_up_s * _RAMP_ROUNDS_PER_S))
    return _whole_rounds(requests + rounds * slots_of(point), workload, point)


def most_rows(workload: Workload, concurrency: int) -> int:
    """Return how many rows of a trace may be sent at most, where at most so many requests are in flight."""
    if isinstance(workload.load, Replay):
        return max(workload.requests, workload.warmup_requests)
    point = at_concurrency(concurrency)
    return max(requests_per_repeat(workload, point), warmup_room(workload, point), spare_requests(workload, point))


def _whole_rounds(requests: int, workload: Workload, point: Point) -> int:
    step = slots_of(point) * workload.turns
    return -(-requests // step) * step
