"""From records to observations in two passes, with memory that does not grow with the number of requests.

The first pass finds the steady windows from when requests were sent and ended. The second adds up every request of a
measured phase to that phase's `Totals` and `Values`, and forgets it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat

from profiler.metrics.catalogue import METRICS
from profiler.metrics.metered import metered
from profiler.metrics.observations import (
    Observations,
    cut_to_point,
    measured_phases,
    points_of,
    samples_during,
    samples_of_point,
    slo_of,
)
from profiler.metrics.pauses import Pauses
from profiler.metrics.registry import NotMeasuredError
from profiler.metrics.totals import EngineTotals, Totals
from profiler.metrics.windows import NOWHEN, Window, steady_windows
from profiler.results.manifest import Manifest, Phase, Point
from profiler.results.records import EnergyReading, Outcome, RequestRecord, Sample
from profiler.servers.engine_log import EngineTiming, timing_told
from profiler.stats.intervals import BATCHES
from profiler.stats.values import EXACT_VALUES, Values
from profiler.timing.audit import Audit
from profiler.workloads.schema import Slo

_PER_REQUEST = [spec for spec in METRICS.values() if spec.kind == "per-request"]
_LEAST_PER_SLICE = 2  # requests that end in it, for each one in flight
_NO_MORE = EngineTiming(0, 0.0, 0, 0.0)  # stands after the last one
_POOLED = [spec for spec in METRICS.values() if spec.kind == "pooled"]


class Tally:
    """What the requests of one measured phase add up to."""

    def __init__(self, window: Window, slo: Slo, exact: int) -> None:
        """Begin with no request; `exact` is how many values of a metric are kept one by one."""
        self.totals = Totals()
        self.engine = EngineTotals()
        self.values = {spec.id: Values(exact) for spec in METRICS.values() if spec.kind != "per-run"}
        self.pauses = Pauses(exact)
        self._window = window
        self._slo = slo

    def take(self, request: RequestRecord, timing: EngineTiming | None) -> None:
        """Add one request, and what the engine says of it."""
        self.totals.take(request, self._window, self._slo)
        if timing is not None:
            self.engine.take(timing, request)
        if request.outcome is Outcome.OK:
            self._take_values(request)
            self.pauses.take(request)

    def append(self, later: "Tally") -> None:
        """Add all requests of another phase, which came later."""
        self.totals.add(later.totals)
        self.engine.add(later.engine)
        for name, values in later.values.items():
            self.values[name].append(values)
        self.pauses.explained_ms.append(later.pauses.explained_ms)

    def _take_values(self, request: RequestRecord) -> None:
        for spec in _PER_REQUEST:
            try:
                self.values[spec.id].add(spec.compute(request))
            except NotMeasuredError:
                continue
        for spec in _POOLED:
            self.values[spec.id].extend(spec.compute(request))


class Slices:
    """The steady window of a repeat in parts, as if each were a small repeat."""

    def __init__(self, window: Window, slo: Slo) -> None:
        """Cut a window."""
        self.windows = window.slices()
        self.totals = [Totals() for _ in self.windows]
        self._edges_ns = [part.end_ns for part in self.windows]
        self._slo = slo

    def take(self, request: RequestRecord) -> None:
        """Add a request that ended well to each part that it was in flight in."""
        first = bisect_left(self._edges_ns, request.sent_ns or 0)
        for part in range(first, min(bisect_left(self._edges_ns, request.last_byte_ns) + 1, len(self.windows))):
            self.totals[part].take_steady(request, self.windows[part], self._slo)


class Collected:
    """Everything that was observed in a run, by measured phase."""

    def __init__(
        self,
        manifest: Manifest,
        requests: Iterable[RequestRecord],
        samples: Sequence[Sample],
        engine_timings: Iterable[EngineTiming | None],
        wire: Audit | None = None,
        wall: Sequence[EnergyReading] = (),
    ) -> None:
        """Read all requests twice.

        `engine_timings` are those of all requests, in order of finishing; what an answer itself tells goes before.
        `wall` are readings of a meter that was imported.
        """
        self._manifest = manifest
        self._wire = wire
        self._metered = metered(manifest, samples, wall)
        self._samples = samples
        self._exact = EXACT_VALUES // max(1, len(measured_phases(manifest)))
        self._windows = steady_windows(requests, _slots(manifest))
        self._tallies = {name: self._tally(name) for name in _slots(manifest)}
        self._slices = self._cut()
        self._has_timings = self._take(requests, engine_timings)

    def point(self, point: Point) -> Observations:
        """Return the observations of one point, all repeats together."""
        manifest = cut_to_point(self._manifest, point.name)
        names = [phase.name for phase in measured_phases(manifest)]
        windows = [self._windows[name] for name in names if name in self._windows]
        samples = samples_of_point(manifest, self._samples)
        return self._observations(manifest, point, windows, samples, self._together(names), self._wire)

    def repeats(self, point: Point) -> list[Observations]:
        """Return the observations of each repeat of a point that has a finished request."""
        phases = measured_phases(cut_to_point(self._manifest, point.name))
        return [self._repeat(phase, point) for phase in phases if self._tallies[phase.name].totals.finished]

    def slices(self, point: Point) -> list[Observations]:
        """Return the steady window of a point's only repeat in ten parts; of each, what is counted in a window.

        None where there are several repeats, which say more, or where fewer than two requests for each one in flight
        end in each part: what lies in two of them makes them resemble each other.
        """
        phases = measured_phases(cut_to_point(self._manifest, point.name))
        if len(phases) != 1 or (name := phases[0].name) not in self._slices:
            return []
        totals, length_ns = self._tallies[name].totals, self._windows[name].length_ns
        if totals.steady_endings < _LEAST_PER_SLICE * BATCHES * max(1.0, totals.in_flight_ns / length_ns):
            return []
        cut = self._slices[name]
        return [self._slice(phases[0], point, *part) for part in zip(cut.windows, cut.totals, strict=True)]

    def _slice(self, phase: Phase, point: Point, window: Window, totals: Totals) -> Observations:
        manifest = self._manifest.model_copy(update={"phases": [phase]})
        samples = [sample for sample in self._samples if window.holds(sample.t_ns)]
        return Observations(manifest, point, [window], samples, totals, {}, Values(), None, None, self._metered)

    def _cut(self) -> dict[str, Slices]:
        """Cut the steady window of each repeat that is the only one of its point."""
        phases = (measured_phases(cut_to_point(self._manifest, point.name)) for point in points_of(self._manifest))
        alone = [several[0].name for several in phases if len(several) == 1]
        slo = slo_of(self._manifest)
        return {name: Slices(self._windows[name], slo) for name in alone if name in self._windows}

    def _repeat(self, phase: Phase, point: Point) -> Observations:
        manifest = self._manifest.model_copy(update={"phases": [phase]})
        windows = [self._windows[phase.name]] if phase.name in self._windows else []
        samples = samples_during([phase], self._samples)
        return self._observations(manifest, point, windows, samples, self._tallies[phase.name])

    def _together(self, names: Sequence[str]) -> Tally:
        """Add up phases; a single one is not copied."""
        if len(names) == 1:
            return self._tallies[names[0]]
        whole = Tally(NOWHEN, Slo(), self._exact * len(names))
        for name in names:
            whole.append(self._tallies[name])
        return whole

    def _observations(
        self,
        manifest: Manifest,
        point: Point,
        windows: Sequence[Window],
        samples: Sequence[Sample],
        tally: Tally,
        wire: Audit | None = None,
    ) -> Observations:
        engine = tally.engine if self._has_timings else None
        found = tally.totals, tally.values, tally.pauses.explained_ms, engine
        return Observations(manifest, point, windows, samples, *found, wire, self._metered)

    def _tally(self, phase: str) -> Tally:
        return Tally(self._windows.get(phase, NOWHEN), slo_of(self._manifest), self._exact)

    def _take(self, requests: Iterable[RequestRecord], engine_timings: Iterable[EngineTiming | None]) -> bool:
        """Add up all requests; return whether the timings can be trusted.

        They can where answers told them, or where there are just as many as requests.
        """
        timings = chain(engine_timings, repeat(_NO_MORE))
        is_told, last = False, None
        for request in requests:
            last = next(timings)
            timing = None if last is _NO_MORE else last
            if request.server_timings is not None:
                is_told, timing = True, timing_told(request.server_timings)
            if request.phase in self._tallies:
                self._tallies[request.phase].take(request, timing)
                if request.outcome is Outcome.OK and request.phase in self._slices:
                    self._slices[request.phase].take(request)
        for tally in self._tallies.values():
            tally.pauses.finish()
        return is_told or (last is not _NO_MORE and next(timings) is _NO_MORE)


def _slots(manifest: Manifest) -> Mapping[str, int | None]:
    """Return the requests in flight of each measured phase, `None` for an open loop."""
    return {
        phase.name: point.concurrency
        for point in points_of(manifest)
        for phase in measured_phases(cut_to_point(manifest, point.name))
    }
