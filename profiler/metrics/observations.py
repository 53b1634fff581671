"""What was observed in a run, cut to the part that metrics may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

from profiler.energy.account import Account, Seen, accounts
from profiler.results.manifest import Manifest, Phase, Point
from profiler.results.records import EnergyReading, Outcome, RequestRecord, Sample
from profiler.servers.engine_log import EngineTiming
from profiler.stats.ranges import Range
from profiler.timing.audit import Audit
from profiler.workloads.schema import Slo

_SEVERAL = 2  # points from which a run is a sweep or a search; below, all of its measured phases are one point


IDLE_PHASE = "idle-baseline"


@dataclass(frozen=True)
class Window:
    """A stretch of steady load, in CLOCK_MONOTONIC nanoseconds."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """Duration."""
        return self.end_ns - self.start_ns

    def holds(self, t_ns: int) -> bool:
        """Whether an instant lies inside; the start does not, the end does."""
        return self.start_ns < t_ns <= self.end_ns


@dataclass(frozen=True)
class Metered:
    """What energy meters read over the whole run, and when the machine stood idle for them."""

    readings: Sequence[EnergyReading] = ()
    idle_windows: Sequence[tuple[int, int]] = ()
    idle_busy: Range | None = None  # share of all processors' time


@dataclass(frozen=True)
class Observations:
    """Everything a metric of one point is computed from. Warm-up is left out of `requests`."""

    manifest: Manifest  # with the phases of this point and those that belong to no point
    point: Point
    requests: Sequence[RequestRecord]  # measured ones, whatever their outcome
    finished: Sequence[RequestRecord]  # those of them that ended well
    windows: Sequence[Window]  # the steady part of each repeat
    samples: Sequence[Sample]  # of the whole run, or of the point's measured phases where there are several
    engine_timings: Sequence[EngineTiming | None]  # beside `requests`, where the engine logs them
    wire: Audit | None = None  # of the whole run, where the wire was captured
    metered: Metered = field(default_factory=Metered)

    @property
    def window_ns(self) -> int:
        """Steady time of all repeats."""
        return sum(window.length_ns for window in self.windows)

    @property
    def slo(self) -> Slo:
        """The workload's objectives."""
        return Slo.model_validate(self.manifest.workload.get("slo") or {})

    @cached_property
    def accounts(self) -> list[Account]:
        """What energy was used in the steady windows, meter by meter, the most trustworthy first."""
        spans = [(window.start_ns, window.end_ns) for window in self.windows]
        metered = self.metered
        seen = Seen(metered.readings, spans, _busy(self.samples, spans), metered.idle_windows, metered.idle_busy)
        return accounts(self.manifest.energy, seen)

    def is_steady(self, t_ns: int) -> bool:
        """Whether an instant lies in the steady part of a repeat."""
        return any(window.holds(t_ns) for window in self.windows)


def points_of(manifest: Manifest) -> list[Point]:
    """Return the loads that a run put on the server: those that it names, or the only one that it states."""
    if manifest.points:
        return list(manifest.points)
    load = manifest.workload.get("load") or {}
    concurrency, rate_rps = load.get("concurrency"), load.get("rate_rps")
    if isinstance(concurrency, int):
        return [Point(name=f"c{concurrency}", concurrency=concurrency)]
    return [Point(name=f"r{rate_rps:g}" if isinstance(rate_rps, int | float) else "replay", rate_rps=rate_rps)]


def cut_to_point(manifest: Manifest, name: str) -> Manifest:
    """Return the manifest without the phases of other points than the named one."""
    if len(manifest.points) < _SEVERAL:
        return manifest
    kept = [phase for phase in manifest.phases if phase.point in {None, name}]
    return manifest.model_copy(update={"phases": kept})


def observe(
    manifest: Manifest,
    point: Point,
    requests: Sequence[RequestRecord],
    samples: Sequence[Sample],
    engine_timings: Sequence[EngineTiming | None],
    wire: Audit | None = None,
    wall: Sequence[EnergyReading] = (),
) -> Observations:
    """Cut a run to the measured part of one point. `engine_timings` are those of all requests, in order.

    `wall` are readings of a meter that was imported.
    """
    metered = _metered(manifest, samples, wall)
    is_one_of_several = len(manifest.points) >= _SEVERAL
    manifest = cut_to_point(manifest, point.name)
    measured_phases = [phase for phase in manifest.phases if phase.is_measured]
    measured_names = {phase.name for phase in measured_phases}
    if is_one_of_several:
        samples = [sample for sample in samples if any(_is_during(phase, sample.t_ns) for phase in measured_phases)]
    timings = _beside(requests, engine_timings)
    pairs = [(r, t) for r, t in zip(requests, timings, strict=True) if r.phase in measured_names]
    measured = [request for request, _ in pairs]
    finished = [request for request in measured if request.outcome is Outcome.OK]
    repeats = ([r for r in finished if r.phase == phase.name] for phase in measured_phases)
    windows = [window for repeat in repeats if (window := steady_window(repeat, point.concurrency))]
    timed = [timing for _, timing in pairs]
    return Observations(manifest, point, measured, finished, windows, samples, timed, wire, metered)


def by_repeat(whole: Observations) -> list[Observations]:
    """Return the same observations one repeat at a time."""
    parts = []
    for phase in (phase for phase in whole.manifest.phases if phase.is_measured):
        kept = [i for i, request in enumerate(whole.requests) if request.phase == phase.name]
        finished = [request for request in whole.finished if request.phase == phase.name]
        if not finished:
            continue
        sent_ns = [request.sent_ns for request in finished if request.sent_ns is not None]
        windows = [w for w in whole.windows if w.start_ns >= min(sent_ns) and w.end_ns <= last_byte_ns(finished)]
        parts.append(
            Observations(
                manifest=whole.manifest.model_copy(update={"phases": [phase]}),
                point=whole.point,
                requests=[whole.requests[i] for i in kept],
                finished=finished,
                windows=windows,
                samples=[sample for sample in whole.samples if _is_during(phase, sample.t_ns)],
                engine_timings=[whole.engine_timings[i] for i in kept],
                metered=whole.metered,
            )
        )
    return parts


def _metered(manifest: Manifest, samples: Sequence[Sample], wall: Sequence[EnergyReading]) -> Metered:
    readings = [reading for sample in samples for reading in sample.energy]
    idle = [(p.start_ns, p.end_ns) for p in manifest.phases if p.name == IDLE_PHASE and p.end_ns is not None]
    return Metered([*readings, *wall], idle, _busy(samples, idle))


def _busy(samples: Sequence[Sample], windows: Sequence[tuple[int, int]]) -> Range | None:
    """Return the share of all processors' time that was busy in the windows: the mean of the samples."""
    inside = (s.host_cpu_ratio for s in samples if any(start < s.t_ns <= end for start, end in windows))
    shares = [share for share in inside if share is not None]
    return Range.exact(min(1.0, max(0.0, fmean(shares)))) if shares else None


def _is_during(phase: Phase, t_ns: int) -> bool:
    """Whether an instant lies in a phase; one without an end lasts for ever."""
    return phase.start_ns <= t_ns <= (phase.end_ns or t_ns)


def last_byte_ns(requests: Sequence[RequestRecord]) -> int:
    """Return when the last of these requests had its last byte."""
    return max(end_ns(request) for request in requests)


def end_ns(request: RequestRecord) -> int:
    """Return when the last byte of a finished request arrived."""
    assert request.sent_ns is not None  # noqa: S101 - a finished request has been sent
    return request.sent_ns + request.read_offset_ns[-1]


def steady_window(finished: Sequence[RequestRecord], slots: int | None) -> Window | None:
    """Return the steady part of a repeat; `None` where there was none.

    Closed loop: all slots are busy. It begins when the slot filled last gets its first request, and ends when,
    after the last request was sent, the first slot runs empty. Open loop (`slots` is None): it begins with the
    first answer, when requests in flight have built up, and ends with the last arrival.
    """
    sent_ns = sorted(request.sent_ns for request in finished if request.sent_ns is not None)
    ended_ns = sorted(end_ns(request) for request in finished)
    if len(sent_ns) < (slots or 2):
        return None
    if slots is None:
        start_ns, stop_ns = ended_ns[0], sent_ns[-1]
    else:
        start_ns = sent_ns[slots - 1]
        stop_ns = next((end for end in ended_ns if end > sent_ns[-1]), start_ns)
    return Window(start_ns, stop_ns) if stop_ns > start_ns else None


def _beside(requests: Sequence[RequestRecord], timings: Sequence[EngineTiming | None]) -> list[EngineTiming | None]:
    """Lay timings beside the requests they belong to, or none at all where that is not certain."""
    if len(timings) != len(requests):
        return [None] * len(requests)
    return list(timings)
