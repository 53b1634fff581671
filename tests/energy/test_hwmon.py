"""Trees with the layouts that Linux drivers have; each test names the kernel's document of its driver."""

from pathlib import Path

import pytest
from support.machine import HandClock, hwmon_device

from profiler.energy.account import Seen, accounts, headline, whole_machine
from profiler.energy.base import MeterAbsentError
from profiler.energy.hwmon import HwmonMeter
from profiler.energy.polling import Poller
from profiler.errors import UsageError
from profiler.results.host_facts import GpuFacts
from profiler.results.manifest import EnergyFacts

S = 1_000_000_000
ARC, MAX_1100, RADEON = "pci0000:00/0000:03:00.0", "pci0000:00/0000:4d:00.0", "pci0000:00/0000:83:00.0"


@pytest.fixture(autouse=True)
def polled_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Poller, "_keep_polling", lambda self: None)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def open_meter(
    clock: HandClock, root: Path, gpus: str | None = None, environ: dict[str, str] | None = None
) -> HwmonMeter:
    return HwmonMeter(clock, gpus, root, environ or {})


def scopes(meter: HwmonMeter) -> dict[str, tuple[str, str]]:
    return {facts.channel: (facts.meter_class, facts.scope) for facts in meter.channels}


def joules(meter: HwmonMeter, clock: HandClock, seconds: float) -> dict[str, float]:
    """Poll ten times a second and read at the end."""
    for _ in range(round(seconds * 10)):
        clock.sleep(0.1)
        meter._poller.poll()
    return {reading.channel: round(reading.energy_j, 3) for reading in meter.read()}


def test_an_ampere_altra_is_its_cores_and_its_io(clock: HandClock, tmp_path: Path) -> None:
    """hwmon/xgene-hwmon.rst: "power1_input CPU power", "power2_input IO power", µW."""
    files = {"power1_input": 62_000_000, "power1_label": "CPU power"}
    files |= {"power2_input": 21_000_000, "power2_label": "IO power", "temp1_input": 47_000}
    hwmon_device(tmp_path, 0, "apm_xgene", "platform/APMC0D29:00", files)
    meter = open_meter(clock, tmp_path)
    assert scopes(meter) == {
        "hwmon:apm_xgene:APMC0D29:00:power1 (CPU power)": ("polled", "CPU packages"),
        "hwmon:apm_xgene:APMC0D29:00:power2 (IO power)": ("polled", "CPU packages"),
    }
    readings = []
    for _ in range(20):
        joules(meter, clock, 1)
        readings += meter.read()
    (packages,) = accounts(EnergyFacts(meters=meter.channels), Seen(readings, [(5 * S, 15 * S)], None))
    # 62 W + 21 W for 10 s
    assert packages.gross_j is not None
    assert packages.gross_j.value == pytest.approx(830)
    meter.close()


def test_the_socket_of_an_mi300a_holds_its_cpu(clock: HandClock, tmp_path: Path) -> None:
    """By AMD's library it is a module as well, under the same address: so the two are told to be one."""
    folder = hwmon_device(tmp_path, 0, "amdgpu", RADEON, {"power1_input": 550_000_000, "power1_label": "PPT"})
    (folder / "device" / "device").write_text("0x74a0\n")
    (folder / "device" / "mem_info_vram_total").write_text(f"{128 * 2**30}\n")
    meter = open_meter(clock, tmp_path)
    assert [(facts.scope, facts.part) for facts in meter.channels] == [("GPU modules", "0000:83:00.0")]
    meter.close()


@pytest.mark.parametrize(
    ("visible", "joules_of_10_s"),
    [(None, 3000 + 3100), ("0,1", 3000), ("2", 3100), ("1", None)],
    ids=["all", "both dies of one package", "the first die of another", "a second die alone"],
)
def test_of_a_package_with_two_dies_the_first_shows_the_power_of_both(
    clock: HandClock, tmp_path: Path, visible: str | None, joules_of_10_s: float | None
) -> None:
    """Four of an MI250X's dies: "Primary die … shows total (primary + secondary) socket power" (rocm-smi)."""
    for number, (power_w, cap_w) in enumerate([(300, 500), (0, 0), (310, 500), (0, 0)]):
        files = {"power1_average": power_w * 1_000_000, "power1_label": "PPT", "power1_cap_max": cap_w * 1_000_000}
        hwmon_device(tmp_path, number, "amdgpu", f"pci0000:00/0000:c{number}:00.0", files)
    environ = {} if visible is None else {"HIP_VISIBLE_DEVICES": visible}
    if joules_of_10_s is None:
        with pytest.raises(MeterAbsentError, match="second die of a package with two"):
            open_meter(clock, tmp_path, environ=environ)
        return
    meter = open_meter(clock, tmp_path, environ=environ)
    assert sum(joules(meter, clock, 10).values()) == pytest.approx(joules_of_10_s)
    assert all("second die" in reason for reason in meter.absent.values())
    meter.close()


def grace(root: Path, number: int, label: str, power_w: int) -> None:
    files = {"power1_average": power_w * 1_000_000, "power1_oem_info": label, "power1_average_interval": 50}
    acpi = f"LNXSYSTM:00/LNXSYBUS:00/ACPI000D:0{number}"
    hwmon_device(root, number, "power_meter", acpi, {**files, "power1_is_battery": 0}, is_legacy=True)


def grace_hopper(root: Path) -> None:
    for number, (label, power_w) in enumerate([("Module", 650), ("Grace", 150), ("CPU", 90), ("SysIO", 30)]):
        grace(root, number, f"{label} Power Socket 0", power_w)


def test_a_grace_has_its_cores_within_its_socket(clock: HandClock, tmp_path: Path) -> None:
    """hwmon/acpi_power_meter.rst; the labels are those of NVIDIA's Grace Performance Tuning Guide."""
    grace_hopper(tmp_path)
    driver = tmp_path / "proc/driver/nvidia/version"
    driver.parent.mkdir(parents=True)
    driver.write_text("NVRM version")
    meter = open_meter(clock, tmp_path)
    assert scopes(meter) == {
        "hwmon:power_meter:ACPI000D:00:power1 (Module Power Socket 0)": ("polled", "GPU modules"),
        "hwmon:power_meter:ACPI000D:01:power1 (Grace Power Socket 0)": ("polled", "CPU packages and DRAM"),
    }
    assert meter.channels[0].claim_window_s == 1.0  # 20 means of 50 ms
    assert joules(meter, clock, 2)["hwmon:power_meter:ACPI000D:01:power1 (Grace Power Socket 0)"] == 300
    meter.close()


def test_a_grace_without_a_gpu_has_no_gpu_module(clock: HandClock, tmp_path: Path) -> None:
    grace_hopper(tmp_path)
    meter = open_meter(clock, tmp_path)
    assert scopes(meter)["hwmon:power_meter:ACPI000D:00:power1 (Module Power Socket 0)"] == (
        "polled",
        "unknown scope: power_meter ACPI000D:00 power1 (Module Power Socket 0)",
    )
    meter.close()


def acpi_meter(root: Path, number: int, power_w: int, measures: str | None = None, **more: str | int) -> Path:
    files: dict[str, str | int] = {"power1_average": power_w * 1_000_000, "power1_is_battery": 0, **more}
    folder = hwmon_device(root, number, "power_meter", f"LNXSYSTM:00/ACPI000D:0{number}", files)
    if measures is not None:
        (folder / "measures" / measures).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("measures", [None, "LNXSYBUS:00"])
def test_an_acpi_meter_is_the_whole_machine(clock: HandClock, tmp_path: Path, measures: str | None) -> None:
    """hwmon/acpi_power_meter.rst: "power[1-*]_average", "measures/" has links to the devices that it measures."""
    acpi_meter(tmp_path, 0, 240, measures, power1_average_interval=1_000)
    meter = open_meter(clock, tmp_path)
    (facts,) = meter.channels
    assert (facts.meter_class, facts.scope, facts.claim_window_s) == ("polled", "whole machine", 20)
    assert "means of 1 s" in facts.provenance
    readings = []
    for _ in range(20):
        joules(meter, clock, 1)
        readings += meter.read()
    gpus = [GpuFacts(index=0, source="pci", name="AMD 1002:74a1")]
    found = accounts(EnergyFacts(meters=[facts]), Seen(readings, [(5 * S, 15 * S)], None, gpus=gpus))
    whole = whole_machine(found)
    assert whole is not None
    assert whole.gross_j is not None
    assert whole.gross_j.value == pytest.approx(2_400)
    meter.close()


def test_what_an_acpi_meter_of_a_part_sees_is_not_known(clock: HandClock, tmp_path: Path) -> None:
    acpi_meter(tmp_path, 0, 20, "PNP0C0A:00")
    acpi_meter(tmp_path, 1, 20, power1_is_battery=1)
    meter = open_meter(clock, tmp_path)
    assert all(facts.scope.startswith("unknown scope: power_meter ACPI000D:0") for facts in meter.channels)
    meter.close()


def test_of_several_acpi_meters_none_is_the_whole_machine(clock: HandClock, tmp_path: Path) -> None:
    for number in (0, 1):
        acpi_meter(tmp_path, number, 120)
    meter = open_meter(clock, tmp_path)
    assert {facts.scope.partition(":")[0] for facts in meter.channels} == {"unknown scope"}
    meter.close()


def test_intel_cards_count_the_card_and_its_package(clock: HandClock, tmp_path: Path) -> None:
    """ABI/testing/sysfs-driver-intel-xe-hwmon: energy1_input of the card, energy2_input of the package, µJ."""
    files = {"energy1_input": 7_000_000, "energy1_label": "card", "energy2_input": 5_000_000, "energy2_label": "pkg"}
    folder = hwmon_device(tmp_path, 2, "xe", ARC, {**files, "power1_max": 190_000_000})
    meter = open_meter(clock, tmp_path)
    card, package = meter.channels
    assert (card.channel, card.meter_class, card.scope) == (
        "hwmon:xe:0000:03:00.0:energy1 (card)",
        "counter",
        "GPU boards",
    )
    assert (package.scope, package.part) == ("GPU packages", "0000:03:00.0")
    (folder / "energy1_input").write_text("107000000\n")
    assert joules(meter, clock, 1) == {card.channel: 100, package.channel: 0}
    meter.close()


def test_older_intel_drivers_count_the_package(clock: HandClock, tmp_path: Path) -> None:
    """ABI/testing/sysfs-driver-intel-i915-hwmon: i915 is the device, i915_gt0 a part of it."""
    hwmon_device(tmp_path, 0, "i915", ARC, {"energy1_input": 1})
    hwmon_device(tmp_path, 1, "i915_gt0", ARC, {"energy1_input": 1})
    meter = open_meter(clock, tmp_path)
    assert scopes(meter) == {"hwmon:i915:0000:03:00.0:energy1": ("counter", "GPU packages")}
    meter.close()


def radeon(root: Path, number: int, device: str = RADEON, revision: int = 1) -> Path:
    """gpu/amdgpu/thermal.rst: power1_average "average power used by the SoC in microWatts"; both may be there."""
    files = {"power1_average": 210_000_000, "power1_input": 250_000_000, "power1_label": "PPT"}
    folder = hwmon_device(root, number, "amdgpu", device, {**files, "power1_cap": 303_000_000, "fan1_input": 0})
    (root / "sys/devices" / device / "gpu_metrics").write_bytes(bytes([0x78, 0, revision, 3]))
    return folder


def test_a_radeon_is_its_package_by_the_mean(clock: HandClock, tmp_path: Path) -> None:
    radeon(tmp_path, 4)
    meter = open_meter(clock, tmp_path)
    assert scopes(meter) == {"hwmon:amdgpu:0000:83:00.0:power1 (PPT)": ("polled", "GPU packages")}
    assert list(joules(meter, clock, 10).values()) == [2_100]
    meter.close()


def test_a_mean_that_does_not_answer_gives_way_to_the_power_of_the_moment(clock: HandClock, tmp_path: Path) -> None:
    (radeon(tmp_path, 4) / "power1_average").write_text("")
    meter = open_meter(clock, tmp_path)
    assert list(joules(meter, clock, 10).values()) == [2_500]
    meter.close()


@pytest.mark.parametrize(("revision", "vram"), [(2, None), (3, 96 << 30), (None, 512 << 20)])
def test_graphics_of_a_processor_show_the_whole_processor(
    clock: HandClock, tmp_path: Path, revision: int | None, vram: int | None
) -> None:
    radeon(tmp_path, 4, revision=revision or 0)
    device = tmp_path / "sys/devices" / RADEON
    if revision is None:
        (device / "gpu_metrics").unlink()
    if vram is not None:
        (device / "mem_info_vram_total").write_text(f"{vram}\n")
    meter = open_meter(clock, tmp_path)
    assert [facts.scope for facts in meter.channels] == ["CPU packages"]
    meter.close()


@pytest.mark.parametrize(
    ("gpus", "environ", "counted"),
    [
        (None, {}, "03 83"),
        (None, {"HIP_VISIBLE_DEVICES": "0"}, "03 83"),
        (None, {"HIP_VISIBLE_DEVICES": "-1"}, "03"),
        (None, {"CUDA_VISIBLE_DEVICES": ""}, "03"),
        (None, {"ZE_AFFINITY_MASK": "1"}, "83"),
        ("0", {"ZE_AFFINITY_MASK": "1"}, "03"),
        ("1", {}, "83"),
        ("all", {"ZE_AFFINITY_MASK": "1"}, "03 83"),
    ],
)
def test_only_chosen_cards_count(
    clock: HandClock, tmp_path: Path, gpus: str | None, environ: dict[str, str], counted: str
) -> None:
    hwmon_device(tmp_path, 2, "xe", ARC, {"energy1_input": 1, "energy1_label": "card"})
    radeon(tmp_path, 4)
    meter = open_meter(clock, tmp_path, gpus, environ)
    assert sorted(facts.part or "" for facts in meter.channels) == [f"0000:{n}:00.0" for n in counted.split()]
    assert len(meter.others) == 2 - len(meter.channels)
    meter.close()


def test_a_card_that_is_not_there(clock: HandClock, tmp_path: Path) -> None:
    radeon(tmp_path, 4)
    with pytest.raises(UsageError, match="--gpus 1: this machine has 0"):
        open_meter(clock, tmp_path, "1")


def test_beside_an_nvidia_driver_the_option_names_nvidia_cards(clock: HandClock, tmp_path: Path) -> None:
    radeon(tmp_path, 4)
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").write_text("")
    with pytest.raises(MeterAbsentError, match="not among --gpus 0, which names NVIDIA cards"):
        open_meter(clock, tmp_path, "0")


def test_sockets_of_an_epyc_without_their_cores(clock: HandClock, tmp_path: Path) -> None:
    """hwmon/amd_energy.rst: "EcoreX" and "EsocketX"; its values are 64 bits wide."""
    files = {"energy1_input": 10, "energy1_label": "Ecore000", "energy2_input": 2**64 - 1_000_000}
    folder = hwmon_device(tmp_path, 1, "amd_energy", "platform/amd_energy.0", {**files, "energy2_label": "Esocket0"})
    meter = open_meter(clock, tmp_path)
    (socket,) = meter.channels
    assert (socket.scope, socket.part) == ("CPU packages", "package-0")
    (folder / "energy2_input").write_text("199000000\n")
    # 1 J up to where it starts again, and 199 J from there
    assert joules(meter, clock, 1) == {socket.channel: 200}
    meter.close()


def test_a_counter_of_32_bits_starts_again_sooner(clock: HandClock, tmp_path: Path) -> None:
    folder = hwmon_device(tmp_path, 0, "zenergy", "platform/zenergy.0", {"energy1_label": "Esocket0"})
    counter = folder / "energy1_input"
    counter.write_text(str(2**32 - 40_000_000))
    meter = open_meter(clock, tmp_path)
    for now_uj in (60_000_000, 160_000_000):
        counter.write_text(str(now_uj))
        energies = joules(meter, clock, 1)
    assert list(energies.values()) == [200]
    meter.close()


def test_a_counter_that_steps_between_two_readings_at_once_goes_on(clock: HandClock, tmp_path: Path) -> None:
    """400 W in steps of 100 ms are 40 J at once, here within 50 µs."""
    folder = hwmon_device(tmp_path, 0, "zenergy", "platform/zenergy.0", {"energy1_label": "Esocket0"})
    (folder / "energy1_input").write_text("1000000000")
    meter = open_meter(clock, tmp_path)
    clock.sleep(50e-6)
    (folder / "energy1_input").write_text("1040000000")
    assert [reading.energy_j for reading in meter.read()] == [40]
    meter.close()


def test_a_counter_that_was_set_back_says_nothing_any_more(clock: HandClock, tmp_path: Path) -> None:
    folder = hwmon_device(tmp_path, 0, "zenergy", "platform/zenergy.0", {"energy1_label": "Esocket0"})
    (folder / "energy1_input").write_text("3000000000000")
    meter = open_meter(clock, tmp_path)
    (folder / "energy1_input").write_text("0")
    assert joules(meter, clock, 1) == {}
    meter.close()


def test_of_an_unknown_sensor_nobody_knows_what_it_sees(clock: HandClock, tmp_path: Path) -> None:
    """hwmon/ina2xx.rst: power of whatever rail it is soldered to."""
    for number, power_w in enumerate((3, 5)):
        rail = f"platform/i2c/1-004{number}"
        hwmon_device(tmp_path, number, "ina226", rail, {"power1_input": power_w * 1_000_000})
    meter = open_meter(clock, tmp_path)
    readings = []
    for _ in range(20):
        joules(meter, clock, 1)
        readings += meter.read()
    found = accounts(EnergyFacts(meters=meter.channels), Seen(readings, [(5 * S, 15 * S)], None))
    shown = {account.scope: account.gross_j and account.gross_j.value for account in found}
    assert shown == {
        "unknown scope: ina226 1-0040 power1": pytest.approx(30),
        "unknown scope: ina226 1-0041 power1": pytest.approx(50),
    }
    assert headline(found) is None
    meter.close()


def test_a_counter_for_root_only_comes_with_the_remedy(
    clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """hwmon/amd_energy.rst: the counters may be read by root only (CVE-2020-12912)."""
    folder = hwmon_device(tmp_path, 0, "amd_energy", "platform/amd_energy.0", {"energy1_input": 5})
    (folder / "energy1_label").write_text("Esocket0")
    (tmp_path / "sys/devices/platform/amd_energy.0/power").mkdir()
    (tmp_path / "sys/devices/platform/amd_energy.0/power/runtime_status").write_text("unsupported\n")
    radeon(tmp_path, 4)
    really = Path.read_text

    def denied(path: Path, *arguments: object, **named: object) -> str:
        if path.name == "energy1_input":
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", denied)
    meter = open_meter(clock, tmp_path)
    assert [facts.scope for facts in meter.channels] == ["GPU packages"]
    (reason,) = meter.absent.values()
    assert reason.startswith(f"{tmp_path}/sys/class/hwmon/hwmon0/energy1_input may be read by root only")
    assert "sudo chmod a+r" in reason
    meter.close()


def test_a_card_that_sleeps_comes_with_what_wakes_it(
    clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """amdgpu refuses with EPERM, not as a file for root only does, while the card is suspended (amdgpu_pm.c)."""
    radeon(tmp_path, 4)
    device = tmp_path / "sys/devices" / RADEON
    (device / "power").mkdir()
    (device / "power/runtime_status").write_text("suspended\n")
    really = Path.read_text

    def asleep(path: Path, *arguments: object, **named: object) -> str:
        if path.name in {"power1_average", "power1_input"}:
            raise PermissionError(1, "Operation not permitted", str(path))
        return really(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", asleep)
    with pytest.raises(MeterAbsentError, match=r"the device sleeps. .*echo on \| sudo tee .*/power/control"):
        open_meter(clock, tmp_path)


def test_a_machine_without_such_sensors(clock: HandClock, tmp_path: Path) -> None:
    hwmon_device(tmp_path, 0, "coretemp", "platform/coretemp.0", {"temp1_input": 40_000})
    with pytest.raises(MeterAbsentError, match="shows no sensor of power or energy"):
        open_meter(clock, tmp_path)
    with pytest.raises(MeterAbsentError, match="shows no sensor of power or energy"):
        open_meter(clock, tmp_path / "nothing")
