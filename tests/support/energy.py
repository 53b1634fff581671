"""Energy meters and their readings, for tests."""

from profiler.results.manifest import MeterClass, MeterFacts
from profiler.results.records import EnergyReading


def meter(
    channel: str, meter_class: MeterClass = "counter", scope: str = "GPU boards", claim_s: float = 0
) -> MeterFacts:
    """A channel of a meter that is called like the part of the channel before the colon."""
    return MeterFacts(
        channel=channel,
        meter=channel.partition(":")[0],
        meter_class=meter_class,
        scope=scope,
        provenance="made up",
        claim_window_s=claim_s,
    )


def reading(channel: str, t_s: float, energy_j: float, covered_s: float | None = None) -> EnergyReading:
    """What a channel had counted after so many seconds."""
    covered_ns = None if covered_s is None else round(covered_s * 1e9)
    return EnergyReading(channel=channel, t_ns=round(t_s * 1e9), energy_j=energy_j, covered_ns=covered_ns)
