"""Apple silicon: what macOS counts of CPU, GPU, Neural Engine and memory, by the library zeus-apple-silicon.

`AppleEnergyMonitor.get_cumulative_energy` returns millijoules that IOReport, a framework of macOS, has counted; root is
not needed. They are believed to be modelled by the chip itself from utilisation, frequency and voltage (README of the
library).
All parts use the same memory and any of them may run the model, so they are one channel.
"""

import platform
from typing import Any

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.scopes import SOC, SOC_AND_MEMORY
from profiler.errors import MissingExtraError
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock

NAME = "apple"
_CHIP = {"cpu_total_mj": "CPU", "gpu_mj": "GPU", "gpu_sram_mj": "memory of the GPU", "ane_mj": "Neural Engine"}
_DRAM = {"dram_mj": "DRAM"}
_MJ_PER_J = 1_000


def load(system: str = platform.system(), machine: str = platform.machine()) -> Any:
    """Import the library and make its monitor. Raises `MeterAbsentError`."""
    if (system, machine) != ("Darwin", "arm64"):
        raise MeterAbsentError("this machine is no Mac with Apple silicon")
    try:
        from zeus_apple_silicon import AppleEnergyMonitor  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MeterAbsentError(str(MissingExtraError("zeus-apple-silicon", "apple"))) from error
    try:
        return AppleEnergyMonitor()
    except RuntimeError as error:
        raise MeterAbsentError(f"macOS does not show its counters of energy: {error}") from error


class AppleMeter:
    """Counts the energy of the whole chip, and of its memory where macOS shows that."""

    def __init__(self, clock: Clock, monitor: Any) -> None:
        """Look which parts are counted; `monitor` is what `load` returns. Raises `MeterAbsentError`."""
        self._clock = clock
        self._monitor = monitor
        seen = self._seen()
        self._parts = {name: part for name, part in {**_CHIP, **_DRAM}.items() if getattr(seen, name, None) is not None}
        if "cpu_total_mj" not in self._parts or "gpu_mj" not in self._parts:
            raise MeterAbsentError("macOS counts no energy of CPU and GPU on this chip; a newer zeus-apple-silicon may")
        self._start_mj = self._sum_mj() or 0
        self.channels = [self._facts()]

    def read(self) -> list[EnergyReading]:
        """Read all parts; where one says nothing for once, nothing is said."""
        t_ns, now_mj = self._clock.monotonic_ns(), self._sum_mj()
        if now_mj is None or now_mj < self._start_mj:
            return []
        return [EnergyReading(channel=NAME, t_ns=t_ns, energy_j=(now_mj - self._start_mj) / _MJ_PER_J)]

    def close(self) -> None:
        """Nothing is held open."""

    def _sum_mj(self) -> int | None:
        seen = self._seen()
        values: list[Any] = [getattr(seen, name, None) for name in self._parts]
        return None if None in values else sum(values)

    def _seen(self) -> Any:
        """Return the counters; None where macOS does not answer for once."""
        try:
            return self._monitor.get_cumulative_energy()
        except RuntimeError:
            return None

    def _facts(self) -> MeterFacts:
        counted = ", ".join(self._parts.values())
        return MeterFacts(
            channel=NAME,
            meter=NAME,
            meter_class="counter",
            scope=SOC_AND_MEMORY if _DRAM.keys() <= self._parts.keys() else SOC,
            provenance=f"IOReport of macOS by zeus-apple-silicon: {counted} together, which the chip may model",
        )


KIND = MeterKind(NAME, lambda clock, _: AppleMeter(clock, load()))
