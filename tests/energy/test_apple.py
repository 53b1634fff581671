"""Against a zeus-apple-silicon that is made up, with the names and units of its version 1.1."""

import sys
from dataclasses import dataclass
from types import ModuleType

import pytest
from support.machine import HandClock

from profiler.energy import apple
from profiler.energy.apple import AppleMeter
from profiler.energy.base import MeterAbsentError


@dataclass
class Metrics:
    """`AppleEnergyMetrics`: millijoules, None where macOS does not show a part."""

    cpu_total_mj: int | None = 10_000
    efficiency_cores_mj: list[int] | None = None
    dram_mj: int | None = 3_000
    gpu_mj: int | None = 20_000
    gpu_sram_mj: int | None = 100
    ane_mj: int | None = 0


class Monitor:
    """`AppleEnergyMonitor`."""

    def __init__(self, shown: Metrics | None = None) -> None:
        self.shown = shown or Metrics()
        self.fails = False

    def get_cumulative_energy(self) -> Metrics:
        if self.fails:
            raise RuntimeError("Failed to create sample")
        return self.shown


def test_the_chip_and_its_memory_are_one_channel() -> None:
    monitor, clock = Monitor(), HandClock()
    meter = AppleMeter(clock, monitor)
    (facts,) = meter.channels
    assert (facts.channel, facts.meter_class, facts.scope) == ("apple", "counter", "system on chip and DRAM")
    assert "CPU, GPU, memory of the GPU, Neural Engine, DRAM together" in facts.provenance
    clock.sleep(2)
    monitor.shown = Metrics(12_000, None, 3_500, 29_000, 150, 450)
    (reading,) = meter.read()
    # 2 J of the CPU, 9 of the GPU, 0.05 of its memory, 0.45 of the Neural Engine, 0.5 of DRAM
    assert (reading.t_ns, reading.energy_j) == (2_000_000_000, pytest.approx(12.0))
    meter.close()


def test_a_chip_that_shows_less() -> None:
    monitor = Monitor(Metrics(dram_mj=None, gpu_sram_mj=None))
    meter = AppleMeter(HandClock(), monitor)
    assert meter.channels[0].scope == "system on chip"
    monitor.shown = Metrics(11_000, None, None, None)  # one part is missing for once
    assert meter.read() == []
    monitor.shown = Metrics(11_000, None, None, 21_000, None, 0)
    assert [reading.energy_j for reading in meter.read()] == [2.0]


def test_a_sample_that_macos_does_not_give() -> None:
    monitor = Monitor()
    meter = AppleMeter(HandClock(), monitor)
    monitor.fails = True
    assert meter.read() == []
    with pytest.raises(MeterAbsentError, match="counts no energy"):
        AppleMeter(HandClock(), monitor)


def test_a_chip_that_shows_no_gpu() -> None:
    with pytest.raises(MeterAbsentError, match="counts no energy of CPU and GPU on this chip"):
        AppleMeter(HandClock(), Monitor(Metrics(gpu_mj=None)))


@pytest.mark.parametrize(("system", "machine"), [("Linux", "aarch64"), ("Darwin", "x86_64"), ("Windows", "AMD64")])
def test_other_machines_import_nothing(system: str, machine: str) -> None:
    with pytest.raises(MeterAbsentError, match="no Mac with Apple silicon"):
        apple.load(system, machine)


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", None)
    with pytest.raises(MeterAbsentError, match=r"pip install 'aforo\[apple\]'"):
        apple.load("Darwin", "arm64")


def test_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("zeus_apple_silicon")
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", library)
    monkeypatch.setattr(library, "AppleEnergyMonitor", Monitor, raising=False)
    assert isinstance(apple.load("Darwin", "arm64"), Monitor)

    def fail() -> None:
        raise RuntimeError("Failed to create subscription")

    monkeypatch.setattr(library, "AppleEnergyMonitor", fail)
    with pytest.raises(MeterAbsentError, match="macOS does not show its counters of energy: Failed to create"):
        apple.load("Darwin", "arm64")
