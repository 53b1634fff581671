"""NVML: the energy counters and the power readings of NVIDIA GPUs.

The counter, nvmlDeviceGetTotalEnergyConsumption, counts millijoules since the driver was loaded and steps about every
100 ms; field 186 is the power of the moment, while nvmlDeviceGetPowerUsage is the mean of a second on most cards since
Ampere (NVML API reference). Of superchips that field has the power of the whole module, too, and the counter has not:
the reference says that it is of "this GPU". A GB200 or GB300 has two GPUs, each of which would tell the power of the
one module as its own, so of these only the GPUs are read. Both ways are taken side by side: they are the check on each
other.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.cards import Listed, Selected, select
from profiler.energy.polling import HOW, PolledPower, Poller
from profiler.energy.scopes import BOARD_SCOPE, MODULE_SCOPE
from profiler.errors import MissingExtraError
from profiler.hosts.gpu import answer_of
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock

COUNTER_CLAIM_S = 60.0

_INSTANT_POWER = 186  # NVML_FI_DEV_POWER_INSTANT, milliwatts
_MJ_PER_J = _MW_PER_W = 1_000
_DRIVER = Path("/proc/driver/nvidia/version")
_CONTROL = Path("/dev/nvidiactl")  # all that some sandboxes show of the driver
_WSL_GPU = Path("/dev/dxg")  # under WSL2 the driver is Windows's
_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_SUPERCHIP = re.compile(r"\bG[BH][23]00\b")  # Grace with Hopper or Blackwell: GH200, GB200, GB300
_HAS_A_MODULE = re.compile(r"\bGH200\b")  # of its own
_JETSON = re.compile(r"\b(?:nvgpu|Tegra|Orin|Xavier|Thor)\b")
_VGPU = 2  # NVML_GPU_VIRTUALIZATION_MODE_VGPU
_MODULE_POWER = 1  # NVML_POWER_SCOPE_MODULE
_OF_MODULE = " of the whole module (CPU, memory and GPU)"
_OF_GPU = " of the superchip's GPU (by NVML's reference; it has no scope that would tell the module)"
_OF_ONE_OF_TWO = " of the superchip's GPU (its module, which two GPUs share, has no power of its own in NVML)"


def load() -> ModuleType:
    """Import NVML's bindings. Raises `MeterAbsentError` where there is no card, or no bindings for it."""
    if not any(path.exists() for path in (_DRIVER, _CONTROL, _WSL_GPU)):
        if any(mark.exists() for mark in _CONTAINER_MARKS):
            raise MeterAbsentError("this container sees no NVIDIA driver; if the host has one, start it with --gpus")
        raise MeterAbsentError("this machine has no NVIDIA driver")
    try:
        import pynvml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MeterAbsentError(str(MissingExtraError("nvidia-ml-py", "gpu"))) from error
    module: ModuleType = pynvml
    return module


def listed_cards(nvml: Any) -> tuple[list[tuple[Listed, Any]], dict[str, str]]:
    """Open NVML and list its cards with their handles; and those that do not say their name (off the bus), with why.

    Raises `MeterAbsentError`.
    """
    found, absent = [], {}
    try:
        nvml.nvmlInit()
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        raise MeterAbsentError(f"NVML does not answer: {error}") from error
    for index in range(count):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            names = (_text(nvml.nvmlDeviceGetName(handle)), _text(nvml.nvmlDeviceGetUUID(handle)))
        except (nvml.NVMLError, UnicodeDecodeError) as error:
            absent[card_name(index)] = f"GPU {index} does not answer: {error}"
        else:
            found.append((Listed(index, *names, _slices(nvml, handle)), handle))
    return found, absent


def _slices(nvml: Any, handle: Any) -> tuple[str, ...]:
    """Return the UUIDs of the MIG slices that a card is cut into."""
    most = answer_of(nvml, lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0  # of no MIG
    return tuple(uuid for index in range(most) if (uuid := _slice(nvml, handle, index)))


def _slice(nvml: Any, handle: Any, index: int) -> str | None:
    """Return the UUID of a slice; None where there is none."""
    return answer_of(
        nvml, lambda: _text(nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)))
    )


def card_name(index: int) -> str:
    """Return what a card is called in readings."""
    return f"nvml:{index}"


def power_w(nvml: Any, handle: Any) -> float | None:
    """Return the power of a card at the moment, W, or else its mean."""
    now_w = _field_w(nvml, handle, _INSTANT_POWER)
    if now_w is not None:
        return now_w
    mean_mw = answer_of(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(handle))
    return None if mean_mw is None else float(mean_mw) / _MW_PER_W


def _module_w(nvml: Any, handle: Any) -> float | None:
    """Return the power of a superchip's module, W; never that of its GPU alone, for the two are not to be mixed."""
    return _field_w(nvml, handle, (_INSTANT_POWER, _MODULE_POWER))


def _field_w(nvml: Any, handle: Any, field: int | tuple[int, int]) -> float | None:
    found = answer_of(nvml, lambda: nvml.nvmlDeviceGetFieldValues(handle, [field])[0])
    if found is None or found.nvmlReturn != nvml.NVML_SUCCESS:
        return None
    told_mw = answer_of(nvml, lambda: int(found.value.uiVal))
    return float(told_mw) / _MW_PER_W if told_mw else None


@dataclass
class _Card:
    handle: Any
    counter: MeterFacts | None
    polled: PolledPower | None
    start_mj: int = 0


class NvmlMeter:
    """Counts and polls every card that counts and is not cut into MIG slices."""

    def __init__(
        self, clock: Clock, nvml: Any, gpus: str | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Start reading; `nvml` is what `load` returns, `gpus` what --gpus says.

        Raises `MeterAbsentError`, and `UsageError` where `gpus` names a card that is not there.
        """
        self._clock = clock
        self._nvml = nvml
        self.others: dict[str, str] = {}  # cards whose joules do not count, and why
        handles, self.absent = listed_cards(nvml)
        chosen = select([listed for listed, _ in handles], gpus, environ)
        self._cards = [card for listed, handle in handles if (card := self._open(listed, handle, chosen))]
        if not self._cards:
            reasons = [*self.absent.values(), *self.others.values()]
            raise MeterAbsentError("; ".join(dict.fromkeys(reasons)) or "NVML shows no GPU")
        self._poller = Poller(clock, [card.polled for card in self._cards if card.polled is not None], KIND.name)

    @property
    def channels(self) -> list[MeterFacts]:
        """The counter, where a card has one, and the polled power of each card."""
        pairs = ((card.counter, None if card.polled is None else card.polled.facts) for card in self._cards)
        return [facts for pair in pairs for facts in pair if facts is not None]

    def read(self) -> list[EnergyReading]:
        """Read every counter, and what the polls have summed up to."""
        counters = ((card, card.counter) for card in self._cards if card.counter is not None)
        counted = [reading for card, facts in counters if (reading := self._count(card, facts))]
        return [*counted, *self._poller.read()]

    def close(self) -> str | None:
        """End the polling thread and let go of NVML, which is left alone where a call of it hangs."""
        reason = self._poller.close()
        if reason is None:
            self._nvml.nvmlShutdown()
        return reason

    def _open(self, listed: Listed, handle: Any, chosen: Selected) -> _Card | None:
        """Begin to read a card; None, with the reason, for one that does not count or that tells nothing."""
        channel, device = card_name(listed.index), f"{listed.name}, {listed.uuid}"
        if listed.index not in chosen.indices:
            self.others[channel] = f"{device}: not among {chosen.by}"
            return None
        if self._is_cut_up(handle):
            self.absent[channel] = (
                f"{listed.name} is cut into MIG slices, and NVML tells only the power of the whole board: what one "
                "slice uses cannot be measured"
            )
            return None
        is_superchip = _SUPERCHIP.search(listed.name) is not None
        has_module = _HAS_A_MODULE.search(listed.name) is not None
        is_module = has_module and _module_w(self._nvml, handle) is not None
        read_w = partial(_module_w if is_module else power_w, self._nvml, handle)
        start_mj, now_w = self._counter_mj(handle), read_w()
        if start_mj is None and now_w is None:
            self.absent[channel] = (
                f"{device}: the driver tells neither energy nor power of this card (NotSupported)"
                f"{self._why_silent(listed, handle)}"
            )
            return None
        own = "" if not is_superchip else _OF_GPU if has_module else _OF_ONE_OF_TWO
        counter = None if start_mj is None else _counter_facts(channel, device, own)
        facts = _polled_facts(channel, device, own, is_module=is_module)
        polled = None if now_w is None else PolledPower(facts, read_w)
        return _Card(handle, counter, polled, start_mj or 0)

    def _is_cut_up(self, handle: Any) -> bool:
        modes = answer_of(self._nvml, lambda: self._nvml.nvmlDeviceGetMigMode(handle))
        return modes is not None and bool(modes[0])

    def _why_silent(self, listed: Listed, handle: Any) -> str:
        """Say where that is usual, and what would help there."""
        if _WSL_GPU.exists():
            return ". Under WSL2 the driver is that of Windows: measure under Linux itself, or read a wall meter"
        if _JETSON.search(listed.name):
            return ". Jetson boards show voltages and currents of their rails only: read a wall meter"
        mode = answer_of(self._nvml, lambda: self._nvml.nvmlDeviceGetVirtualizationMode(handle))
        return ", as of any virtual GPU: the host of this virtual machine can read it" if mode == _VGPU else ""

    def _counter_mj(self, handle: Any) -> int | None:
        return answer_of(self._nvml, lambda: int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle)))

    def _count(self, card: _Card, facts: MeterFacts) -> EnergyReading | None:
        t_ns = self._clock.monotonic_ns()
        now_mj = self._counter_mj(card.handle)
        if now_mj is None or now_mj < card.start_mj:  # a counter that starts again has lost what it had
            return None
        return EnergyReading(channel=facts.channel, t_ns=t_ns, energy_j=(now_mj - card.start_mj) / _MJ_PER_J)


def _counter_facts(channel: str, device: str, own: str) -> MeterFacts:
    return MeterFacts(
        channel=f"{channel}:counter",
        meter=KIND.name,
        meter_class="counter",
        scope=BOARD_SCOPE,
        device=device,
        provenance=f"nvmlDeviceGetTotalEnergyConsumption{own}, which steps about every 100 ms",
        claim_window_s=COUNTER_CLAIM_S,
    )


def _polled_facts(channel: str, device: str, own: str, *, is_module: bool) -> MeterFacts:
    return MeterFacts(
        channel=f"{channel}:polled",
        meter=KIND.name,
        meter_class="polled",
        scope=MODULE_SCOPE if is_module else BOARD_SCOPE,
        device=device,
        provenance=f"power{_OF_MODULE if is_module else own} {HOW}",
    )


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


KIND = MeterKind("nvml", lambda clock, gpus: NvmlMeter(clock, load(), gpus), reads_cards=True)
