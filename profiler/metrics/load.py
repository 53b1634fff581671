"""Whether the load on the server was the one that was asked for."""

from math import sqrt

from profiler.aggregation.observations import Observations
from profiler.metrics.population import WINDOWS
from profiler.metrics.registry import Measurement, NotMeasuredError, per_run
from profiler.number_format import plain_quantity
from profiler.stats.ranges import Range
from profiler.units import ns_to_s, s_to_ns


@per_run("Little's law residual", unit="ratio", group="trust", better="lower", over=WINDOWS)
def littles_law_residual_ratio(seen: Observations) -> float:
    """Requests that the records do not account for / all requests, in the steady windows; large where some are missing.

    Closed loop: |slots − requests in flight − slots that think| / slots, where L requests in flight that take W each
    mean L · think time / W slots that think (J. D. C. Little, "A Proof for the Queuing Formula L = λW", 1961). Open
    loop: numbers of requests without a record / numbers of requests. Added up over the repeats without their signs.
    """
    if not seen.window_ns:
        raise NotMeasuredError(seen.why_not_steady)
    slots = seen.point.concurrency
    if not slots:
        missing = sum(window.missing for window in seen.windows)
        return missing / (missing + sum(window.sent for window in seen.windows))
    thinking = 1 + _think_ns(seen) * seen.totals.sent / seen.totals.busy_ns
    apart_ns = sum(abs(slots * window.length_ns - window.in_flight_ns * thinking) for window in seen.windows)
    return apart_ns / (slots * seen.window_ns)


@per_run("Idle share of the slots", unit="ratio", group="trust", better="lower", over=WINDOWS)
def idle_slot_ratio(seen: Observations) -> float:
    """1 − mean requests in flight / slots of a closed loop: the load that the client failed to put on."""
    if not seen.point.concurrency or _think_ns(seen):
        raise NotMeasuredError("only a closed loop without think time keeps its slots busy")
    return max(0.0, 1 - seen.in_flight / seen.point.concurrency)


@per_run("Arrivals that the server did not keep up with", unit="ratio", group="trust", better="lower", over=WINDOWS)
def unserved_arrivals_ratio(seen: Observations) -> Measurement:
    """Growth of the queue in the steady windows of an open loop, beyond chance / arrivals in them.

    Growth: requests in flight when a window closes − when it opens. Chance: two standard deviations of the difference
    of two Poisson counts, 2 √(in flight at both). Above 0 requests arrive faster than the server finishes them.
    """
    if seen.point.concurrency:
        raise NotMeasuredError("only in an open loop requests arrive whether the server keeps up or not")
    if not seen.window_ns:
        raise NotMeasuredError(seen.why_not_steady)
    arrived = sum(window.sent for window in seen.windows)
    growth = sum(window.growth for window in seen.windows)
    chance = 2 * sqrt(sum(sum(window.in_flight) for window in seen.windows))
    return Measurement(Range.exact(max(0.0, growth - chance) / arrived), _queue_note(seen, arrived, growth))


def _queue_note(seen: Observations, arrived: int, growth: int) -> str:
    """Return arrivals, endings and the queue of the window in which it grew most."""
    seconds = ns_to_s(seen.window_ns)
    before, after = max((window.in_flight for window in seen.windows), key=lambda ends: ends[1] - ends[0])
    came, went = (plain_quantity(count / seconds, "requests/s") for count in (arrived, arrived - growth))
    return f"{came} arrived, {went} finished, and requests in flight went from {before:,} to {after:,}"


def _think_ns(seen: Observations) -> int:
    return s_to_ns(seen.manifest.workload.think_time_s)


@per_run("Requests per request in flight (rounds)", unit="rounds", group="trust", better="higher", over=WINDOWS)
def rounds_per_slot(seen: Observations) -> float:
    """Requests sent in the steady windows / requests in flight (slots of a closed loop, the mean of an open one).

    0 where there is no steady window. All repeats together.
    """
    if not seen.totals.requests:
        raise NotMeasuredError("no measured request ended")
    return seen.rounds
