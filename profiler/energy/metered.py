"""What the meters of one class and scope read in some windows, or why that is no number. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from profiler.energy.bounds import bounded, step_j
from profiler.energy.standing import why_silent
from profiler.energy.use import Use, Window, of_channel, used
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.stats.ranges import Range
from profiler.units import ns_to_s

FULL_COVERAGE = 0.95  # below it, energy is not claimed


@dataclass(frozen=True)
class Metered:
    """The energy of some windows, channel by channel, J; `reasons` say why a whole is missing."""

    parts: dict[str, Range]
    coverage_ratio: float  # the least of the channels
    reasons: tuple[str, ...] = ()

    @property
    def gross_j(self) -> Range | None:
        """Sum of the channels; None where one of them says nothing."""
        return None if self.reasons else reduce(Range.__add__, self.parts.values(), Range.exact(0.0))


def metered(meters: Sequence[MeterFacts], readings: Sequence[EnergyReading], windows: Sequence[Window]) -> Metered:
    """Look at every channel of meters of one class and scope."""
    parts: dict[str, Range] = {}
    reasons, coverage_ratio = [], 1.0
    for meter in meters:
        own = of_channel(readings, meter.channel)
        use = used(own, windows)
        coverage_ratio = min(coverage_ratio, use.coverage_ratio)
        found = _energy_j(meter, own, use, windows)
        if isinstance(found, str):
            reasons.append(found)
        else:
            parts[meter.channel] = found
    if coverage_ratio < FULL_COVERAGE:
        reasons.insert(0, f"readings cover {coverage_ratio:.0%} of the steady windows; {FULL_COVERAGE:.0%} are needed")
    return Metered(parts, coverage_ratio, tuple(dict.fromkeys(reasons)))


def _energy_j(meter: MeterFacts, readings: Sequence[EnergyReading], use: Use, windows: Sequence[Window]) -> Range | str:
    if use.coverage_ratio < FULL_COVERAGE:  # said of all channels together
        return Range.exact(use.whole_j)
    if reason := why_silent(meter, use.energy_j, f"{ns_to_s(use.length_ns):.3g} s of steady load"):
        return f"{meter.channel}: {reason}"
    if meter.meter_class == "wall" or step_j(meter, readings):
        found = bounded(meter, readings, windows)
        return f"{meter.channel}: {found}" if isinstance(found, str) else found
    return Range.exact(use.whole_j)
