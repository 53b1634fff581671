"""A counter of energy that starts again at 0 once it is full: what counters in files have in common."""

from collections.abc import Callable, Sequence

from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock
from profiler.units import NS_PER_S

UJ_PER_J = 1_000_000
_MOST_W = 5_000  # no package, memory or card draws more: a counter that seems to was set back (after a suspend, say)
_STEP_NS = NS_PER_S // 10  # counters step every 100 ms or faster: what two readings at once differ by took so long


class WrappingCounter:
    """Counts microjoules of one channel since it was made."""

    def __init__(
        self,
        facts: MeterFacts,
        clock: Clock,
        read_uj: Callable[[], int | None],
        start_uj: int,
        ranges_uj: Sequence[int],
    ) -> None:
        """Begin at `start_uj`; the counter starts again at 0 at one of `ranges_uj`, the least first.

        `read_uj` returns None where reading fails for once.
        """
        self.facts = facts
        self._clock = clock
        self._read_uj = read_uj
        self._ranges_uj = ranges_uj
        self._last_uj, self._last_ns = start_uj, clock.monotonic_ns()
        self._total_uj = 0
        self._is_lost = False  # it started again without having been full: what it had counted is not known

    def read(self) -> EnergyReading | None:
        """Read it; one that wrapped around since the last reading is told by its going down."""
        t_ns = self._clock.monotonic_ns()
        now_uj = self._read_uj()
        if now_uj is None:
            return None
        step_uj = self._step_uj(now_uj, t_ns - self._last_ns)
        self._is_lost |= step_uj is None
        if self._is_lost or step_uj is None:
            return None
        self._total_uj += step_uj
        self._last_uj, self._last_ns = now_uj, t_ns
        return EnergyReading(channel=self.facts.channel, t_ns=t_ns, energy_j=self._total_uj / UJ_PER_J)

    def _step_uj(self, now_uj: int, step_ns: int) -> int | None:
        """Return what was counted since the last reading; None where no device can have used that much."""
        step_uj = now_uj - self._last_uj
        full = [range_uj for range_uj in self._ranges_uj if range_uj >= max(now_uj, self._last_uj)]
        steps_uj = [step_uj] if step_uj >= 0 else [step_uj + range_uj for range_uj in full]
        most_uj = _MOST_W * UJ_PER_J * (step_ns + _STEP_NS) / NS_PER_S
        return next((each for each in steps_uj if each <= most_uj), None)
