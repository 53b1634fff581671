"""RAPL: the energy counters of x86 processors, as Linux shows them under /sys/class/powercap.

`energy_uj` counts microjoules and starts again at 0 after `max_energy_range_uj`
(https://docs.kernel.org/power/powercap/powercap.html). Virtual machines and Arm processors have none.
"""

from dataclasses import dataclass
from pathlib import Path

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.scopes import MEMORY, PACKAGES
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock
from profiler.units import NS_PER_S

_FOLDER = Path("sys/class/powercap")
_UJ_PER_J = 1_000_000
_MOST_W = 5_000  # no package or its memory draws more: a counter that seems to was set back (after a suspend, say)
_REMEDY = "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"


@dataclass
class _Domain:
    facts: MeterFacts
    file: Path
    range_uj: int
    last_uj: int
    last_ns: int
    total_uj: int = 0
    is_lost: bool = False  # it started again without having been full: what it had counted is not known


class RaplMeter:
    """Counts the energy of processor packages and of their memory."""

    def __init__(self, clock: Clock, root: Path = Path("/")) -> None:
        """Look for the counters. Raises `MeterAbsentError`."""
        self._clock = clock
        zones = sorted((root / _FOLDER).glob("intel-rapl:*")) if (root / _FOLDER).is_dir() else []
        self._domains = [domain for zone in zones if (domain := _open(zone, clock.monotonic_ns()))]
        if not self._domains:
            raise MeterAbsentError(
                "this machine shows no RAPL counter under /sys/class/powercap, as is usual in virtual machines, "
                "in containers and on Arm"
            )

    @property
    def channels(self) -> list[MeterFacts]:
        """One per package and one per memory domain."""
        return [domain.facts for domain in self._domains]

    def read(self) -> list[EnergyReading]:
        """Read every counter; one that wrapped around since the last reading is told by its going down."""
        return [reading for domain in self._domains if (reading := self._read(domain))]

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self, domain: _Domain) -> EnergyReading | None:
        t_ns = self._clock.monotonic_ns()
        try:
            now_uj = int(domain.file.read_text())
        except (OSError, ValueError):
            return None
        step_uj, step_ns = now_uj - domain.last_uj, t_ns - domain.last_ns
        step_uj += domain.range_uj if step_uj < 0 else 0
        domain.is_lost |= step_ns > 0 and step_uj / _UJ_PER_J > _MOST_W * step_ns / NS_PER_S
        if domain.is_lost:
            return None
        domain.total_uj += step_uj
        domain.last_uj, domain.last_ns = now_uj, t_ns
        return EnergyReading(channel=domain.facts.channel, t_ns=t_ns, energy_j=domain.total_uj / _UJ_PER_J)


def _open(zone: Path, now_ns: int) -> _Domain | None:
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
        device=name,
        provenance=f"RAPL counter {zone.name}/energy_uj, microjoules since the machine started",
    )
    return _Domain(facts, zone / "energy_uj", range_uj, start_uj, now_ns)


KIND = MeterKind("rapl", lambda clock, _: RaplMeter(clock))
