"""amdsmi: the energy counters and the power readings of AMD GPUs, by AMD's own Python library.

`amdsmi_get_energy_count` is a counter in steps of `counter_resolution` microjoules, `amdsmi_get_power_info` the power
of the socket in W: what the GPU and its memory take, not the board around them (AMD SMI Python API). What a card does
not tell is "N/A" or an error. The library is loaded with ROCm's libamd_smi.so; without that, hwmon reads power.
"""

import contextlib
import io
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.cards import AMD_VARIABLES, Listed, Selected, named_beside_nvidia, select_by
from profiler.energy.counting import WrappingCounter
from profiler.energy.hwmon_sensors import NVIDIA_DRIVER, is_apu
from profiler.energy.polling import HOW, PolledPower, Poller
from profiler.energy.scopes import CHIP_SCOPE, MODULE_SCOPE, PACKAGES
from profiler.errors import MissingExtraError
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock

COUNTER_CLAIM_S = 60.0

_DRIVER = Path("/sys/module/amdgpu")
_PCI = Path("/sys/bus/pci/devices")
_NVIDIA = Path("/") / NVIDIA_DRIVER
_APU = re.compile(r"\bMI300A\b")  # its socket holds the CPU, too
_POWERS = ("socket_power", "current_socket_power", "average_socket_power")  # W; which one there is depends on the card
_SERIAL = re.compile(r"(?:0x)?([0-9A-Fa-f]{1,16})")
_RANGE = 2**64  # of the accumulator, in its own steps


def load() -> ModuleType:
    """Import AMD's bindings. Raises `MeterAbsentError` where there is no card, or no bindings for it."""
    if not _DRIVER.exists():
        raise MeterAbsentError("this machine has no AMD GPU driver (amdgpu)")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints where ROCm's library is missing
            import amdsmi  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MeterAbsentError(str(MissingExtraError("amdsmi", "amd"))) from error
    except (OSError, KeyError, AttributeError) as error:  # ROCm's library is not there, or older than the bindings
        raise MeterAbsentError(
            f"amdsmi cannot load ROCm's libamd_smi.so ({error}): install ROCm's package "
            "amd-smi-lib, and amdsmi of the same version"
        ) from error
    module: ModuleType = amdsmi
    return module


class AmdsmiMeter:
    """Counts and polls every AMD card that counts."""

    def __init__(
        self, clock: Clock, smi: Any, gpus: str | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Start reading; `smi` is what `load` returns, `gpus` what --gpus says.

        Raises `MeterAbsentError`, and `UsageError` where `gpus` names a card that is not there.
        """
        self._clock = clock
        self._smi = smi
        self.absent: dict[str, str] = {}
        self.others: dict[str, str] = {}  # cards whose joules do not count, and why
        self._counters: list[WrappingCounter] = []
        self._polled: list[PolledPower] = []
        try:
            smi.amdsmi_init()
            handles = smi.amdsmi_get_processor_handles()
        except smi.AmdSmiException as error:
            raise MeterAbsentError(f"AMD SMI does not answer: {_one_line(error)}") from error
        cards = [(_listed(smi, index, handle), handle) for index, handle in enumerate(handles)]
        none = named_beside_nvidia(gpus, has_nvidia=_NVIDIA.exists())
        chosen = none or select_by(AMD_VARIABLES, [listed for listed, _ in cards], gpus, environ)
        for listed, handle in cards:
            self._open(listed, handle, chosen)
        self.channels = [each.facts for each in self._counters] + [each.facts for each in self._polled]
        if not self.channels:
            self._shut_down()
            reasons = [*self.absent.values(), *self.others.values()]
            raise MeterAbsentError("; ".join(dict.fromkeys(reasons)) or "AMD SMI shows no GPU")
        self._poller = Poller(clock, self._polled, KIND.name)

    def read(self) -> list[EnergyReading]:
        """Read every counter, and what the polls have summed up to."""
        return [*(reading for counter in self._counters if (reading := counter.read())), *self._poller.read()]

    def close(self) -> str | None:
        """End the polling thread and let go of the library, which is left alone where a call of it hangs."""
        reason = self._poller.close()
        if reason is None:
            self._shut_down()
        return reason

    def _shut_down(self) -> None:
        with contextlib.suppress(self._smi.AmdSmiException):
            self._smi.amdsmi_shut_down()

    def _open(self, listed: Listed, handle: Any, chosen: Selected) -> None:
        """Begin to read a card; what does not count or tells nothing is named, with the reason."""
        channel, device = f"{KIND.name}:{listed.index}", f"{listed.name}, {listed.uuid}"
        if listed.index not in chosen.indices:
            self.others[channel] = f"{device}: not among {chosen.by}"
            return
        facts = partial(_facts, channel, listed, _place(self._smi, handle))
        read_uj, read_w = partial(_energy_uj, self._smi, handle), partial(_power_w, self._smi, handle)
        start_uj = read_uj()
        if start_uj is not None:
            range_uj = round(_RANGE * (_resolution_uj(self._smi, handle) or 1.0))
            self._counters.append(WrappingCounter(facts("counter"), self._clock, read_uj, start_uj, [range_uj]))
        if read_w() is not None:
            self._polled.append(PolledPower(facts("polled"), read_w))
        elif start_uj is None:
            self.absent[channel] = f"{device}: the driver tells neither energy nor power of this card (N/A)"


def _listed(smi: Any, index: int, handle: Any) -> Listed:
    """Name a card; its UUID is spelt as ROCm does (rocminfo): GPU- and the serial number in 16 hexadecimal digits."""
    asic = _told(smi, "amdsmi_get_gpu_asic_info", handle) or {}
    serial = _SERIAL.fullmatch(str(asic.get("asic_serial")))
    name = asic.get("market_name")
    known = name if name and name != "N/A" else "AMD GPU"
    return Listed(index, known, f"GPU-{serial[1].lower():0>16}" if serial else "")


def _place(smi: Any, handle: Any) -> str | None:
    """Return a card's place on the PCI bus, as hwmon knows it: 0000:c1:00.0."""
    place: str | None = _told(smi, "amdsmi_get_gpu_device_bdf", handle)
    return place and place.lower()


def _resolution_uj(smi: Any, handle: Any) -> float | None:
    return _number((_told(smi, "amdsmi_get_energy_count", handle) or {}).get("counter_resolution"))


def _energy_uj(smi: Any, handle: Any) -> int | None:
    told = _told(smi, "amdsmi_get_energy_count", handle) or {}
    steps, step_uj = _number(told.get("energy_accumulator")), _number(told.get("counter_resolution"))
    return None if steps is None or not step_uj else int(steps * step_uj)


def _power_w(smi: Any, handle: Any) -> float | None:
    told = _told(smi, "amdsmi_get_power_info", handle) or {}
    return next((power_w for name in _POWERS if (power_w := _number(told.get(name)))), None)


def _told(smi: Any, name: str, handle: Any) -> Any:
    """Return what the library says; None for what this card, driver or library does not tell."""
    try:
        return getattr(smi, name)(handle)
    except (smi.AmdSmiException, AttributeError, KeyError):
        return None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _facts(channel: str, listed: Listed, place: str | None, meter_class: Literal["counter", "polled"]) -> MeterFacts:
    scope, of = _scope(listed, place)
    counted = f"amdsmi_get_energy_count of {of}"
    return MeterFacts(
        channel=f"{channel}:{meter_class}",
        meter=KIND.name,
        meter_class=meter_class,
        scope=scope,
        part=place,
        device=f"{listed.name}, {listed.uuid}",
        provenance=counted if meter_class == "counter" else f"power of {of} {HOW}",
        claim_window_s=COUNTER_CLAIM_S if meter_class == "counter" else 0.0,
    )


def _scope(listed: Listed, place: str | None) -> tuple[str, str]:
    """Return what a card's power is of, and the same in words."""
    if _APU.search(listed.name):
        return MODULE_SCOPE, "the socket: CPU, GPU and memory"
    if place and is_apu(_PCI / place):
        return PACKAGES, "the CPU that these graphics are part of"
    return CHIP_SCOPE, "the GPU's package"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


KIND = MeterKind("amdsmi", lambda clock, gpus: AmdsmiMeter(clock, load(), gpus), reads_cards=True)
