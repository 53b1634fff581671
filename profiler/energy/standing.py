"""When a meter that answers measures nothing all the same: pure. A machine that is on uses energy all the time."""

from profiler.results.manifest import MeterFacts

SETTLE_S = 1.0  # counters step every 100 ms or faster


def why_silent(meter: MeterFacts, energy_j: float, time: str) -> str | None:
    """Return why a channel that showed this energy in a time (as in "1 s") is absent; None where it measures.

    Imported counters with steps of their own (0.01 kWh) may stand still for long and measure.
    """
    is_wall_counter = meter.meter_class == "wall" and meter.resolution_w is None
    if energy_j or is_wall_counter:
        return None
    what = "its counter did not move" if meter.meter_class == "counter" else "its power reads 0 W"
    return f"{what} in {time}, so it does not measure here"
