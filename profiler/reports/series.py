"""What the figures draw, taken from the raw records: pure functions, thinned to what a page can hold.

Seconds on a time axis count from the moment the first measured request was sent; what came before
is negative.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from profiler.energy.use import powers_w
from profiler.metrics.catalogue import METRICS
from profiler.metrics.latency import itl_ms, token_arrivals_ns
from profiler.metrics.registry import NotMeasuredError
from profiler.results.manifest import Manifest, Phase
from profiler.results.records import EnergyReading, Outcome, RequestRecord, Sample
from profiler.units import ns_to_s

MOST_ROWS = 120  # requests in the timeline, over all repeats
MOST_TICKS = 8_000  # tokens in the timeline
MOST_DOTS = 2_000  # points drawn one by one
MOST_SLICES = 400  # slices of a series that has more points than that
_TAIL = 50  # largest values of a distribution, never thinned


@dataclass(frozen=True)
class Row:
    """One request in the timeline; times are seconds since its repeat sent its first request."""

    index: int
    repeat: str
    outcome: str
    sent_s: float
    first_token_s: float | None
    end_s: float
    token_s: tuple[float, ...]


@dataclass(frozen=True)
class Timeline:
    """The requests that are drawn, out of how many."""

    rows: tuple[Row, ...]
    total: int
    has_all_ticks: bool


@dataclass(frozen=True)
class Span:
    """A phase of the run on the time axis."""

    name: str
    start_s: float
    end_s: float
    is_measured: bool


@dataclass(frozen=True)
class Slice:
    """Points that share a stretch of the time axis, reduced to what is drawn of them."""

    t_s: float
    mean: float
    median: float
    greatest: float


Point = tuple[float, float]  # seconds, value


def measured(manifest: Manifest, requests: Iterable[RequestRecord]) -> list[RequestRecord]:
    """The requests of the measured phases, in the order of sending."""
    names = {phase.name for phase in manifest.phases if phase.is_measured}
    chosen = [request for request in requests if request.phase in names]
    return sorted(chosen, key=lambda request: (_start_ns(request), request.index))


def origin_ns(manifest: Manifest, requests: Sequence[RequestRecord], samples: Sequence[Sample]) -> int:
    """The zero of the time axis: first measured request, or else the earliest thing known."""
    if requests:
        return min(_start_ns(request) for request in requests)
    known = [phase.start_ns for phase in manifest.phases] + [sample.t_ns for sample in samples]
    return min(known, default=0)


def latencies_ms(metric_id: str, requests: Iterable[RequestRecord]) -> list[float]:
    """Every value of a latency metric over the requests that ended well, sorted."""
    spec = METRICS[metric_id]
    values: list[float] = []
    for request in requests:
        if request.outcome is Outcome.OK:
            with suppress(NotMeasuredError):
                value = spec.compute(request)
                values.extend(value if spec.kind == "pooled" else [value])
    return sorted(values)


def thinned(values: Sequence[float], most: int = MOST_DOTS) -> list[tuple[int, float]]:
    """Ranks (from 1) and values of a sorted sequence, evenly thinned; both ends are kept."""
    n = len(values)
    if n <= most:
        return list(enumerate(values, start=1))
    even = {round(step * (n - 1) / (most - _TAIL - 1)) for step in range(most - _TAIL)}
    kept = sorted(even | set(range(n - _TAIL, n)))
    return [(position + 1, values[position]) for position in kept]


def timeline(requests: Sequence[RequestRecord]) -> Timeline:
    """The first requests of each repeat, as many as can be told apart on a page."""
    repeats: dict[str, list[RequestRecord]] = {}
    for request in requests:
        repeats.setdefault(request.phase, []).append(request)
    share = max(1, MOST_ROWS // max(1, len(repeats)))
    rows: list[Row] = []
    for members in list(repeats.values())[:MOST_ROWS]:
        start_ns = _start_ns(members[0])
        rows += [_row(request, start_ns) for request in members[:share]]
    wanted = sum(len(row.token_s) for row in rows)
    return Timeline(tuple(rows), len(requests), wanted <= MOST_TICKS)


def gap_points(requests: Iterable[RequestRecord], zero_ns: int) -> list[Point]:
    """Every gap between tokens (ms) at the moment it ended, over requests that ended well."""
    points: list[Point] = []
    for request in requests:
        if request.outcome is not Outcome.OK:
            continue
        sent_ns = _start_ns(request)
        ends_ns = token_arrivals_ns(request)[1:]
        times = (_rounded_s(sent_ns + end_ns - zero_ns) for end_ns in ends_ns)
        points += zip(times, itl_ms(request), strict=True)
    return sorted(points)


def slices(points: Sequence[Point], most: int = MOST_SLICES) -> list[Slice]:
    """Sorted points in at most `most` stretches of equal length; empty stretches are left out."""
    if not points:
        return []
    start_s, end_s = points[0][0], points[-1][0]
    width_s = (end_s - start_s) / most or 1.0
    bins: dict[int, list[float]] = {}
    for t_s, value in points:
        bins.setdefault(min(most - 1, int((t_s - start_s) / width_s)), []).append(value)
    return [
        Slice(
            t_s=round(start_s + (number + 0.5) * width_s, 3),
            mean=statistics.fmean(values),
            median=statistics.median(values),
            greatest=max(values),
        )
        for number, values in bins.items()
    ]


def sample_points(samples: Iterable[Sample], zero_ns: int, value: Callable[[Sample], float | None]) -> list[Point]:
    """One series of `samples`; moments without a value are left out."""
    known = ((sample.t_ns, value(sample)) for sample in samples)
    return sorted((_rounded_s(t_ns - zero_ns), number) for t_ns, number in known if number is not None)


def power_points(readings: Sequence[EnergyReading], zero_ns: int) -> list[Point]:
    """Mean power (W) between successive readings of one channel."""
    return [(_rounded_s(t_ns - zero_ns), power_w) for t_ns, power_w in powers_w(readings)]


def spans(manifest: Manifest, zero_ns: int, last_ns: int) -> list[Span]:
    """The phases on the time axis; one without an end lasts until the next one, or until `last_ns`."""
    phases = sorted(manifest.phases, key=lambda phase: phase.start_ns)
    following_ns = [*(phase.start_ns for phase in phases[1:]), last_ns]
    return [_span(phase, zero_ns, next_ns) for phase, next_ns in zip(phases, following_ns, strict=False)]


def last_ns(requests: Iterable[RequestRecord], samples: Iterable[Sample]) -> int:
    """The latest moment in the records."""
    return max([*(request.finished_ns for request in requests), *(sample.t_ns for sample in samples)], default=0)


def _start_ns(request: RequestRecord) -> int:
    return request.scheduled_ns if request.sent_ns is None else request.sent_ns


def _rounded_s(duration_ns: int) -> float:
    return round(ns_to_s(duration_ns), 4)


def _row(request: RequestRecord, start_ns: int) -> Row:
    sent_ns = _start_ns(request) - start_ns
    tokens_s = tuple(_rounded_s(sent_ns + offset_ns) for offset_ns in token_arrivals_ns(request))
    return Row(
        index=request.index,
        repeat=request.phase,
        outcome=str(request.outcome),
        sent_s=_rounded_s(sent_ns),
        first_token_s=tokens_s[0] if tokens_s else None,
        end_s=tokens_s[-1]
        if tokens_s and request.outcome is Outcome.OK
        else _rounded_s(request.finished_ns - start_ns),
        token_s=tokens_s,
    )


def _span(phase: Phase, zero_ns: int, next_ns: int) -> Span:
    end_ns = max(phase.start_ns, next_ns) if phase.end_ns is None else phase.end_ns
    return Span(phase.name, _rounded_s(phase.start_ns - zero_ns), _rounded_s(end_ns - zero_ns), phase.is_measured)
