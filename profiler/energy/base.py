"""What an energy meter is. Meters live in the profiler's process, never in the load driver's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock


class MeterAbsentError(Exception):
    """A meter cannot be used here; the message says why, and what would change that."""


class EnergyMeter(Protocol):
    """Counts joules from the moment it is opened.

    A meter of several devices may have two more attributes, dictionaries of reasons by name: `absent`, devices that
    cannot be read, and `others`, devices that do not count.
    """

    @property
    def channels(self) -> Sequence[MeterFacts]:
        """What it reads, channel by channel: class, scope, provenance."""
        ...

    def read(self) -> list[EnergyReading]:
        """Read every channel now; a channel that fails for once is left out."""
        ...

    def close(self) -> str | None:
        """Let go of the hardware and end any thread; return the reason where that could not be done."""
        ...


@dataclass(frozen=True)
class MeterKind:
    """How a kind of meter is declared: the `KIND` of its module, listed in `energy/kinds.py`."""

    name: str  # in --meters, and `MeterFacts.meter` of its channels
    open: Callable[[Clock, str | None], EnergyMeter]  # of a clock and --gpus; raises `MeterAbsentError`
    reads_cards: bool = False  # where it is absent, that is why the cards of a host were not read
