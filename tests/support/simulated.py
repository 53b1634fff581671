"""Servers of known timing, simulated: when requests are sent and when they end, in seconds."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from heapq import heappop, heappush
from math import log, sqrt
from random import Random as _Random

from profiler.aggregation.windows import FEWEST_REQUESTS, FEWEST_ROUNDS, Stretch, Times, Window, steady_windows
from profiler.stats.intervals import parts_half_width, repeats_half_width
from profiler.stats.ratios import ratio_of_means

NS = 1_000_000_000
Span = tuple[float, float]


class Random(_Random):
    """Repeatable, not secret."""


@dataclass(frozen=True)
class Load:
    """A closed loop: repeats of so many rounds of its slots, warm-up and cool-down around them."""

    model: str
    slots: int
    rounds: int
    repeats: int = 1
    warmup_rounds: int = 2
    cooldown_rounds: int = 1

    @property
    def phases(self) -> list[tuple[str, int]]:
        """Names and requests."""
        repeats = [(f"repeat-{i + 1}", self.rounds * self.slots) for i in range(self.repeats)]
        return [
            ("warmup", self.warmup_rounds * self.slots),
            *repeats,
            ("cooldown", self.cooldown_rounds * self.slots),
        ]


@dataclass(frozen=True)
class Found:
    """What the project's functions make of a run, per second."""

    rate: float
    half_width: float | None
    unaccounted: float  # share of the slots' time that no record accounts for
    counted: float = 0.0  # by counting what ended before the last send of the first repeat, alone and from a cold start


def _log_normal(cv: float) -> Callable[[Random], float]:
    sigma = sqrt(log(1 + cv * cv))
    return lambda random: random.lognormvariate(-sigma * sigma / 2, sigma)


DURATIONS: dict[str, Callable[[Random], float]] = {
    "lock-step": lambda _: 1.0,
    "log-normal-0.3": _log_normal(0.3),
    "log-normal-1.0": _log_normal(1.0),
    "bimodal": lambda random: 0.4 if random.random() < 0.75 else 2.8,
}


def _with_stragglers(random: Random) -> float:
    return 20.0 if random.random() < 0.01 else 0.5


def _independent(model: str, slots: int, requests: int, random: Random) -> list[Span]:
    """Each request takes its own time, whatever the others do."""
    return in_turn(slots, requests, lambda sent_s: sent_s + DURATIONS[model](random))


def _serial_prefill(slots: int, requests: int, random: Random) -> list[Span]:
    """Prompts are read one after the other, half a second for a round of them; then tokens come for about 0.9 s."""
    free_s = 0.0

    def end(sent_s: float) -> float:
        nonlocal free_s
        free_s = max(free_s, sent_s) + 0.5 / slots
        return free_s + 0.9 * random.lognormvariate(0, 0.1)

    return in_turn(slots, requests, end)


def in_turn(slots: int, requests: int, end: Callable[[float], float]) -> list[Span]:
    """Send from slots, each its next request when its last one has ended; `end` says when one sent at a time does."""
    free = [0.0] * slots
    spans = []
    for _ in range(requests):
        sent_s = heappop(free)
        ended_s = end(sent_s)
        heappush(free, ended_s)
        spans.append((sent_s, ended_s))
    return spans


def _shared(slots: int, requests: int, random: Random) -> list[Span]:
    """The server is half as slow for one request alone as for all slots: processor sharing."""
    work, now_s, done = _log_normal(0.3), 0.0, 0.0
    under_way: list[tuple[float, int, float]] = []  # work at which it ends, number, when it was sent
    ended: dict[int, Span] = {}
    for number in range(min(slots, requests)):
        heappush(under_way, (work(random), number, 0.0))
    while under_way:
        ends_at, number, sent_s = heappop(under_way)
        now_s += (ends_at - done) * (0.5 + 0.5 * (len(under_way) + 1) / slots)
        done = ends_at
        ended[number] = (sent_s, now_s)
        following = len(ended) + len(under_way)
        if following < requests:
            heappush(under_way, (done + work(random), following, now_s))
    return [ended[number] for number in range(requests)]


MODELS: dict[str, Callable[[int, int, Random], list[Span]]] = {
    **{
        name: (lambda slots, requests, random, name=name: _independent(name, slots, requests, random))
        for name in DURATIONS
    },
    "serial-prefill": _serial_prefill,
    "processor-sharing": _shared,
}


@cache
def truth_of(load: Load, requests: int = 40_000) -> float:
    """Requests per second in the long run, where no formula knows it that of so many requests."""
    if load.model in DURATIONS:
        return float(load.slots)
    return _long_run(load.model, load.slots, requests)


@cache
def _long_run(model: str, slots: int, requests: int) -> float:
    spans = MODELS[model](slots, requests, Random(99))
    first, last = requests // 5, requests - slots
    return (last - first) / (spans[last][0] - spans[first][0])


def estimates_of(load: Load, runs: int, seed: int, without: float = 0.0) -> list[Found]:
    """Measure a load so often; of the records a share is lost."""
    random = Random(seed)
    return [_estimate(load, random, without) for _ in range(runs)]


def rate_of(load: Load, spans: Sequence[Span]) -> float:
    """Return requests per second of a run that took these times."""
    return _found(load, spans, Random(0), 0.0).rate


def _estimate(load: Load, random: Random, without: float) -> Found:
    spans = MODELS[load.model](load.slots, sum(count for _, count in load.phases), random)
    return replace(_found(load, spans, random, without), counted=_counted(load))


def _found(load: Load, spans: Sequence[Span], random: Random, without: float) -> Found:
    times: dict[str, Times] = {}
    kept: list[Span] = []
    first = 0
    for name, count in load.phases:
        own = [span for span in spans[first : first + count] if random.random() >= without]
        times[name] = _as_times(own)
        kept += own
        first += count
    names = tuple(name for name, _ in load.phases)
    stretch = Stretch(names, frozenset(name for name in names if name.startswith("repeat-")), load.slots)
    windows = list(steady_windows(stretch, times).values())
    sent_ns = [round(sent * NS) for sent, _ in kept]
    busy_ns = [round(ended * NS) - round(sent * NS) for sent, ended in kept]
    rate = _rate(windows, sent_ns, busy_ns)
    return Found(rate, _half_width(load, rate, windows, sent_ns, busy_ns), _unaccounted(load, windows))


def _as_times(spans: Sequence[Span]) -> Times:
    times = Times()
    for index, (sent_s, ended_s) in enumerate(spans):
        times.sent_ns.append(round(sent_s * NS))
        times.ended_ns.append(round(ended_s * NS))
        times.indexes.append(index)
    return times


def _rate(windows: Sequence[Window], sent_ns: Sequence[int], busy_ns: Sequence[int]) -> float:
    inside: list[int] = []
    for window in windows:
        inside += busy_ns[bisect_left(sent_ns, window.start_ns) : bisect_left(sent_ns, window.end_ns)]
    in_flight = sum(window.in_flight_ns for window in windows) / sum(window.length_ns for window in windows)
    n, total = len(inside), sum(inside)
    return in_flight * ratio_of_means(n, n, total, total, float(sum(busy * busy for busy in inside))) * NS


def _half_width(
    load: Load, rate: float, windows: Sequence[Window], sent_ns: Sequence[int], busy_ns: Sequence[int]
) -> float | None:
    sent = sum(window.sent for window in windows)
    if sent < FEWEST_REQUESTS or sent < FEWEST_ROUNDS * load.slots:
        return None
    parts = windows if len(windows) > 1 else windows[0].slices
    rates = [_rate([part], sent_ns, busy_ns) for part in parts]
    if len(windows) > 1:
        return repeats_half_width(rates)
    return parts_half_width(rate, rates, [part.length_ns for part in parts])


def _unaccounted(load: Load, windows: Sequence[Window]) -> float:
    apart = sum(abs(load.slots * window.length_ns - window.in_flight_ns) for window in windows)
    return apart / sum(load.slots * window.length_ns for window in windows)


def _counted(load: Load) -> float:
    """Return what was made of one cold repeat before: endings from the last slot's start to the first one empty."""
    spans = MODELS[load.model](load.slots, load.rounds * load.slots, Random(1))
    start_s, last_s = spans[load.slots - 1][0], spans[-1][0]
    stop_s = min(ended for _, ended in spans if ended > last_s)
    # slots that end together do so a moment apart
    return (1 + sum(start_s < ended < stop_s for _, ended in spans)) / (stop_s - start_s)


def open_loop(model: str, per_s: float, requests: int, seed: int, servers: int | None = None) -> list[Span]:
    """Poisson arrivals at a rate, each served at once or by the first of so many servers that is free."""
    random, now_s, spans = Random(seed), 0.0, []
    free = [0.0] * (servers or 0)
    for _ in range(requests):
        now_s += random.expovariate(per_s)
        begin_s = max(now_s, heappop(free)) if servers else now_s
        ended_s = begin_s + (_with_stragglers if model == "stragglers" else DURATIONS[model])(random)
        if servers:
            heappush(free, ended_s)
        spans.append((now_s, ended_s))
    return spans
