"""What was observed in a run, cut to the part that metrics may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.results.manifest import Manifest
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.servers.engine_log import EngineTiming
from profiler.workloads.schema import Slo


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
class Observations:
    """Everything a metric is computed from. Warm-up is left out of `requests`."""

    manifest: Manifest
    requests: Sequence[RequestRecord]  # measured ones, whatever their outcome
    finished: Sequence[RequestRecord]  # those of them that ended well
    windows: Sequence[Window]  # the steady part of each repeat
    samples: Sequence[Sample]  # of the whole run
    engine_timings: Sequence[EngineTiming | None]  # beside `requests`, where the engine logs them

    @property
    def window_ns(self) -> int:
        """Steady time of all repeats."""
        return sum(window.length_ns for window in self.windows)

    @property
    def slo(self) -> Slo:
        """The workload's objectives."""
        return Slo.model_validate(self.manifest.workload.get("slo") or {})

    def is_steady(self, t_ns: int) -> bool:
        """Whether an instant lies in the steady part of a repeat."""
        return any(window.holds(t_ns) for window in self.windows)


def observe(
    manifest: Manifest,
    requests: Sequence[RequestRecord],
    samples: Sequence[Sample],
    engine_timings: Sequence[EngineTiming],
) -> Observations:
    """Cut a run to its measured part. `engine_timings` are those of all requests, in order."""
    measured_names = [phase.name for phase in manifest.phases if phase.is_measured]
    timings = _beside(requests, engine_timings)
    pairs = [(r, t) for r, t in zip(requests, timings, strict=True) if r.phase in measured_names]
    measured = [request for request, _ in pairs]
    finished = [request for request in measured if request.outcome is Outcome.OK]
    slots = manifest.workload.get("load", {}).get("concurrency")
    repeats = ([r for r in finished if r.phase == name] for name in measured_names)
    windows = [window for repeat in repeats if (window := steady_window(repeat, slots))]
    return Observations(manifest, measured, finished, windows, samples, [timing for _, timing in pairs])


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
                requests=[whole.requests[i] for i in kept],
                finished=finished,
                windows=windows,
                samples=[s for s in whole.samples if phase.start_ns <= s.t_ns <= (phase.end_ns or s.t_ns)],
                engine_timings=[whole.engine_timings[i] for i in kept],
            )
        )
    return parts


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


def _beside(requests: Sequence[RequestRecord], timings: Sequence[EngineTiming]) -> list[EngineTiming | None]:
    """Lay timings beside the requests they belong to, or none at all where that is not certain."""
    if len(timings) != len(requests):
        return [None] * len(requests)
    return list(timings)
