"""What the figures draw, taken from the raw records: pure functions, thinned to what a page can hold.

Seconds on a time axis count from the moment the first measured request was sent; what came before
is negative.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from profiler.energy.use import powers_w
from profiler.results.manifest import Manifest, Phase
from profiler.results.records import EnergyReading, Outcome, RequestRecord, Sample, Timed
from profiler.stats.pieces import Pieces, sorted_into
from profiler.stats.quantiles import quantile
from profiler.stats.values import Ordered, Summed, Values
from profiler.units import ns_to_s

MOST_ROWS = 120  # requests in the timeline, over all repeats
MOST_TICKS = 8_000  # tokens in the timeline
MOST_DOTS = 2_000  # points drawn one by one
MOST_SLICES = 400  # slices of a series that has more points than that
_SLICE_EXACT = 2_000  # values of a slice that are kept one by one
_SLICE_BITS = 8  # beyond, its median is good to 0.4 %: closer than a page can show
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
    median: float
    greatest: float


Point = tuple[float, float]  # seconds, value


def thinned(values: Ordered, most: int = MOST_DOTS) -> list[tuple[int, float]]:
    """Ranks (from 1) and values of a sorted sequence, evenly thinned; both ends are kept."""
    n = len(values)
    if n <= most:
        return [(position + 1, values[position]) for position in range(n)]
    even = {round(step * (n - 1) / (most - _TAIL - 1)) for step in range(most - _TAIL)}
    kept = sorted(even | set(range(n - _TAIL, n)))
    return [(position + 1, values[position]) for position in kept]


class Slicer:
    """Puts points into stretches of the time axis of equal length."""

    def __init__(self, start_s: float, end_s: float, most: int = MOST_SLICES) -> None:
        """Cut the time from `start_s` to `end_s` into `most` stretches."""
        self._start_s = start_s
        self._width_s = (end_s - start_s) / most or 1.0
        self._edges_s = [start_s + number * self._width_s for number in range(1, most)]
        self._bins: dict[int, Values] = {}

    def extend(self, times_s: Pieces, values: Pieces) -> None:
        """Add points in pieces; the times of a piece ascend."""
        for number, some in sorted_into(self._edges_s, times_s, values):
            self._bin(number).extend(some)

    def append(self, later: "Slicer") -> None:
        """Add the points of another one that is cut alike."""
        for number, values in later._bins.items():
            self._bin(number).append(values)

    def slices(self) -> list[Slice]:
        """Return the stretches in order; empty ones are left out."""
        return [self._slice(number, values.ordered()) for number, values in sorted(self._bins.items())]

    def _slice(self, number: int, ordered: Summed) -> Slice:
        return Slice(
            t_s=round(self._start_s + (number + 0.5) * self._width_s, 3),
            median=quantile(ordered, 0.5),
            greatest=ordered[-1],
        )

    def _bin(self, number: int) -> Values:
        if number not in self._bins:
            self._bins[number] = Values(_SLICE_EXACT, _SLICE_BITS, has_interval=False)
        return self._bins[number]


def extremes(points: Sequence[Point]) -> list[Point]:
    """Sorted points as they are, or the least and the greatest of each slice of time where they are too many."""
    if len(points) <= MOST_DOTS:
        return list(points)
    start_s = points[0][0]
    width_s = (points[-1][0] - start_s) / MOST_SLICES or 1.0
    slices: dict[int, list[Point]] = {}
    for point in points:
        slices.setdefault(min(MOST_SLICES - 1, int((point[0] - start_s) / width_s)), []).append(point)
    return [kept for held in slices.values() for kept in sorted({min(held, key=_value), max(held, key=_value)})]


def _value(point: Point) -> float:
    return point[1]


def sample_points(samples: Iterable[Sample], zero_ns: int, value: Callable[[Sample], float | None]) -> list[Point]:
    """One series of `samples`; moments without a value are left out."""
    known = ((sample.t_ns, value(sample)) for sample in samples)
    return sorted((rounded_s(t_ns - zero_ns), number) for t_ns, number in known if number is not None)


def power_points(readings: Sequence[EnergyReading], zero_ns: int) -> list[Point]:
    """Mean power (W) between successive readings of one channel."""
    return [(rounded_s(t_ns - zero_ns), power_w) for t_ns, power_w in powers_w(readings)]


def energy_points(readings: Sequence[EnergyReading], zero_ns: int) -> list[Point]:
    """Energy (J) that one channel has counted since the last reading before `zero_ns`, or else the first."""
    start = max((r for r in readings if r.t_ns <= zero_ns), key=lambda r: r.t_ns, default=readings[0])
    return [(rounded_s(r.t_ns - zero_ns), r.energy_j - start.energy_j) for r in readings if r.t_ns >= start.t_ns]


def spans(manifest: Manifest, zero_ns: int, last_ns: int) -> list[Span]:
    """The phases on the time axis; one without an end lasts until the next one, or until `last_ns`."""
    phases = sorted(manifest.phases, key=lambda phase: phase.start_ns)
    following_ns = [*(phase.start_ns for phase in phases[1:]), last_ns]
    return [_span(phase, zero_ns, next_ns) for phase, next_ns in zip(phases, following_ns, strict=False)]


def start_ns(request: Timed) -> int:
    """When a request was sent, or was to be sent where it never was."""
    return request.scheduled_ns if request.sent_ns is None else request.sent_ns


def rounded_s(duration_ns: int) -> float:
    """Nanoseconds as seconds, to a tenth of a millisecond."""
    return round(ns_to_s(duration_ns), 4)


def row(request: RequestRecord, zero_ns: int) -> Row:
    """One request as the timeline shows it; `zero_ns` is when its repeat sent its first request."""
    sent_ns = start_ns(request) - zero_ns
    tokens_s = tuple(rounded_s(sent_ns + offset_ns) for offset_ns in request.token_arrivals_ns)
    return Row(
        index=request.index,
        repeat=request.phase,
        outcome=str(request.outcome),
        sent_s=rounded_s(sent_ns),
        first_token_s=tokens_s[0] if tokens_s else None,
        end_s=tokens_s[-1] if tokens_s and request.outcome is Outcome.OK else rounded_s(request.finished_ns - zero_ns),
        token_s=tokens_s,
    )


def _span(phase: Phase, zero_ns: int, next_ns: int) -> Span:
    end_ns = max(phase.start_ns, next_ns) if phase.end_ns is None else phase.end_ns
    return Span(phase.name, rounded_s(phase.start_ns - zero_ns), rounded_s(end_ns - zero_ns), phase.is_measured)
