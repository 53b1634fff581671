from pathlib import Path

import pytest
from support.machine import HandClock, powercap_zone

from profiler.energy.base import MeterAbsentError
from profiler.energy.rapl import RaplMeter


def energies(meter: RaplMeter) -> dict[str, float]:
    return {reading.channel: reading.energy_j for reading in meter.read()}


def test_packages_and_memory_are_channels_of_different_scope(tmp_path: Path) -> None:
    counter = powercap_zone(tmp_path, "intel-rapl:0", "package-0", 400_000)
    powercap_zone(tmp_path, "intel-rapl:0:0", "core")
    powercap_zone(tmp_path, "intel-rapl:0:1", "dram", 7)
    powercap_zone(tmp_path, "intel-rapl:1", "package-1")
    powercap_zone(tmp_path, "intel-rapl:2", "psys")
    meter = RaplMeter(HandClock(), tmp_path)
    assert {c.channel: (c.meter_class, c.scope) for c in meter.channels} == {
        "rapl:package-0": ("counter", "CPU packages"),
        "rapl:dram-0": ("counter", "DRAM"),
        "rapl:package-1": ("counter", "CPU packages"),
    }
    counter.write_text("900000\n")
    assert energies(meter) == {"rapl:package-0": 0.5, "rapl:dram-0": 0, "rapl:package-1": 0}


def test_channels_have_the_names_of_their_packages_whatever_their_zones_are_numbered(tmp_path: Path) -> None:
    """Of two sockets, the second one's zone may be the first; a package of two dies has two zones."""
    powercap_zone(tmp_path, "intel-rapl:0", "package-1")
    powercap_zone(tmp_path, "intel-rapl:0:0", "dram")
    powercap_zone(tmp_path, "intel-rapl:1", "package-0-die-0")
    powercap_zone(tmp_path, "intel-rapl:2", "package-0-die-1")
    powercap_zone(tmp_path, "intel-rapl:2:0", "dram")
    meter = RaplMeter(HandClock(), tmp_path)
    assert {c.channel: (c.part, c.device) for c in meter.channels} == {
        "rapl:package-1": ("package-1", "package-1"),
        "rapl:dram-1": ("dram-1", "dram"),
        "rapl:package-0-die-0": ("package-0-die-0", "package-0-die-0"),
        "rapl:package-0-die-1": ("package-0-die-1", "package-0-die-1"),
        "rapl:dram-0-die-1": ("dram-0-die-1", "dram"),
    }


def test_a_counter_that_wraps_around_goes_on(tmp_path: Path) -> None:
    counter = powercap_zone(tmp_path, "intel-rapl:0", "package-0", 900_000, range_uj=1_000_000)
    meter = RaplMeter(HandClock(), tmp_path)
    for now_uj in (100_000, 800_000, 200_000):
        counter.write_text(str(now_uj))
        meter.read()
    # 200,000 past the end, 700,000, 400,000 past the end
    assert energies(meter) == {"rapl:package-0": pytest.approx(1.3)}


def test_a_reading_that_fails_is_left_out_and_made_up_for(tmp_path: Path) -> None:
    counter = powercap_zone(tmp_path, "intel-rapl:0", "package-0")
    meter = RaplMeter(HandClock(), tmp_path)
    counter.write_text("busy")
    assert meter.read() == []
    counter.write_text("500000")
    assert energies(meter) == {"rapl:package-0": 0.5}


def test_a_package_whose_counter_cannot_be_read_makes_no_half_sum(tmp_path: Path) -> None:
    powercap_zone(tmp_path, "intel-rapl:0", "package-0")
    powercap_zone(tmp_path, "intel-rapl:1", "package-1").write_text("")
    with pytest.raises(MeterAbsentError, match=r"intel-rapl:1/energy_uj cannot be read, so the energy of package-1"):
        RaplMeter(HandClock(), tmp_path)


def test_memory_counts_of_all_packages_or_of_none(tmp_path: Path) -> None:
    for number in (0, 1):
        powercap_zone(tmp_path, f"intel-rapl:{number}", f"package-{number}")
        memory = powercap_zone(tmp_path, f"intel-rapl:{number}:0", "dram")
    memory.unlink()
    assert set(energies(RaplMeter(HandClock(), tmp_path))) == {"rapl:package-0", "rapl:package-1"}


def test_readings_carry_their_time(tmp_path: Path) -> None:
    powercap_zone(tmp_path, "intel-rapl:0", "package-0")
    clock = HandClock()
    meter = RaplMeter(clock, tmp_path)
    clock.sleep(2)
    assert meter.read()[0].t_ns == 2_000_000_000


METAL = "processor : 0\nflags : fpu sse2 avx2\n"
GUEST = "processor : 0\nflags : fpu sse2 avx2 hypervisor\n"
ARM = "processor : 0\nFeatures : fp asimd\n"


@pytest.mark.parametrize(
    ("cpuinfo", "machine", "more", "reason"),
    [
        (GUEST, "x86_64", {}, "this is a virtual machine: measure on metal, or read a wall meter"),
        # a container of a guest is not helped by what helps a container
        (GUEST, "x86_64", {".dockerenv": ""}, "this is a virtual machine"),
        (METAL, "x86_64", {".dockerenv": ""}, r"this container \(docker\) is kept .* systempaths=unconfined"),
        (METAL, "x86_64", {"run/.containerenv": ""}, r"this container \(podman\) is kept .* unmask=/sys/devices"),
        (METAL, "x86_64", {}, "sudo modprobe intel_rapl_msr"),
        (ARM, "aarch64", {}, "Arm CPUs have no RAPL; .* hwmon"),
        (ARM, "aarch64", {".dockerenv": ""}, "Arm CPUs have no RAPL"),
        (GUEST, "x86_64", {"proc/sys/kernel/osrelease": "5.15.1-microsoft-standard-WSL2"}, "WSL2 is a virtual machine"),
        (None, "arm64", {}, "is read from Linux's /sys/class/powercap"),
    ],
)
def test_why_there_is_none(
    tmp_path: Path, cpuinfo: str | None, machine: str, more: dict[str, str], reason: str
) -> None:
    for name, text in {**({} if cpuinfo is None else {"proc/cpuinfo": cpuinfo}), **more}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(MeterAbsentError, match=reason):
        RaplMeter(HandClock(), tmp_path, machine)


def test_docker_lays_an_empty_folder_over_the_counters(tmp_path: Path) -> None:
    """What Docker's masked paths leave: links in /sys/class/powercap that lead nowhere."""
    zones = tmp_path / "sys/class/powercap"
    zones.mkdir(parents=True)
    (tmp_path / "sys/devices/virtual/powercap").mkdir(parents=True)
    (zones / "intel-rapl:0").symlink_to("../../devices/virtual/powercap/intel-rapl/intel-rapl:0")
    (tmp_path / ".dockerenv").touch()
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(METAL)
    with pytest.raises(MeterAbsentError, match="kept from /sys/devices/virtual/powercap"):
        RaplMeter(HandClock(), tmp_path, "x86_64")


def test_counters_for_root_only_come_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = powercap_zone(tmp_path, "intel-rapl:0", "package-0")
    really = Path.read_text

    def denied(path: Path, *arguments: object, **named: object) -> str:
        if path == counter:
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(MeterAbsentError, match=r"read by root only \(CVE-2020-8694\).*sudo chmod a\+r"):
        RaplMeter(HandClock(), tmp_path)


def test_a_counter_that_was_set_back_says_nothing_any_more(tmp_path: Path) -> None:
    """Half full, then 0: no wrap of the counter, which would have been 131 kJ in a second."""
    counter = powercap_zone(tmp_path, "intel-rapl:0", "package-0", 131_000_000_000, range_uj=262_143_328_850)
    clock = HandClock()
    meter = RaplMeter(clock, tmp_path)
    clock.sleep(1)
    counter.write_text("131000100000")
    assert energies(meter) == {"rapl:package-0": 0.1}
    for now_uj in (0, 100_000):
        clock.sleep(1)
        counter.write_text(str(now_uj))
        assert energies(meter) == {}


def test_a_counter_that_wraps_around_under_load_goes_on(tmp_path: Path) -> None:
    counter = powercap_zone(tmp_path, "intel-rapl:0", "package-0", 262_143_228_850, range_uj=262_143_328_850)
    clock = HandClock()
    meter = RaplMeter(clock, tmp_path)
    clock.sleep(0.5)
    counter.write_text("150000000")
    # 0.1 J to the end and 150 J from there: 300 W
    assert energies(meter) == {"rapl:package-0": pytest.approx(150.1)}
