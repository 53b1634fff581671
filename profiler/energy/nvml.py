"""NVML: the energy counters and the power readings of NVIDIA GPUs.

The counter, nvmlDeviceGetTotalEnergyConsumption, counts millijoules since the driver was loaded and steps about every
100 ms; field 186 is the power of the moment, while nvmlDeviceGetPowerUsage is the mean of a second on most cards since
Ampere (NVML API reference). Both ways are taken side by side: they are the check on each other.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from profiler.energy.base import MeterAbsentError
from profiler.errors import MissingExtraError
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock
from profiler.units import NS_PER_S

POLLS_PER_S = 10
COUNTER_CLAIM_S = 60.0
SCOPE = "GPU boards"

_GAP_POLLS = 5  # readings further apart than this many polls say nothing about the time between them
_INSTANT_POWER = 186  # NVML_FI_DEV_POWER_INSTANT, milliwatts
_MJ_PER_J = _MW_PER_W = 1_000
_DRIVER = Path("/proc/driver/nvidia/version")


def load() -> ModuleType:
    """Import NVML's bindings. Raises `MeterAbsentError` where there is no card, or no bindings for it."""
    if not _DRIVER.exists():
        raise MeterAbsentError("this machine has no NVIDIA driver")
    try:
        import pynvml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MeterAbsentError(str(MissingExtraError("nvidia-ml-py", "gpu"))) from error
    module: ModuleType = pynvml
    return module


@dataclass
class _Polled:
    """Power readings of one card, summed up by the trapezoidal rule."""

    facts: MeterFacts
    last: tuple[int, float] | None = None  # time, watts
    energy_j: float = 0.0
    covered_ns: int = 0

    def add(self, t_ns: int, power_w: float) -> None:
        """Take a reading; a gap before it counts for nothing."""
        if self.last is not None and t_ns - self.last[0] <= _GAP_POLLS * NS_PER_S // POLLS_PER_S:
            step_ns = t_ns - self.last[0]
            self.energy_j += (power_w + self.last[1]) / 2 * step_ns / NS_PER_S
            self.covered_ns += step_ns
        self.last = (t_ns, power_w)


@dataclass
class _Card:
    handle: Any
    counter: MeterFacts | None
    start_mj: int
    polled: _Polled


class NvmlMeter:
    """Counts and polls every card that is not cut into MIG slices."""

    def __init__(self, clock: Clock, nvml: Any) -> None:
        """Start reading; `nvml` is what `load` returns. Raises `MeterAbsentError`."""
        self._clock = clock
        self._nvml = nvml
        self.absent: dict[str, str] = {}
        try:
            nvml.nvmlInit()
            self._cards = [card for i in range(nvml.nvmlDeviceGetCount()) if (card := self._open(i))]
        except nvml.NVMLError as error:
            raise MeterAbsentError(f"NVML does not answer: {error}") from error
        if not self._cards:
            raise MeterAbsentError("; ".join(self.absent.values()) or "NVML shows no GPU")
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._poll()
        self._thread = threading.Thread(target=self._keep_polling, name="aforo-nvml", daemon=True)
        self._thread.start()

    @property
    def channels(self) -> list[MeterFacts]:
        """The counter, where a card has one, and the polled power of each card."""
        return [facts for card in self._cards for facts in (card.counter, card.polled.facts) if facts is not None]

    def read(self) -> list[EnergyReading]:
        """Read every counter, and what the polls have summed up to."""
        readings = []
        for card in self._cards:
            if card.counter is not None and (reading := self._count(card, card.counter)):
                readings.append(reading)
            with self._lock:
                polled = card.polled
                if polled.last is not None:
                    readings.append(
                        EnergyReading(
                            channel=polled.facts.channel,
                            t_ns=polled.last[0],
                            energy_j=polled.energy_j,
                            covered_ns=polled.covered_ns,
                        )
                    )
        return readings

    def close(self) -> None:
        """End the polling thread and let go of NVML."""
        self._is_over.set()
        self._thread.join()
        self._nvml.nvmlShutdown()

    def _open(self, index: int) -> _Card | None:
        nvml = self._nvml
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        name = _text(nvml.nvmlDeviceGetName(handle))
        if self._is_cut_up(handle):
            self.absent[f"nvml:{index}"] = (
                f"{name} is cut into MIG slices, and NVML tells only the power of the whole board: what one slice uses "
                "cannot be measured"
            )
            return None
        start_mj = self._counter_mj(handle)
        device = f"{name}, {_text(nvml.nvmlDeviceGetUUID(handle))}"
        counter = MeterFacts(
            channel=f"nvml:{index}:counter",
            meter="nvml",
            meter_class="counter",
            scope=SCOPE,
            device=device,
            provenance="nvmlDeviceGetTotalEnergyConsumption, which steps about every 100 ms",
            claim_window_s=COUNTER_CLAIM_S,
        )
        polled = MeterFacts(
            channel=f"nvml:{index}:polled",
            meter="nvml",
            meter_class="polled",
            scope=SCOPE,
            device=device,
            provenance=f"power read {POLLS_PER_S} times a second and summed by the trapezoidal rule",
        )
        return _Card(handle, counter if start_mj is not None else None, start_mj or 0, _Polled(polled))

    def _is_cut_up(self, handle: Any) -> bool:
        try:
            current, _ = self._nvml.nvmlDeviceGetMigMode(handle)
        except self._nvml.NVMLError:
            return False  # a card that knows no MIG
        return bool(current)

    def _counter_mj(self, handle: Any) -> int | None:
        try:
            return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        except self._nvml.NVMLError:
            return None

    def _count(self, card: _Card, facts: MeterFacts) -> EnergyReading | None:
        t_ns = self._clock.monotonic_ns()
        now_mj = self._counter_mj(card.handle)
        if now_mj is None:
            return None
        return EnergyReading(channel=facts.channel, t_ns=t_ns, energy_j=(now_mj - card.start_mj) / _MJ_PER_J)

    def _keep_polling(self) -> None:
        while not self._is_over.wait(1 / POLLS_PER_S):
            self._poll()

    def _poll(self) -> None:
        for card in self._cards:
            power_w = self._power_w(card.handle)
            if power_w is not None:
                with self._lock:
                    card.polled.add(self._clock.monotonic_ns(), power_w)

    def _power_w(self, handle: Any) -> float | None:
        """Return the power of the moment, or else the card's own mean."""
        nvml = self._nvml
        try:
            (field,) = nvml.nvmlDeviceGetFieldValues(handle, [_INSTANT_POWER])
            if field.nvmlReturn == nvml.NVML_SUCCESS:
                return float(field.value.uiVal) / _MW_PER_W
        except nvml.NVMLError:
            pass
        try:
            return float(nvml.nvmlDeviceGetPowerUsage(handle)) / _MW_PER_W
        except nvml.NVMLError:
            return None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
