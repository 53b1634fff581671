"""Power that is read some times a second and summed up: what all meters of class polled have in common."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock
from profiler.units import NS_PER_S

POLLS_PER_S = 10
HOW = f"read {POLLS_PER_S} times a second and summed by the trapezoidal rule"

_PATIENCE_S = 5.0  # with a driver that does not answer
_GAP_POLLS = 5  # readings further apart than this many polls say nothing about the time between them


@dataclass
class PolledPower:
    """Power readings of one channel, summed up by the trapezoidal rule."""

    facts: MeterFacts
    read_w: Callable[[], float | None]  # None: it failed for once
    _last: tuple[int, float] | None = field(default=None, init=False)  # time, watts
    _energy_j: float = field(default=0.0, init=False)
    _covered_ns: int = field(default=0, init=False)

    def add(self, t_ns: int, power_w: float) -> None:
        """Take a reading; a gap before it counts for nothing."""
        if self._last is not None and t_ns - self._last[0] <= _GAP_POLLS * NS_PER_S // POLLS_PER_S:
            step_ns = t_ns - self._last[0]
            self._energy_j += (power_w + self._last[1]) / 2 * step_ns / NS_PER_S
            self._covered_ns += step_ns
        self._last = (t_ns, power_w)

    def reading(self) -> EnergyReading | None:
        """Return what the polls have summed up to; None before the first."""
        if self._last is None:
            return None
        return EnergyReading(
            channel=self.facts.channel, t_ns=self._last[0], energy_j=self._energy_j, covered_ns=self._covered_ns
        )


class Poller:
    """Reads the power of some channels in a thread of its own."""

    def __init__(self, clock: Clock, sensors: Sequence[PolledPower], name: str) -> None:
        """Poll for the first time and begin; `name` is that of the thread. Without sensors there is none."""
        self._clock = clock
        self._sensors = sensors
        self._name = name
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self.poll()
        self._thread = threading.Thread(target=self._keep_polling, name=f"aforo-{name}", daemon=True)
        if sensors:
            self._thread.start()

    def poll(self) -> None:
        """Read every channel once."""
        for sensor in self._sensors:
            power_w = sensor.read_w()
            if power_w is not None:
                with self._lock:
                    sensor.add(self._clock.monotonic_ns(), power_w)

    def read(self) -> list[EnergyReading]:
        """Return what each channel has summed up to."""
        with self._lock:
            return [reading for sensor in self._sensors if (reading := sensor.reading())]

    def close(self) -> str | None:
        """End the thread; return the reason where it hangs in a call of its driver, and is left behind."""
        self._is_over.set()
        if not self._sensors:
            return None
        self._thread.join(_PATIENCE_S)
        if not self._thread.is_alive():
            return None
        return (
            f"{self._name} did not answer within {_PATIENCE_S:g} s when its polling was to end: a call of its driver "
            "hangs. What it read before counts."
        )

    def _keep_polling(self) -> None:
        while not self._is_over.wait(1 / POLLS_PER_S):
            self.poll()
