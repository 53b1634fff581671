"""A clock that tests move, and machines that are not there."""

from datetime import UTC, datetime
from pathlib import Path


class HandClock:
    """Time stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def utc(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)

    def sleep(self, duration_s: float) -> None:
        self.now_ns += round(duration_s * 1e9)


def powercap_zone(root: Path, name: str, kind: str, energy_uj: int = 0, range_uj: int = 1_000_000) -> Path:
    """Make a zone like intel-rapl:0 and return the file of its counter."""
    zone = root / "sys/class/powercap" / name
    zone.mkdir(parents=True)
    (zone / "name").write_text(f"{kind}\n")
    (zone / "max_energy_range_uj").write_text(f"{range_uj}\n")
    counter = zone / "energy_uj"
    counter.write_text(f"{energy_uj}\n")
    return counter


def hwmon_device(
    root: Path, number: int, driver: str, device: str, files: dict[str, str | int], *, is_legacy: bool = False
) -> Path:
    """Make hwmon3 of a device like pci0000:00/0000:03:00.0 and return the folder that has its files.

    As in the kernel, /sys/class/hwmon/hwmon3 is a link to a folder of the device, which has a link `device` back to it.
    A legacy driver has its files in the device's folder.
    """
    of_device = root / "sys/devices" / device
    own = of_device / "hwmon" / f"hwmon{number}"
    own.mkdir(parents=True)
    (own / "device").symlink_to(Path("..") / ".." / ".." / of_device.name)
    listed = root / "sys/class/hwmon"
    listed.mkdir(parents=True, exist_ok=True)
    (listed / f"hwmon{number}").symlink_to(own)
    folder = of_device if is_legacy else own
    for name, text in {"name": driver, **files}.items():
        (folder / name).write_text(f"{text}\n")
    return folder
