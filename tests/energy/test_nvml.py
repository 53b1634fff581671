"""Against an NVML that is made up, and where there is a card, against the real one."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.machine import HandClock

from profiler.energy import nvml
from profiler.energy.account import Seen, accounts
from profiler.energy.base import MeterAbsentError
from profiler.energy.nvml import NvmlMeter
from profiler.energy.polling import Poller
from profiler.results.manifest import EnergyFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import SystemClock

S = 1_000_000_000


class FakeNvml:
    """Cards that draw a power of their own; time is the test's."""

    NVML_SUCCESS = 0

    class NVMLError(Exception):
        pass

    def __init__(self, clock: HandClock, watts: list[float], mig: set[int] | None = None) -> None:
        self.clock = clock
        self.watts = watts
        self.mig = mig or set()
        self.counts = True
        self.has_instant_power = self.has_module_power = True
        self.is_shut_down = False
        self.name = b"Made Up 100"
        self.lost: set[int] = set()
        self.silent: set[int] = set()  # cards that tell neither energy nor power
        self.virtualisation = 0

    def nvmlInit(self) -> None:  # noqa: N802
        pass

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.is_shut_down = True

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.watts)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> bytes:  # noqa: N802
        if handle in self.lost:
            raise self.NVMLError("GPU is lost")
        return self.name

    def nvmlDeviceGetUUID(self, handle: int | str) -> str:  # noqa: N802
        return f"GPU-{handle}" if isinstance(handle, int) else f"MIG-{handle}"

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: int) -> int:  # noqa: N802
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: int, index: int) -> str:  # noqa: N802
        if handle not in self.mig or index not in {0, 2}:
            raise self.NVMLError("Not Found")
        return f"{handle}/{index}"

    def nvmlDeviceGetVirtualizationMode(self, handle: int) -> int:  # noqa: N802
        return self.virtualisation

    def nvmlDeviceGetMigMode(self, handle: int) -> list[int]:  # noqa: N802
        if handle in self.mig:
            return [1, 1]
        raise self.NVMLError("Not Supported")

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802
        if not self.counts or handle in self.silent:
            raise self.NVMLError("Not Supported")
        return 5_000_000 + round(self.watts[handle] * self.clock.now_ns / 1e6)

    def nvmlDeviceGetFieldValues(self, handle: int, fields: list[Any]) -> list[Any]:  # noqa: N802
        # (field, scope), where scope 1 is the module
        assert fields == [186] or (fields == [(186, 1)] and b"GH200" in self.name)
        is_told = self.has_module_power if fields == [(186, 1)] else self.has_instant_power
        if not is_told or handle in self.silent:
            return [SimpleNamespace(nvmlReturn=3, value=SimpleNamespace(uiVal=0))]
        return [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=round(self.watts[handle] * 1000)))]

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        if handle in self.silent:
            raise self.NVMLError("Not Supported")
        return round(self.watts[handle] * 1000)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(autouse=True)
def polled_by_hand(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread stays idle: with a clock that stands still it would poll at one moment."""
    if request.node.get_closest_marker("gpu") is None:
        monkeypatch.setattr(Poller, "_keep_polling", lambda self: None)


def poll(meter: NvmlMeter, clock: HandClock, seconds: float, step_s: float = 0.1) -> list[EnergyReading]:
    """Poll for a while and read at the end."""
    for _ in range(round(seconds / step_s)):
        clock.sleep(step_s)
        meter._poller.poll()
    return meter.read()


def test_several_cards_are_counted_and_polled(clock: HandClock) -> None:
    meter = NvmlMeter(clock, FakeNvml(clock, [300.0, 100.0]))
    found = {r.channel: (round(r.energy_j), r.covered_ns) for r in poll(meter, clock, 10)}
    assert found == {
        "nvml:0:counter": (3000, None),
        "nvml:0:polled": (3000, 10 * S),
        "nvml:1:counter": (1000, None),
        "nvml:1:polled": (1000, 10 * S),
    }
    assert meter.channels[0].claim_window_s == 60
    assert meter.channels[0].device == "Made Up 100, GPU-0"
    meter.close()
    assert meter._nvml.is_shut_down


def test_power_that_changes_is_summed_by_the_trapezoidal_rule(clock: HandClock) -> None:
    fake = FakeNvml(clock, [100.0])
    meter = NvmlMeter(clock, fake)
    fake.watts[0] = 300.0
    (_, polled) = poll(meter, clock, 0.1)
    assert polled.energy_j == pytest.approx(20.0)  # 0.1 s at 200 W on average
    meter.close()


def test_a_gap_between_polls_is_not_covered(clock: HandClock) -> None:
    meter = NvmlMeter(clock, FakeNvml(clock, [100.0]))
    poll(meter, clock, 1)
    clock.sleep(3)
    (counter, polled) = poll(meter, clock, 1)
    # the counter went on; of 5.0 s the polls saw 1 and 0.9, for the first one after the gap covers nothing
    assert (round(counter.energy_j), round(polled.energy_j), polled.covered_ns) == (500, 190, 1.9 * S)
    meter.close()


def test_an_old_card_without_a_counter_or_instant_power(clock: HandClock) -> None:
    fake = FakeNvml(clock, [50.0])
    fake.counts = fake.has_instant_power = False
    meter = NvmlMeter(clock, fake)
    assert [c.meter_class for c in meter.channels] == ["polled"]
    assert [round(r.energy_j) for r in poll(meter, clock, 2)] == [100]
    meter.close()


def test_a_card_in_slices_cannot_be_measured(clock: HandClock) -> None:
    meter = NvmlMeter(clock, FakeNvml(clock, [300.0, 100.0], mig={0}))
    assert {c.channel for c in meter.channels} == {"nvml:1:counter", "nvml:1:polled"}
    assert "cut into MIG slices" in meter.absent["nvml:0"]
    meter.close()
    with pytest.raises(MeterAbsentError, match="MIG"):
        NvmlMeter(clock, FakeNvml(clock, [300.0], mig={0}))


def test_a_card_that_tells_nothing_is_absent_with_the_reason(clock: HandClock) -> None:
    fake = FakeNvml(clock, [300.0, 100.0])
    fake.silent = {0}
    meter = NvmlMeter(clock, fake)
    assert {c.channel for c in meter.channels} == {"nvml:1:counter", "nvml:1:polled"}
    assert "neither energy nor power of this card (NotSupported)" in meter.absent["nvml:0"]
    meter.close()
    assert "virtual" not in meter.absent["nvml:0"]


@pytest.mark.parametrize(
    ("name", "mode", "has_dxg", "reason"),
    [
        ("NVIDIA GeForce RTX 4060 Laptop GPU", 0, True, "Under WSL2 the driver is that of Windows"),
        ("NVIDIA A10-8Q", 2, False, "as of any virtual GPU: the host of this virtual machine can read it"),
        ("Orin (nvgpu)", 0, False, "Jetson boards show voltages and currents of their rails only: read a wall meter"),
    ],
)
def test_where_cards_tell_nothing_that_place_is_named(
    clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: int, has_dxg: bool, reason: str
) -> None:
    fake = FakeNvml(clock, [300.0])
    fake.name, fake.virtualisation, fake.silent = name.encode(), mode, {0}
    monkeypatch.setattr(nvml, "_WSL_GPU", tmp_path if has_dxg else tmp_path / "dxg")
    with pytest.raises(MeterAbsentError, match=f"NotSupported.*{reason}"):
        NvmlMeter(clock, fake)


def test_a_sandbox_that_shows_the_drivers_device_alone_has_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_DRIVER", "_CONTROL", "_WSL_GPU"):
        monkeypatch.setattr(nvml, name, tmp_path / name)
    with pytest.raises(MeterAbsentError, match="no NVIDIA driver"):
        nvml.load()
    (tmp_path / "_CONTROL").write_text("")
    assert hasattr(nvml.load(), "nvmlInit")


def test_a_chosen_slice_is_told_from_a_card_that_was_not_chosen(clock: HandClock) -> None:
    fake = FakeNvml(clock, [300.0, 100.0], mig={0, 1})
    with pytest.raises(MeterAbsentError, match=r"what one slice uses cannot be measured; .*GPU-1: not among CUDA_VIS"):
        NvmlMeter(clock, fake, environ={"CUDA_VISIBLE_DEVICES": "MIG-0/2"})


def test_a_card_that_fell_off_the_bus_leaves_the_others(clock: HandClock) -> None:
    fake = FakeNvml(clock, [300.0, 100.0])
    fake.lost = {0}
    meter = NvmlMeter(clock, fake)
    assert {c.channel for c in meter.channels} == {"nvml:1:counter", "nvml:1:polled"}
    assert meter.absent["nvml:0"] == "GPU 0 does not answer: GPU is lost"
    meter.close()


def test_a_name_that_is_no_text_costs_no_joules(clock: HandClock) -> None:
    fake = FakeNvml(clock, [300.0])
    fake.name = b"Made \xf8\xff Up"
    meter = NvmlMeter(clock, fake)
    assert meter.channels[0].device == "Made \ufffd\ufffd Up, GPU-0"
    meter.close()


def test_a_name_that_the_library_cannot_read_leaves_the_others(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeNvml(clock, [300.0, 100.0])
    monkeypatch.setattr(fake, "nvmlDeviceGetName", lambda handle: (b"\xf8" if handle == 0 else b"Card").decode())
    meter = NvmlMeter(clock, fake)
    assert "GPU 0 does not answer: 'utf-8' codec" in meter.absent["nvml:0"]
    assert {c.channel for c in meter.channels} == {"nvml:1:counter", "nvml:1:polled"}
    meter.close()


def test_an_older_library_lacks_functions(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MigMode", "MaxMigDeviceCount", "FieldValues", "VirtualizationMode", "TotalEnergyConsumption"):
        monkeypatch.delattr(FakeNvml, f"nvmlDeviceGet{name}")
    meter = NvmlMeter(clock, FakeNvml(clock, [50.0]))
    assert [round(r.energy_j) for r in poll(meter, clock, 2)] == [100]  # polled, by nvmlDeviceGetPowerUsage
    meter.close()


@pytest.mark.parametrize("bits", [32, 64])
def test_all_bits_set_is_no_power(clock: HandClock, monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    fake = FakeNvml(clock, [300.0])
    no_value = SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=2**bits - 1))
    monkeypatch.setattr(fake, "nvmlDeviceGetFieldValues", lambda handle, fields: [no_value])
    monkeypatch.setattr(fake, "nvmlDeviceGetPowerUsage", lambda handle: 2**bits - 1)
    monkeypatch.setattr(fake, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: 2**bits - 1)
    with pytest.raises(MeterAbsentError, match="neither energy nor power"):
        NvmlMeter(clock, fake)


def test_of_a_superchip_the_power_is_that_of_its_module_and_the_counter_that_of_its_gpu(clock: HandClock) -> None:
    fake = FakeNvml(clock, [600.0])
    fake.name = b"NVIDIA GH200 480GB"
    meter = NvmlMeter(clock, fake)
    counter, polled = meter.channels
    assert (counter.scope, polled.scope) == ("GPU boards", "GPU modules")
    assert "of the superchip's GPU" in counter.provenance
    assert "of the whole module (CPU, memory and GPU)" in polled.provenance
    assert [round(r.energy_j) for r in poll(meter, clock, 1)] == [600, 600]
    fake.has_module_power = False  # for once: what the GPU alone takes is not put in its place
    held_ns = next(r.covered_ns for r in meter.read() if r.channel == "nvml:0:polled")
    assert next(r.covered_ns for r in poll(meter, clock, 1) if r.channel == "nvml:0:polled") == held_ns
    meter.close()


def test_two_gpus_of_one_module_do_not_both_count_its_power(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GB300's GPU has a limit of 1,400 W, its module one of 2,900 W, which each of its two GPUs tells."""
    fake = FakeNvml(clock, [1000.0, 900.0])
    fake.name = b"NVIDIA GB300"
    of_gpu = fake.nvmlDeviceGetFieldValues

    def with_module(handle: int, fields: list[Any]) -> list[Any]:
        module = SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=2_300_000))
        return [module] if fields == [(186, 1)] else of_gpu(handle, fields)

    monkeypatch.setattr(fake, "nvmlDeviceGetFieldValues", with_module)
    meter = NvmlMeter(clock, fake)
    assert {c.scope for c in meter.channels} == {"GPU boards"}
    assert all("its module, which two GPUs share" in c.provenance for c in meter.channels)
    assert [round(r.energy_j) for r in poll(meter, clock, 1)] == [1000, 900, 1000, 900]
    meter.close()


def test_a_superchip_that_does_not_tell_its_modules_power_is_not_called_a_module(clock: HandClock) -> None:
    fake = FakeNvml(clock, [600.0])
    fake.name, fake.has_module_power = b"NVIDIA GH200 480GB", False
    meter = NvmlMeter(clock, fake)
    assert {c.scope for c in meter.channels} == {"GPU boards"}
    assert all("of the superchip's GPU" in c.provenance for c in meter.channels)
    assert [round(r.energy_j) for r in poll(meter, clock, 1)] == [600, 600]
    meter.close()


def test_instant_power_that_is_always_0_gives_way_to_the_mean(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeNvml(clock, [300.0])
    nothing = SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=0))
    monkeypatch.setattr(fake, "nvmlDeviceGetFieldValues", lambda handle, fields: [nothing])
    meter = NvmlMeter(clock, fake)
    assert [round(r.energy_j) for r in poll(meter, clock, 1)] == [300, 300]
    meter.close()


def test_only_the_cards_that_count_are_read(clock: HandClock) -> None:
    meter = NvmlMeter(clock, FakeNvml(clock, [300.0, 70.0]), environ={"CUDA_VISIBLE_DEVICES": "0"})
    readings = [r for _ in range(70) for r in poll(meter, clock, 1)]
    meter.close()
    assert meter.others == {"nvml:1": "Made Up 100, GPU-1: not among CUDA_VISIBLE_DEVICES=0"}
    found = EnergyFacts(meters=meter.channels, others=meter.others)
    boards, _ = accounts(found, Seen(readings, [(5 * S, 65 * S)], None))
    assert boards.gross_j is not None
    assert boards.gross_j.low == pytest.approx(300 * 60)
    assert boards.notes == ("not counted: nvml:1 (Made Up 100, GPU-1: not among CUDA_VISIBLE_DEVICES=0)",)


@pytest.mark.parametrize("visible", ["-1", "", "7,0"])
def test_without_a_card_that_counts_there_is_no_meter(clock: HandClock, visible: str) -> None:
    with pytest.raises(MeterAbsentError, match=f"not among CUDA_VISIBLE_DEVICES={visible}"):
        NvmlMeter(clock, FakeNvml(clock, [300.0]), environ={"CUDA_VISIBLE_DEVICES": visible})


def test_a_driver_that_does_not_answer(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNvml(clock, [])
    with pytest.raises(MeterAbsentError, match="no GPU"):
        NvmlMeter(clock, fake)

    def broken() -> None:
        raise fake.NVMLError("Driver/library version mismatch")

    monkeypatch.setattr(fake, "nvmlInit", broken)
    with pytest.raises(MeterAbsentError, match="version mismatch"):
        NvmlMeter(clock, fake)


def test_counter_and_polls_are_the_check_on_each_other(clock: HandClock) -> None:
    meter = NvmlMeter(clock, FakeNvml(clock, [200.0]))
    readings = [reading for _ in range(70) for reading in poll(meter, clock, 1)]
    meter.close()
    seen = Seen(readings, [(5 * S, 65 * S)], None)
    counted, polled = accounts(EnergyFacts(meters=meter.channels), seen)
    assert counted.gross_j is not None
    assert polled.gross_j is not None
    assert counted.gross_j.low == pytest.approx(12_000)
    assert polled.gross_j.low == pytest.approx(12_000)
    assert counted.notes == ()


@pytest.fixture
def real_meter() -> Iterator[NvmlMeter]:
    try:
        meter = NvmlMeter(SystemClock(), nvml.load())
    except MeterAbsentError as reason:
        pytest.skip(f"{reason}, on this system")
    yield meter
    meter.close()


@pytest.mark.gpu
def test_a_real_card(real_meter: NvmlMeter) -> None:
    first = {r.channel: r for r in real_meter.read()}
    time.sleep(3)
    last = {r.channel: r for r in real_meter.read()}
    for channel, reading in last.items():
        power_w = (reading.energy_j - first[channel].energy_j) / ((reading.t_ns - first[channel].t_ns) / 1e9)
        assert 5 < power_w < 2_000, channel
    polled = [r for c, r in last.items() if c.endswith("polled")]
    assert all((r.covered_ns or 0) > 2.5 * S for r in polled)
