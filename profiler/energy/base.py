"""What an energy meter is. Meters live in the profiler's process, never in the load driver's."""

from collections.abc import Sequence
from typing import Protocol

from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading


class MeterAbsentError(Exception):
    """A meter cannot be used here; the message says why, and what would change that."""


class EnergyMeter(Protocol):
    """Counts joules from the moment it is opened."""

    @property
    def channels(self) -> Sequence[MeterFacts]:
        """What it reads, channel by channel: class, scope, provenance."""
        ...

    def read(self) -> list[EnergyReading]:
        """Read every channel now; a channel that fails for once is left out."""
        ...

    def close(self) -> None:
        """Let go of the hardware and end any thread."""
        ...
