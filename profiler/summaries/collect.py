"""From records to observations in two passes, with memory that does not grow with the number of requests.

The first pass finds the steady windows from when requests were sent and ended. The second adds every request that was
sent in the window of a phase to that phase's `Totals` and `Values`, and forgets it. Where no repeat of a load was
steady, its latencies are those of all measured requests, and it has no rates.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from profiler.aggregation.languages import LanguageTotals
from profiler.aggregation.metered import metered
from profiler.aggregation.observations import (
    Observations,
    cut_to_point,
    measured_phases,
    samples_during,
    samples_of_point,
    slo_of,
)
from profiler.aggregation.pauses import Pauses
from profiler.aggregation.scores import Scores
from profiler.aggregation.stretches import stretches_of
from profiler.aggregation.totals import EngineTotals, Totals
from profiler.aggregation.windows import ALWAYS, NOWHEN, Window, find_steady
from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import NotMeasuredError, PerRequest, Pooled
from profiler.results.manifest import Manifest, Phase, Point
from profiler.results.points import points_of
from profiler.results.records import EnergyReading, Outcome, RequestRecord, Sample
from profiler.servers.timings import EngineTiming, timing_told
from profiler.stats.values import EXACT_VALUES, Values
from profiler.wire_audit.audit import Audit
from profiler.workloads.phases import repeat_number
from profiler.workloads.schema import Slo

_PER_REQUEST = [spec for spec in METRICS.values() if isinstance(spec, PerRequest) and not spec.of_burst]
_OF_BURST = [spec for spec in METRICS.values() if isinstance(spec, PerRequest) and spec.of_burst]
_NO_MORE = EngineTiming(0, 0.0, 0, 0.0)  # stands after the last one
_POOLED = [spec for spec in METRICS.values() if isinstance(spec, Pooled)]


class Tally:
    """What the requests of one measured phase add up to."""

    def __init__(self, window: Window, slo: Slo, exact: int) -> None:
        """Begin with no request; `exact` is how many values of a metric are kept one by one."""
        self.totals = Totals()
        self.engine = EngineTotals()
        self.values = {spec.id: Values(exact) for spec in (*_PER_REQUEST, *_OF_BURST, *_POOLED)}
        self.pauses = Pauses(exact)
        self.languages: dict[str, LanguageTotals] = {}
        self._window = window
        self._slo = slo

    def take(self, request: RequestRecord, timing: EngineTiming | None) -> None:
        """Add one request, and what the engine says of it."""
        self.totals.count(request)
        is_steady = self._window.holds(request.begun_ns)
        if is_steady:
            self.totals.take(request, self._slo)
            if timing is not None:
                self.engine.take(timing, request)
        if request.outcome is Outcome.OK:
            self.pauses.take(request, is_steady)
            if is_steady:
                self._take_values(request)
                self._take_language(request)

    def take_first(self, request: RequestRecord) -> None:
        """Add one request that the load began with."""
        for spec in _OF_BURST:
            self._take_value(spec, request)

    def append(self, later: "Tally") -> None:
        """Add all requests of another phase, which came later."""
        self.totals.add(later.totals)
        self.engine.add(later.engine)
        for name, values in later.values.items():
            self.values[name].append(values)
        self.pauses.explained_ms.append(later.pauses.explained_ms)
        for language, totals in later.languages.items():
            self.languages.setdefault(language, LanguageTotals()).add(totals)

    def _take_language(self, request: RequestRecord) -> None:
        if request.language is not None:
            self.languages.setdefault(request.language, LanguageTotals()).take(request)

    def _take_values(self, request: RequestRecord) -> None:
        for spec in _PER_REQUEST:
            self._take_value(spec, request)
        for pooled in _POOLED:
            self.values[pooled.id].extend(pooled.compute(request))

    def _take_value(self, spec: PerRequest, request: RequestRecord) -> None:
        try:
            value = spec.compute(request)
        except NotMeasuredError:
            return
        self.values[spec.id].add(value)


class Slices:
    """The steady window of a repeat in parts, as if each were a small repeat."""

    def __init__(self, window: Window, slo: Slo) -> None:
        """Cut a window."""
        self.windows = window.slices
        self.totals = [Totals() for _ in self.windows]
        self._starts_ns = [part.start_ns for part in self.windows]
        self._slo = slo

    def take(self, request: RequestRecord) -> None:
        """Add a request to the part that it was sent in."""
        part = bisect_right(self._starts_ns, request.begun_ns) - 1
        if part >= 0 and self.windows[part].holds(request.begun_ns):
            self.totals[part].count(request)
            self.totals[part].take(request, self._slo)


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
        scores: Scores | None = None,
    ) -> None:
        """Read all requests twice.

        `engine_timings` are those of all requests, in order of finishing; what an answer itself tells goes before.
        `wall` are readings of a meter that was imported.
        """
        self._manifest = manifest
        self._wire = wire
        self._scores = scores or Scores()
        self._metered = metered(manifest, samples, wall)
        self._samples = samples
        self._exact = EXACT_VALUES // max(1, len(measured_phases(manifest)))
        steady = find_steady(requests, stretches_of(manifest))
        self._windows, self._bursts = steady.windows, steady.bursts
        self._tallies = dict(chain.from_iterable(map(self._tallies_of, points_of(manifest))))
        self._slices = self._cut()
        self._has_timings = self._take(requests, engine_timings)

    def point(self, point: Point) -> Observations:
        """Return the observations of one point, all repeats together."""
        manifest = cut_to_point(self._manifest, point.name)
        names = [phase.name for phase in measured_phases(manifest)]
        windows = [self._windows[name] for name in names if name in self._windows]
        samples = samples_of_point(manifest, self._samples)
        scores = self._scores.at(point.name)
        return self._observations(manifest, point, windows, samples, self._together(names), scores, self._wire)

    def repeats(self, point: Point) -> list[Observations]:
        """Return the observations of each repeat of a point that has a finished request."""
        phases = measured_phases(cut_to_point(self._manifest, point.name))
        return [self._repeat(phase, point) for phase in phases if self._tallies[phase.name].totals.finished]

    def slices(self, point: Point) -> list[Observations]:
        """Return the steady window of a point's only repeat in parts; of each, what is counted in a window.

        None where there are several repeats, which say more, or where there are too few requests.
        """
        phases = measured_phases(cut_to_point(self._manifest, point.name))
        if len(phases) != 1 or phases[0].name not in self._slices:
            return []
        cut = self._slices[phases[0].name]
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
        scores = self._scores.at(point.name, repeat_number(phase.name))
        return self._observations(manifest, point, windows, samples, self._tallies[phase.name], scores)

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
        scores: Scores,
        wire: Audit | None = None,
    ) -> Observations:
        engine = tally.engine if self._has_timings else None
        found = tally.totals, tally.values, tally.pauses.explained_ms, engine
        return Observations(
            manifest, point, windows, samples, *found, wire, self._metered, scores=scores, languages=tally.languages
        )

    def _tallies_of(self, point: Point) -> list[tuple[str, Tally]]:
        """Return what will hold the requests of each repeat of a point."""
        names = [phase.name for phase in measured_phases(cut_to_point(self._manifest, point.name))]
        otherwise = NOWHEN if any(name in self._windows for name in names) else ALWAYS
        slo = slo_of(self._manifest)
        return [(name, Tally(self._windows.get(name, otherwise), slo, self._exact)) for name in names]

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
            self._take_one(request, timing)
        for tally in self._tallies.values():
            tally.pauses.finish()
        return is_told or (last is not _NO_MORE and next(timings) is _NO_MORE)

    def _take_one(self, request: RequestRecord, timing: EngineTiming | None) -> None:
        if request.phase in self._tallies:
            self._tallies[request.phase].take(request, timing)
        if request.phase in self._slices:
            self._slices[request.phase].take(request)
        burst = self._bursts.get(request.phase)
        if burst and request.outcome is Outcome.OK and request.begun_ns <= burst.until_ns:
            self._tallies[burst.phase].take_first(request)
