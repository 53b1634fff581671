"""What models say that a machine used, processors and memory: estimate by estimate, and together. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from profiler.energy.band import power_w
from profiler.energy.metered import FULL_COVERAGE
from profiler.energy.use import Seen, of_channel, used
from profiler.results.manifest import EnergyFacts
from profiler.stats.ranges import Range


@dataclass(frozen=True)
class Modelled:
    """Energy of the steady windows, J: the smallest interval that holds what each estimate says."""

    parts: Mapping[str, Range]  # by estimate
    gross_j: Range
    idle_j: Range | None
    notes: tuple[str, ...] = ()

    def at_least(self, gross_j: Range | None, idle_j: Range | None) -> "Modelled":
        """Return the same where a part of the machine is known to have used so much."""
        raised_j = _raised(self.gross_j, gross_j)
        if raised_j == self.gross_j:
            return self
        note = "raised to what counters saw of the CPUs"
        return Modelled(
            self.parts, raised_j, None if self.idle_j is None else _raised(self.idle_j, idle_j), (*self.notes, note)
        )


def modelled(facts: EnergyFacts, seen: Seen) -> Modelled | None:
    """Ask every estimate, and every meter that is one; None where there are none.

    On a host with GPUs codecarbon's tracker is left out, since it may or may not count them.
    """
    busy, idle_busy = seen.busy or Range(0.0, 1.0), seen.idle_busy or Range.exact(0.0)
    parts = {o.name: power_w(o, busy).times(seen.length_s) for o in facts.estimates}
    idle_w = [power_w(o, idle_busy) for o in facts.estimates] if seen.idle_windows else []
    for meter in (m for m in facts.meters if m.meter_class == "model" and not seen.gpus):
        readings = of_channel(seen.readings, meter.channel)
        use = used(readings, seen.windows)
        if use.coverage_ratio >= FULL_COVERAGE and use.energy_j:
            parts[meter.meter] = Range.exact(use.whole_j)
            mean_w = used(readings, seen.idle_windows).power_w
            idle_w += [Range.exact(mean_w)] if mean_w is not None else []
    if not parts:
        return None
    idle_j = Range.hull(*idle_w).times(seen.length_s) if idle_w else None
    notes = () if seen.busy else ("CPU use was not sampled: from idle to fully loaded",)
    return Modelled(parts, Range.hull(*parts.values()), idle_j, notes)


def _raised(found: Range, least: Range | None) -> Range:
    return found if least is None else Range(max(found.low, least.low), max(found.high, least.low))
