"""RAPL: the energy counters of x86 processors, as Linux shows them under /sys/class/powercap.

`energy_uj` counts microjoules and starts again at 0 after `max_energy_range_uj`
(https://docs.kernel.org/power/powercap/powercap.html). Virtual machines and Arm processors have none; containers are
kept from it (CVE-2020-8694), by an empty folder laid over /sys/devices/virtual/powercap.
"""

import platform
from collections.abc import Callable, Mapping
from pathlib import Path

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.counting import WrappingCounter
from profiler.energy.scopes import MEMORY, PACKAGES
from profiler.hosts.procfs import processors
from profiler.hosts.tree import Tree
from profiler.hosts.virtualisation import container, is_wsl2, virtualisation
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock

_FOLDER = Path("sys/class/powercap")
_MEMORY = "dram"  # as the zone of a package's memory is called
_ELSE = "read a wall meter: aforo energy import"
_REMEDY = "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"


class RaplMeter:
    """Counts the energy of processor packages and of their memory."""

    def __init__(self, clock: Clock, root: Path = Path("/"), machine: str = platform.machine()) -> None:
        """Look for the counters. Raises `MeterAbsentError`."""
        zones = sorted((root / _FOLDER).glob("intel-rapl:*")) if (root / _FOLDER).is_dir() else []
        self._counters = _open_all({zone: name for zone in zones if (name := _name(zone))}, clock, root)
        if not self._counters:
            raise MeterAbsentError(_why_none(Tree(root), machine))

    @property
    def channels(self) -> list[MeterFacts]:
        """One per package and one per memory domain."""
        return [counter.facts for counter in self._counters]

    def read(self) -> list[EnergyReading]:
        """Read every counter."""
        return [reading for counter in self._counters if (reading := counter.read())]

    def close(self) -> None:
        """Nothing is held open."""


def _why_none(tree: Tree, machine: str) -> str:
    """Say what keeps RAPL from us, and what would help there."""
    if not tree.exists("proc/cpuinfo"):
        return f"RAPL is read from Linux's /sys/class/powercap, which {platform.system()} does not have; {_ELSE}"
    if is_wsl2(tree):
        return f"WSL2 is a virtual machine and Windows keeps RAPL to itself: measure under Linux itself, or {_ELSE}"
    if machine.startswith(("aarch64", "arm")):
        return f"Arm CPUs have no RAPL; where the board has sensors, hwmon shows them. Else {_ELSE}"
    layers = virtualisation(tree, machine, {}, (processors(tree.text("proc/cpuinfo")) or [{}])[0])
    if layers.is_virtual:
        return f"hypervisors keep RAPL to themselves, and this is a virtual machine: measure on metal, or {_ELSE}"
    if layers.container:
        return (
            f"this container ({layers.container}) is kept from /sys/devices/virtual/powercap (CVE-2020-8694). Measure "
            "on the host, or start it with --security-opt systempaths=unconfined (Docker) or --security-opt "
            "unmask=/sys/devices/virtual/powercap (Podman), and let its user read energy_uj"
        )
    return (
        "no driver shows RAPL under /sys/class/powercap: sudo modprobe intel_rapl_msr; AMD CPUs need Linux 5.8 "
        "(EPYC, Ryzen) or later"
    )


def _name(zone: Path) -> str | None:
    """Return what a zone is called that is a package or its memory; cores and graphics are parts of a package."""
    try:
        name = (zone / "name").read_text().strip()
    except OSError:
        return None
    return name if name.startswith("package") or name == _MEMORY else None


def _open_all(names: Mapping[Path, str], clock: Clock, root: Path) -> list[WrappingCounter]:
    """Open all packages, or raise `MeterAbsentError`, and the memory of all or of none: a part is no sum."""
    opened = {zone: _open(zone, name, clock, root) for zone, name in names.items()}
    unread = [zone for zone, counter in opened.items() if counter is None]
    for zone in unread:
        if names[zone] != _MEMORY:
            raise MeterAbsentError(
                f"{zone / 'energy_uj'} cannot be read, so the energy of {names[zone]} would be missing; {_ELSE}"
            )
    return [counter for zone, counter in opened.items() if counter and not (unread and names[zone] == _MEMORY)]


def _open(zone: Path, name: str, clock: Clock, root: Path) -> WrappingCounter | None:
    """Return the counter of a zone; None where it cannot be read. Raises `MeterAbsentError` where root may."""
    try:
        start_uj, range_uj = int((zone / "energy_uj").read_text()), int((zone / "max_energy_range_uj").read_text())
    except PermissionError as error:
        where = ", on the container's host" if container(Tree(root)) else ""
        raise MeterAbsentError(
            f"{error.filename} may be read by root only (CVE-2020-8694). Allow it until the next restart{where}: "
            f"{_REMEDY}"
        ) from error
    except (OSError, ValueError):
        return None
    part = name if name != _MEMORY else _memory_of(zone)
    facts = MeterFacts(
        channel=f"rapl:{part}",
        meter=KIND.name,
        meter_class="counter",
        scope=MEMORY if name == _MEMORY else PACKAGES,
        part=part,
        device=name,
        provenance=f"RAPL counter {zone.name}/energy_uj, microjoules since the machine started",
    )
    return WrappingCounter(facts, clock, _reader(zone / "energy_uj"), start_uj, [range_uj])


def _memory_of(zone: Path) -> str:
    """Name the memory of a package by the package, whose zone has any number: dram-1 of package-1."""
    package = Tree(zone.parent).text(f"{zone.name.rpartition(':')[0]}/name") or ""
    number = zone.name.split(":")[1]
    return f"dram-{package.removeprefix('package-') if package.startswith('package-') else number}"


def _reader(file: Path) -> Callable[[], int | None]:
    def read_uj() -> int | None:
        try:
            return int(file.read_text())
        except (OSError, ValueError):
            return None

    return read_uj


KIND = MeterKind("rapl", lambda clock, _: RaplMeter(clock))
