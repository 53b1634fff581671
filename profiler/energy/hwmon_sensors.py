"""Sensors of power and energy under /sys/class/hwmon, and what each of them sees, as far as its driver tells.

Files and units are those of the kernel's hwmon/sysfs-interface.rst: energy counters in microjoules, power in
microwatts, both with an optional label. Older drivers (the ACPI power meter, for one) have their files one level
higher, in the folder of the device.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiler.energy.scopes import (
    BOARD_SCOPE,
    CHIP_SCOPE,
    MODEL_SCOPE,
    MODULE_SCOPE,
    PACKAGES,
    PACKAGES_AND_MEMORY,
    unknown_scope,
)

FOLDER = Path("sys/class/hwmon")

NVIDIA_DRIVER = Path("proc/driver/nvidia/version")
_SENSOR = re.compile(r"(energy\d+)_input|(power\d+)_(?:average|input)")
_PREFERRED = ("energy{}_input", "power{}_average", "power{}_input")  # a mean loses nothing between two polls
_LEAST_OWN_MEMORY_BYTES = 4 * 2**30  # what a processor's graphics sets apart is less
_MI300A = "0x74a0"  # whose socket holds the CPU, too (PCI ID Repository)
_APU_METRICS = 2  # format_revision of gpu_metrics (kgd_pp_interface.h): 1 of cards, 2 and 3 of processors with graphics
_WHOLE = re.compile(r"LNXSYSTM:\d+|LNXSYBUS:\d+")  # the ACPI devices that stand for all of a machine


@dataclass(frozen=True)
class Sensor:
    """One sensor, as its driver shows it."""

    driver: str
    address: str  # of its device: 0000:03:00.0 on the PCI bus
    device: Path  # folder of the device
    files: tuple[Path, ...]  # that may tell its value; the first that answers does
    name: str  # energy1, power1
    label: str

    @property
    def is_counter(self) -> bool:
        """Whether it counts energy; else it shows power."""
        return self.name.startswith("energy")

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.name} ({self.label})" if self.label else self.name


@dataclass(frozen=True)
class Scoped:
    """What a sensor sees. `part` names which one, the same for every meter; None stands for all of them together."""

    scope: str
    part: str | None = None


@dataclass(frozen=True)
class _Known:
    """Sensors whose scope is known: a driver and a label, both regular expressions; no scope: a part of another one."""

    driver: str
    label: str
    scope: str | None
    part: str = r"{address} {label}"


_ADDRESS = "{address}"
_KNOWN = (
    # hwmon/amd_energy.rst (Linux 5.8 to 5.12, and modules that go on with it)
    _Known("amd_energy|zenergy", r"Esocket(\d+)", PACKAGES, r"package-{0}"),
    _Known("amd_energy|zenergy", r"Ecore\d+", None),
    # hwmon/xgene-hwmon.rst; Ampere Altra has it, too: both together are the processor
    _Known("apm_xgene", r"CPU power|IO power", PACKAGES),
    # hwmon/acpi_power_meter.rst; labels from NVIDIA's "Grace Performance Tuning Guide", power telemetry
    _Known("power_meter", r"Grace Power Socket (\d+)", PACKAGES_AND_MEMORY, r"socket-{0}"),
    _Known("power_meter", r"(?:CPU|SysIO) Power Socket \d+", None),
    # ABI/testing/sysfs-driver-intel-xe-hwmon and …-i915-hwmon: the card, and the package that is part of it
    _Known("xe|i915", r"card", BOARD_SCOPE, _ADDRESS),
    _Known("xe|i915", r"(?:pkg)?", CHIP_SCOPE, _ADDRESS),
    _Known(r"i915_gt\d+", r".*", None),
    # gpu/amdgpu/thermal.rst: "average power used by the SoC"
    _Known("amdgpu", r".*", CHIP_SCOPE, _ADDRESS),
)
_MODULE = re.compile(r"Module Power Socket \d+")  # of a Grace Hopper or Grace Blackwell: processor, memory and GPU


def sensors(root: Path) -> list[Sensor]:
    """List every sensor of power or energy, in the order of their devices."""
    folders = sorted((root / FOLDER).glob("hwmon*")) if (root / FOLDER).is_dir() else []
    return sorted((s for folder in folders for s in _of_folder(folder)), key=lambda s: (s.driver, s.address, s.name))


def scopes(found: Sequence[Sensor], root: Path) -> list[tuple[Sensor, Scoped]]:
    """Say what each sensor sees; those that are known to be a part of another one are left out."""
    whole = [sensor for sensor in found if _may_be_whole(sensor)]
    seen = []
    for sensor in found:
        if sensor in whole:
            scoped: Scoped | None = Scoped(MODEL_SCOPE) if len(whole) == 1 else _unknown(sensor)
        elif sensor.driver == "power_meter" and _MODULE.fullmatch(sensor.label) and (root / NVIDIA_DRIVER).exists():
            scoped = Scoped(MODULE_SCOPE)
        else:
            scoped = _by_table(sensor)
        seen += [] if scoped is None else [(sensor, scoped)]
    return seen


def _of_folder(folder: Path) -> Iterator[Sensor]:
    device = (folder / "device").resolve() if (folder / "device").exists() else folder.resolve()
    for base in (folder, folder / "device"):
        names = sorted({found[1] or found[2] for file in _files(base) if (found := _SENSOR.fullmatch(file))})
        for name in names:
            yield _sensor(base, device, name, _text(folder / "name") or _text(base / "name") or "unnamed")
        if names:
            return


def _sensor(base: Path, device: Path, name: str, driver: str) -> Sensor:
    number = name.lstrip("abcdefghijklmnopqrstuvwxyz")
    files = [base / pattern.format(number) for pattern in _PREFERRED if pattern.startswith(name.removesuffix(number))]
    label = _text(base / f"{name}_label") or _text(base / f"{name}_oem_info")
    return Sensor(driver, device.name, device, tuple(file for file in files if file.exists()), name, label or "")


def _by_table(sensor: Sensor) -> Scoped | None:
    if sensor.driver == "amdgpu" and is_apu(sensor.device):
        return Scoped(PACKAGES, sensor.address)
    if sensor.driver == "amdgpu" and _text(sensor.device / "device") == _MI300A:
        return Scoped(MODULE_SCOPE, sensor.address)
    for row in _KNOWN:
        label = re.fullmatch(row.label, sensor.label)
        if label and re.fullmatch(row.driver, sensor.driver):
            part = row.part.format(*label.groups(), address=sensor.address, label=sensor.label)
            return None if row.scope is None else Scoped(row.scope, part)
    return _unknown(sensor)


def _unknown(sensor: Sensor) -> Scoped:
    """Each has a scope of its own, so that no two are summed."""
    return Scoped(unknown_scope(f"{sensor.driver} {sensor.address} {sensor.title}"), f"{sensor.address} {sensor.title}")


def _may_be_whole(sensor: Sensor) -> bool:
    """Whether this is an ACPI power meter that measures no single device, no battery, and no part of a Grace."""
    if sensor.driver != "power_meter" or "Power Socket" in sensor.label:
        return False
    folder = sensor.files[0].parent
    measured = _files(folder / "measures") or _files(sensor.device / "measures")
    is_battery = _text(folder / f"{sensor.name}_is_battery") == "1"
    return not is_battery and all(_WHOLE.fullmatch(name) for name in measured)


def is_apu(device: Path) -> bool:
    """Whether the graphics are a processor's: their power is that of the whole processor."""
    try:
        return (device / "gpu_metrics").read_bytes()[2] >= _APU_METRICS
    except (OSError, IndexError):
        memory = _text(device / "mem_info_vram_total")
        return bool(memory) and int(memory or 0) < _LEAST_OWN_MEMORY_BYTES


def _files(folder: Path) -> list[str]:
    try:
        return [file.name for file in folder.iterdir()]
    except OSError:
        return []


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
