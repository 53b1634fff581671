"""What was observed at a point of a run or in one repeat of it, added up: all that its metrics are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from profiler.aggregation.languages import LanguageTotals
from profiler.aggregation.metered import Metered, busy_range
from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.scores import NO_SCORES, Scores
from profiler.aggregation.totals import EngineTotals, Totals
from profiler.aggregation.windows import Window
from profiler.energy.account import Account, accounts
from profiler.energy.use import Seen
from profiler.results.manifest import Manifest, Phase, Point
from profiler.results.points import engine_at
from profiler.results.records import Sample
from profiler.stats.values import Values
from profiler.wire_audit.audit import Audit
from profiler.workloads.schema import Slo

ENOUGH_ROUNDS = 10  # requests of a repeat for each slot that make a load steady
NO_OUTPUT = "an embedding has no output tokens"

_SEVERAL = 2  # points from which a run is a sweep or a search; below, all of its measured phases are one point


@dataclass(frozen=True)
class Observations:
    """Everything a metric is computed from. Warm-up is left out of `totals` and `values`."""

    manifest: Manifest  # with the phases of this point and those that belong to no point; or with one repeat's
    point: Point
    windows: Sequence[Window]  # the steady part of each repeat
    samples: Sequence[Sample]  # of the whole run, or of the measured phases where there are several points
    totals: Totals
    values: Mapping[str, Values]  # of each metric with one value per request or several, in order of finishing
    explained_pauses_ms: Values  # long gaps between tokens while another request waited for its first
    engine: EngineTotals | None  # where the engine's log matches the requests one to one
    wire: Audit | None  # of the whole run, where the wire was captured; not of a repeat
    metered: Metered
    is_divisor: bool = False  # whether rates are divided by, as in what a request costs
    scores: Scores = NO_SCORES  # of the answers that were kept
    languages: Mapping[str, LanguageTotals] = field(default_factory=dict)  # of what was asked, where rows tell
    load_ratio: float = 1.0  # what the whole run was offered / what this part of it was: arrivals differ by chance

    @property
    def window_ns(self) -> int:
        """Steady time of all repeats."""
        return sum(window.length_ns for window in self.windows)

    @property
    def in_flight(self) -> float:
        """Requests in flight, averaged over the steady windows. Raises `NotMeasuredError`."""
        if not self.window_ns:
            raise NotMeasuredError(self.why_not_steady)
        in_flight_ns = sum(window.in_flight_ns for window in self.windows)
        if not in_flight_ns:
            raise NotMeasuredError("no request was in flight in the steady windows")
        return self.load_ratio * in_flight_ns / self.window_ns

    @property
    def finished_per_ns(self) -> float:
        """Requests that ended in the steady windows of an open loop, whatever their outcome, / the windows' length.

        Requests sent − growth of those in flight. Not in flight / mean duration: one request that takes longer than the
        window is in flight in it for a part of its duration only, which made that rate too low by a fifth and more.
        Raises `NotMeasuredError`.
        """
        if not self.window_ns:
            raise NotMeasuredError(self.why_not_steady)
        finished = sum(window.sent - window.growth for window in self.windows)
        if finished <= 0:
            raise NotMeasuredError("no request ended in the steady windows")
        return self.load_ratio * finished / self.window_ns

    @property
    def rounds(self) -> float:
        """Requests sent in the steady windows for each one in flight."""
        sent = sum(window.sent for window in self.windows)
        return sent / max(1.0, self.point.concurrency or self.in_flight) if sent else 0.0

    @property
    def why_not_steady(self) -> str:
        """Why there is no steady window, and what to do."""
        requests, slots = self.totals.requests, self.point.concurrency
        if not slots or not requests:
            return f"no steady state: {requests} requests are too few; pass --requests"
        return f"{requests} requests for {slots} slots: no steady state; pass --requests {ENOUGH_ROUNDS * slots}"

    def offered_as(self, whole: Observations) -> Observations:
        """Return this part of a run as if as many requests had arrived in a time as in all of it.

        In an open loop arrivals differ from part to part, by chance and whatever the server does; what it makes of
        them is what an interval has to be of. In a closed loop the server itself decides when requests are sent.
        """
        if self.point.concurrency or not self.window_ns or not whole.window_ns:
            return self
        return replace(self, load_ratio=whole.offered_per_ns / self.offered_per_ns)

    @property
    def offered_per_ns(self) -> float:
        """Requests sent in the steady windows / their length."""
        return sum(window.sent for window in self.windows) / self.window_ns

    @property
    def is_embedding(self) -> bool:
        """Whether every answer is a vector, without tokens."""
        return self.manifest.workload.is_embedding

    @property
    def slo(self) -> Slo:
        """The workload's objectives."""
        return slo_of(self.manifest)

    @cached_property
    def accounts(self) -> list[Account]:
        """What energy was used in the steady windows, meter by meter, the most trustworthy first."""
        spans = [(window.start_ns, window.end_ns) for window in self.windows]
        metered = self.metered
        seen = Seen(
            metered.readings,
            spans,
            busy_range(self.samples, spans),
            metered.idle_windows,
            metered.idle_busy,
            self.manifest.server_host.gpus,
        )
        return accounts(self.manifest.energy, seen)

    @cached_property
    def steady_samples(self) -> list[Sample]:
        """The samples that were taken in the steady part of a repeat."""
        return [sample for sample in self.samples if any(window.holds(sample.t_ns) for window in self.windows)]


def slo_of(manifest: Manifest) -> Slo:
    """Return the objectives that a run's workload states."""
    return manifest.workload.slo


def cut_to_point(manifest: Manifest, name: str) -> Manifest:
    """Return the manifest without the phases of other points than the named one, with the engine as it was there."""
    if len(manifest.points) < _SEVERAL:
        return manifest
    kept = [phase for phase in manifest.phases if phase.point in {None, name}]
    point = next((each for each in manifest.points if each.name == name), None)
    engine = manifest.engine if point is None else engine_at(manifest.engine, point)
    return manifest.model_copy(update={"phases": kept, "engine": engine})


def measured_phases(manifest: Manifest) -> list[Phase]:
    """Return the phases whose requests enter the metrics."""
    return [phase for phase in manifest.phases if phase.is_measured]


def samples_of_point(manifest: Manifest, samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the samples of the measured phases of a manifest cut to one of several points; all in a plain run."""
    return samples if len(manifest.points) < _SEVERAL else samples_during(measured_phases(manifest), samples)


def samples_during(phases: Sequence[Phase], samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples taken during some phases; one without an end lasts for ever."""
    return [s for s in samples if any(p.start_ns <= s.t_ns <= (p.end_ns or s.t_ns) for p in phases)]
