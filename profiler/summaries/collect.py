"""From records to observations in two passes, with memory that does not grow with the number of requests.

The first pass finds the steady windows from when requests were sent and ended. The second adds every request that was
sent in the window of a phase to that phase's `Totals` and `Values`, and forgets it. Where no repeat of a load was
steady, its latencies are those of all measured requests, and it has no rates. Both go through the requests in parts,
which several processes share where there are many.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from profiler.aggregation.metered import metered
from profiler.aggregation.observations import (
    Observations,
    cut_to_point,
    measured_phases,
    samples_during,
    samples_of_point,
    slo_of,
)
from profiler.aggregation.scores import Scores
from profiler.aggregation.stretches import stretches_of
from profiler.aggregation.totals import Totals
from profiler.aggregation.windows import ALWAYS, NOWHEN, Window, find_steady, times_by_phase
from profiler.results.folder import parts_of
from profiler.results.manifest import Manifest, Phase, Point
from profiler.results.points import points_of
from profiler.results.records import EnergyReading, RequestRecord, Sample
from profiler.servers.timings import EngineTiming, timing_told
from profiler.shared_work import in_order
from profiler.stats.values import EXACT_VALUES, Values
from profiler.summaries.tally import Slices, SortedPart, Sorter, Tally, Together
from profiler.wire_audit.audit import Audit
from profiler.workloads.phases import repeat_number

_NO_MORE = EngineTiming(0, 0.0, 0, 0.0)  # stands after the last one


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
        parts = parts_of(requests)
        steady = find_steady(in_order(times_by_phase, parts), stretches_of(manifest))
        self._windows = steady.windows
        counted = dict(chain.from_iterable(map(self._counted_windows, points_of(manifest))))
        sliced = self._sliced()
        self._tallies = {name: Tally(self._exact) for name in counted}
        self._slices = {name: Slices(window) for name, window in sliced.items()}
        sorter = Sorter(counted, sliced, steady.bursts, slo_of(manifest))
        self._has_timings = self._take(in_order(sorter.part, parts), engine_timings)

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

    def _sliced(self) -> dict[str, Window]:
        """Return the steady window of each repeat that is the only one of its point."""
        phases = (measured_phases(cut_to_point(self._manifest, point.name)) for point in points_of(self._manifest))
        alone = [several[0].name for several in phases if len(several) == 1]
        return {name: self._windows[name] for name in alone if name in self._windows}

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
        exact, tallies = self._exact * len(names), [self._tallies[name] for name in names]
        whole = Tally(exact)
        whole.values = Together(tallies, exact)
        for tally in tallies:
            whole.append_sums(tally)
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

    def _counted_windows(self, point: Point) -> list[tuple[str, Window]]:
        """Return in which window the requests of each repeat of a point count."""
        names = [phase.name for phase in measured_phases(cut_to_point(self._manifest, point.name))]
        otherwise = NOWHEN if any(name in self._windows for name in names) else ALWAYS
        return [(name, self._windows.get(name, otherwise)) for name in names]

    def _take(self, parts: Iterable[SortedPart], engine_timings: Iterable[EngineTiming | None]) -> bool:
        """Add up all requests; return whether the timings can be trusted.

        They can where answers told them, or where there are just as many as requests.
        """
        timings = chain(engine_timings, repeat(_NO_MORE))
        is_told, last = False, None
        for part in parts:
            self._append(part)
            for phase, streamed_ns, told in zip(
                part.told.phases, part.told.streamed_ns, part.told.timings, strict=True
            ):
                last = next(timings)
                timing = None if last is _NO_MORE else last
                if told is not None:
                    is_told, timing = True, timing_told(told)
                if phase is not None and timing is not None:
                    self._tallies[phase].engine.take(timing, streamed_ns)
        for tally in self._tallies.values():
            tally.pauses.finish()
        return is_told or (last is not _NO_MORE and next(timings) is _NO_MORE)

    def _append(self, part: SortedPart) -> None:
        for name, tally in part.tallies.items():
            self._tallies[name].append(tally)
        for name, slices in part.slices.items():
            self._slices[name].append(slices)
