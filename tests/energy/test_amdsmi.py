"""Against an amdsmi that is made up, with the names, keys and units of AMD SMI's Python API (amdsmi 7.0)."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.machine import HandClock

from profiler.energy import amdsmi
from profiler.energy.amdsmi import AmdsmiMeter
from profiler.energy.base import MeterAbsentError
from profiler.energy.polling import Poller
from profiler.errors import UsageError

RESOLUTION_UJ = 15.259  # of Instinct cards: 2^-16 J


class FakeSmi:
    """Instinct cards, told by handles; time is the test's."""

    class AmdSmiException(Exception):  # noqa: N818 - the library's name
        pass

    def __init__(self, clock: HandClock, watts: list[float], name: str = "AMD Instinct MI300X") -> None:
        self.clock = clock
        self.watts = watts
        self.name = name
        self.counts = True
        self.silent: set[int] = set()
        self.is_down = False
        self.power_key = "socket_power"

    def amdsmi_init(self) -> None:
        if self.is_down:
            raise self.AmdSmiException("Error code:\n\t34 | AMDSMI_STATUS_DRIVER_NOT_LOADED - Driver not loaded")

    def amdsmi_shut_down(self) -> None:
        self.is_down = True

    def amdsmi_get_processor_handles(self) -> list[int]:
        return list(range(len(self.watts)))

    def amdsmi_get_gpu_asic_info(self, handle: int) -> dict[str, Any]:
        serial = f"0x{handle}EF0A1B2C3D4E5F6"
        return {"market_name": self.name, "vendor_id": 0x1002, "asic_serial": serial}

    def amdsmi_get_gpu_device_bdf(self, handle: int) -> str:
        return f"0000:{handle}C:00.0"

    def amdsmi_get_energy_count(self, handle: int) -> dict[str, Any]:
        if not self.counts or handle in self.silent:
            raise self.AmdSmiException("AMDSMI_STATUS_NOT_SUPPORTED - Feature not supported")
        steps = 1_000_000 + round(self.watts[handle] * self.clock.now_ns / 1e3 / RESOLUTION_UJ)
        return {"energy_accumulator": steps, "counter_resolution": RESOLUTION_UJ, "timestamp": 0}

    def amdsmi_get_power_info(self, handle: int) -> dict[str, Any]:
        told = dict.fromkeys(("socket_power", "current_socket_power", "average_socket_power", "power_limit"), "N/A")
        return told if handle in self.silent else {**told, self.power_key: round(self.watts[handle])}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(autouse=True)
def polled_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Poller, "_keep_polling", lambda self: None)


def joules(meter: AmdsmiMeter, clock: HandClock, seconds: float) -> dict[str, int]:
    for _ in range(round(seconds * 10)):
        clock.sleep(0.1)
        meter._poller.poll()
    return {reading.channel: round(reading.energy_j) for reading in meter.read()}


@pytest.mark.parametrize("key", ["socket_power", "current_socket_power", "average_socket_power"])
def test_cards_are_counted_and_polled(clock: HandClock, key: str) -> None:
    smi = FakeSmi(clock, [600.0, 150.0])
    smi.power_key = key
    meter = AmdsmiMeter(clock, smi, environ={})
    assert joules(meter, clock, 10) == {
        "amdsmi:0:counter": 6000,
        "amdsmi:1:counter": 1500,
        "amdsmi:0:polled": 6000,
        "amdsmi:1:polled": 1500,
    }
    # hwmon's amdgpu sensor of the same place on the bus reads the same joules
    assert {(facts.scope, facts.part) for facts in meter.channels} == {
        ("GPU packages", "0000:0c:00.0"),
        ("GPU packages", "0000:1c:00.0"),
    }
    meter.close()
    assert smi.is_down


def test_a_card_with_a_cpu_in_its_socket_is_a_module(clock: HandClock) -> None:
    meter = AmdsmiMeter(clock, FakeSmi(clock, [500.0], "AMD Instinct MI300A"), environ={})
    assert {facts.scope for facts in meter.channels} == {"GPU modules"}
    meter.close()


def test_graphics_of_a_processor_show_the_whole_processor(
    clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As hwmon tells them apart: gpu_metrics of a processor with graphics is of format 2 or 3 (kgd_pp_interface.h)."""
    monkeypatch.setattr(amdsmi, "_PCI", tmp_path)
    for handle, revision in enumerate((3, 1)):
        device = tmp_path / f"0000:{handle}c:00.0"
        device.mkdir()
        (device / "gpu_metrics").write_bytes(bytes([0x78, 0, revision, 3]))
    meter = AmdsmiMeter(clock, FakeSmi(clock, [50.0, 300.0], "AMD Radeon"), environ={})
    assert [facts.scope for facts in meter.channels] == ["CPU packages", "GPU packages"] * 2
    assert meter.channels[0].part == "0000:0c:00.0"  # where hwmon's sensor of the same processor has it, too
    meter.close()


def test_a_card_without_a_counter_is_polled(clock: HandClock) -> None:
    smi = FakeSmi(clock, [300.0], "AMD Radeon RX 7900 XTX")
    smi.counts = False
    meter = AmdsmiMeter(clock, smi, environ={})
    assert joules(meter, clock, 2) == {"amdsmi:0:polled": 600}
    meter.close()


def test_a_card_without_a_name_has_that_of_its_kind(clock: HandClock) -> None:
    meter = AmdsmiMeter(clock, FakeSmi(clock, [300.0], "N/A"), environ={})
    assert {facts.device.partition(",")[0] for facts in meter.channels} == {"AMD GPU"}
    meter.close()


def test_a_card_that_tells_nothing_is_absent_with_the_reason(clock: HandClock) -> None:
    smi = FakeSmi(clock, [300.0, 100.0])
    smi.silent = {1}
    meter = AmdsmiMeter(clock, smi, environ={})
    assert len(meter.channels) == 2
    assert "neither energy nor power of this card (N/A)" in meter.absent["amdsmi:1"]
    meter.close()
    smi.is_down, smi.silent = False, {0, 1}
    with pytest.raises(MeterAbsentError, match="neither energy nor power"):
        AmdsmiMeter(clock, smi, environ={})
    assert smi.is_down


def test_only_chosen_cards_count(clock: HandClock) -> None:
    smi = FakeSmi(clock, [300.0, 100.0])
    meter = AmdsmiMeter(clock, smi, environ={"ROCR_VISIBLE_DEVICES": "1"})
    assert {facts.channel for facts in meter.channels} == {"amdsmi:1:counter", "amdsmi:1:polled"}
    assert meter.others["amdsmi:0"].endswith("not among ROCR_VISIBLE_DEVICES=1")
    meter.close()
    with pytest.raises(UsageError, match="--gpus 2: this machine has 0"):
        AmdsmiMeter(clock, FakeSmi(clock, [300.0, 100.0]), gpus="2", environ={})


@pytest.mark.parametrize("gpus", [None, "GPU-1ef0a1b2c3d4e5f6"])
def test_cards_are_chosen_by_the_uuids_of_rocm(clock: HandClock, gpus: str | None) -> None:
    """ROCR_VISIBLE_DEVICES takes what rocminfo shows; the library's own UUID is another one."""
    meter = AmdsmiMeter(clock, FakeSmi(clock, [300.0, 100.0]), gpus, {"ROCR_VISIBLE_DEVICES": "GPU-1ef0a1b2c3d4e5f6"})
    assert {facts.channel for facts in meter.channels} == {"amdsmi:1:counter", "amdsmi:1:polled"}
    meter.close()


def test_beside_an_nvidia_driver_the_option_names_nvidia_cards(
    clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amdsmi, "_NVIDIA", tmp_path)
    with pytest.raises(MeterAbsentError, match="not among --gpus 1, which names NVIDIA cards"):
        AmdsmiMeter(clock, FakeSmi(clock, [30.0], "AMD Radeon 780M"), "1", {})


def test_a_library_that_does_not_answer(clock: HandClock) -> None:
    smi = FakeSmi(clock, [300.0])
    smi.is_down = True
    with pytest.raises(MeterAbsentError, match=r"AMD SMI does not answer: Error code: 34 \| AMDSMI_STATUS_DRIVER"):
        AmdsmiMeter(clock, smi)


class TestLoad:
    def test_without_a_driver_nothing_is_imported(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(amdsmi, "_DRIVER", tmp_path / "amdgpu")
        with pytest.raises(MeterAbsentError, match="no AMD GPU driver"):
            amdsmi.load()

    def test_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(amdsmi, "_DRIVER", tmp_path)
        monkeypatch.setitem(sys.modules, "amdsmi", None)
        with pytest.raises(MeterAbsentError, match=r"pip install 'aforo\[amd\]'"):
            amdsmi.load()

    def test_without_rocm(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The package of the index prints, and then fails with a KeyError."""
        (tmp_path / "amdsmi.py").write_text("print('Unable to find libamd_smi.so')\n{}['libamd_smi.so']\n")
        monkeypatch.setattr(amdsmi, "_DRIVER", tmp_path)
        monkeypatch.delitem(sys.modules, "amdsmi", raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(MeterAbsentError, match="install ROCm's package amd-smi-lib"):
            amdsmi.load()
        assert capsys.readouterr().out == ""

    def test_the_library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        library = ModuleType("amdsmi")
        monkeypatch.setattr(amdsmi, "_DRIVER", tmp_path)
        monkeypatch.setitem(sys.modules, "amdsmi", library)
        assert amdsmi.load() is library
