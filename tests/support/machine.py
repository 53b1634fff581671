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
