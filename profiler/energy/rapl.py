"""RAPL: the energy counters of x86 processors, as Linux shows them under /sys/class/powercap.

`energy_uj` counts microjoules and starts again at 0 after `max_energy_range_uj`
(https://docs.kernel.org/power/powercap/powercap.html). Virtual machines and Arm processors have none.
"""

from collections.abc import Callable
from pathlib import Path

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.counting import WrappingCounter
from profiler.energy.scopes import MEMORY, PACKAGES
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock

_FOLDER = Path("sys/class/powercap")
_REMEDY = "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"


class RaplMeter:
    """Counts the energy of processor packages and of their memory."""

    def __init__(self, clock: Clock, root: Path = Path("/")) -> None:
        """Look for the counters. Raises `MeterAbsentError`."""
        zones = sorted((root / _FOLDER).glob("intel-rapl:*")) if (root / _FOLDER).is_dir() else []
        self._counters = [counter for zone in zones if (counter := _open(zone, clock))]
        if not self._counters:
            raise MeterAbsentError(
                "this machine shows no RAPL counter under /sys/class/powercap, as is usual in virtual machines, "
                "in containers and on Arm"
            )

    @property
    def channels(self) -> list[MeterFacts]:
        """One per package and one per memory domain."""
        return [counter.facts for counter in self._counters]

    def read(self) -> list[EnergyReading]:
        """Read every counter."""
        return [reading for counter in self._counters if (reading := counter.read())]

    def close(self) -> None:
        """Nothing is held open."""


def _open(zone: Path, clock: Clock) -> WrappingCounter | None:
    """Open a zone that is a package or its memory; cores and graphics are parts of a package."""
    try:
        name = (zone / "name").read_text().strip()
        if not name.startswith("package") and name != "dram":
            return None
        start_uj, range_uj = int((zone / "energy_uj").read_text()), int((zone / "max_energy_range_uj").read_text())
    except PermissionError as error:
        raise MeterAbsentError(
            f"{error.filename} may be read by root only (CVE-2020-8694). Allow it until the next restart: {_REMEDY}"
        ) from error
    except (OSError, ValueError):
        return None
    package = zone.name.split(":")[1]
    facts = MeterFacts(
        channel=f"rapl:package-{package}" if name != "dram" else f"rapl:dram-{package}",
        meter=KIND.name,
        meter_class="counter",
        scope=MEMORY if name == "dram" else PACKAGES,
        part=name if name != "dram" else f"dram-{package}",
        device=name,
        provenance=f"RAPL counter {zone.name}/energy_uj, microjoules since the machine started",
    )
    return WrappingCounter(facts, clock, _reader(zone / "energy_uj"), start_uj, [range_uj])


def _reader(file: Path) -> Callable[[], int | None]:
    def read_uj() -> int | None:
        try:
            return int(file.read_text())
        except (OSError, ValueError):
            return None

    return read_uj


KIND = MeterKind("rapl", lambda clock, _: RaplMeter(clock))
