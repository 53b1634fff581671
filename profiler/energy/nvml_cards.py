"""NVML: what NVIDIA GPUs show besides their energy. Names and units follow the NVML API reference."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from profiler.energy.base import MeterAbsentError
from profiler.energy.card_sources import CardSourceKind
from profiler.energy.cards import select
from profiler.energy.nvml import card_name, listed_cards, load, power_w
from profiler.hosts.gpu import answer_of, is_not_available
from profiler.results.records import CardReading, SlowedBy

_TEMPERATURE_GPU = 0  # NVML_TEMPERATURE_GPU
_PERCENT = 100.0

# nvmlClocksEventReasons: an idle card and clocks that somebody has chosen (application clocks, display clocks) are no
# slowing down. A hardware slowdown is set together with its reason, heat or the power brake, where that is known.
_HARDWARE_SLOWDOWN = 0x08
_REASONS: Mapping[int, tuple[str, SlowedBy]] = {
    0x04: ("SwPowerCap", "power"),
    _HARDWARE_SLOWDOWN: ("HwSlowdown", "other"),
    0x10: ("SyncBoost", "other"),
    0x20: ("SwThermalSlowdown", "heat"),
    0x40: ("HwThermalSlowdown", "heat"),
    0x80: ("HwPowerBrakeSlowdown", "power"),
    0x200: ("BoardLimit", "power"),
    0x400: ("Reliability", "other"),
}
_EXPLAINED_SLOWDOWN = 0x40 | 0x80


def slowed_by(reasons: int) -> dict[str, SlowedBy]:
    """Return what a mask of nvmlClocksEventReasons says that holds the clocks down."""
    if reasons & _EXPLAINED_SLOWDOWN:
        reasons &= ~_HARDWARE_SLOWDOWN
    return {name: cause for bit, (name, cause) in _REASONS.items() if reasons & bit}


@dataclass(frozen=True)
class _Card:
    name: str
    handle: Any


class NvmlCards:
    """Looks at every card of NVIDIA's driver that is in use."""

    def __init__(self, nvml: Any, gpus: str | None = None, environ: Mapping[str, str] = os.environ) -> None:
        """List the cards; `nvml` is what `nvml.load` returns, `gpus` what --gpus says.

        Raises `MeterAbsentError`, and `UsageError` where `gpus` names a card that is not there.
        """
        self._nvml = nvml
        handles, _ = listed_cards(nvml)
        chosen = select([listed for listed, _ in handles], gpus, environ).indices
        self._cards = [_Card(card_name(listed.index), handle) for listed, handle in handles if listed.index in chosen]
        if not self._cards:
            self.close()
            raise MeterAbsentError("none of the GPUs is in use")

    def read(self, server_pids: Collection[int] = ()) -> list[CardReading]:
        """Look at every card now; what one does not tell is None."""
        return [self._look(card, server_pids) for card in self._cards]

    def close(self) -> None:
        """Let go of NVML."""
        answer_of(self._nvml, self._nvml.nvmlShutdown)

    def _look(self, card: _Card, server_pids: Collection[int]) -> CardReading:
        nvml = self._nvml

        def told(name: str, *arguments: Any) -> Any:
            return answer_of(nvml, lambda: getattr(nvml, f"nvmlDeviceGet{name}")(card.handle, *arguments))

        utilisation, memory = told("UtilizationRates"), told("MemoryInfo")
        reasons = told("CurrentClocksEventReasons")
        if reasons is None:  # drivers before 535 know the older name only
            reasons = told("CurrentClocksThrottleReasons")
        busy_percent = _field(utilisation, "gpu")
        return CardReading(
            card=card.name,
            busy_ratio=None if busy_percent is None else busy_percent / _PERCENT,
            memory_used_bytes=_field(memory, "used"),
            memory_total_bytes=_field(memory, "total"),
            temperature_c=told("Temperature", _TEMPERATURE_GPU),
            sm_clock_mhz=told("ClockInfo", nvml.NVML_CLOCK_SM),
            memory_clock_mhz=told("ClockInfo", nvml.NVML_CLOCK_MEM),
            power_w=answer_of(nvml, partial(power_w, nvml, card.handle)),
            slowed_by=None if reasons is None else slowed_by(reasons),
            other_processes=_others(told("ComputeRunningProcesses"), server_pids),
        )


def _field(said: object, name: str) -> int | None:
    """Return a field of an answer; fields differ between versions of the library, and may say "not available"."""
    value: int | None = getattr(said, name, None)
    return None if is_not_available(value) else value


def _others(processes: Collection[Any] | None, server_pids: Collection[int]) -> int | None:
    """Count the processes on a card that are not the server's; None where the server is not seen among them.

    A container sees the numbers that processes have outside, or none at all: then nothing can be told apart.
    """
    pids = {pid for process in processes or () if (pid := _field(process, "pid")) is not None}
    return len(pids - set(server_pids)) if pids & set(server_pids) else None


def _open(gpus: str | None, loaded: Callable[[], Any] = load) -> NvmlCards:
    return NvmlCards(loaded(), gpus)


CARDS = CardSourceKind("nvml", _open)
