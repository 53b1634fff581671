"""What NVIDIA GPUs show while they work, from an NVML that is made up."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from support.fake_nvml import AT_WORK, FakeNvml, process

from profiler.energy.base import MeterAbsentError
from profiler.energy.card_sources import Cards, CardSourceKind
from profiler.energy.nvml_cards import NvmlCards, slowed_by
from profiler.errors import UsageError
from profiler.results.records import CardReading

SERVER = {4242, 4243}


def look(*cards: Mapping[str, Any], gpus: str | None = None, environ: Mapping[str, str] | None = None) -> Any:
    return NvmlCards(FakeNvml(cards), gpus, environ or {}).read(SERVER)


def test_a_card_at_work() -> None:
    (card,) = look(AT_WORK)
    assert card == CardReading(
        card="nvml:0",
        busy_ratio=0.97,
        memory_used_bytes=71_437_385_728,
        memory_total_bytes=85_520_809_984,
        temperature_c=63,
        sm_clock_mhz=1755,
        memory_clock_mhz=2619,
        power_w=648.312,
        slowed_by={"SwPowerCap": "power"},
        other_processes=0,
    )


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (0x0, {}),
        (0x1, {}),  # idle
        (0x2 | 0x100, {}),  # clocks that somebody has set are no slowing down
        (0x4, {"SwPowerCap": "power"}),
        (0x8, {"HwSlowdown": "other"}),
        (0x48, {"HwThermalSlowdown": "heat"}),  # the reason of the hardware's slowdown is told
        (0x88, {"HwPowerBrakeSlowdown": "power"}),
        (0x24, {"SwPowerCap": "power", "SwThermalSlowdown": "heat"}),
        (0x10 | 0x400, {"SyncBoost": "other", "Reliability": "other"}),
    ],
)
def test_what_holds_the_clocks_down(mask: int, expected: dict[str, str]) -> None:
    assert slowed_by(mask) == expected


def test_an_older_driver_has_another_name_for_the_reasons() -> None:
    older = {key: value for key, value in AT_WORK.items() if key != "CurrentClocksEventReasons"}
    assert look({**older, "CurrentClocksThrottleReasons": 0x20})[0].slowed_by == {"SwThermalSlowdown": "heat"}
    assert look(older)[0].slowed_by is None


def test_a_card_that_tells_nothing_has_gaps() -> None:
    assert look({"Name": "GRID A100D-10C", "UUID": "GPU-1"}) == [CardReading(card="nvml:0")]


def test_all_bits_set_is_a_gap() -> None:
    answers = {
        "MemoryInfo": SimpleNamespace(total=0, used=2**64 - 1),
        "UtilizationRates": SimpleNamespace(gpu=2**32 - 1),
    }
    known = CardReading(card="nvml:0", memory_total_bytes=0)
    assert look({"Name": "H100", "UUID": "GPU-1", **answers}) == [known]


def test_an_answer_that_lacks_a_field_is_a_gap_as_well() -> None:
    answers = {"MemoryInfo": SimpleNamespace(total=80 * 2**30), "UtilizationRates": SimpleNamespace()}
    known = CardReading(card="nvml:0", memory_total_bytes=80 * 2**30)
    assert look({"Name": "H100", "UUID": "GPU-1", **answers}) == [known]


@pytest.mark.parametrize(
    ("pids", "others"),
    [([4242], 0), ([4242, 4243, 77], 1), ([77, 78], None), ([], None)],
    ids=["server", "server and another", "numbers of outside a container", "none told"],
)
def test_processes_beside_the_server(pids: list[int], others: int | None) -> None:
    processes = [process(pid, None) for pid in pids]
    assert look({**AT_WORK, "ComputeRunningProcesses": processes})[0].other_processes == others


def test_a_process_of_which_no_number_is_told_is_passed_over() -> None:
    processes = [SimpleNamespace(usedGpuMemory=1), process(4242)]
    assert look({**AT_WORK, "ComputeRunningProcesses": processes})[0].other_processes == 0


def test_only_cards_in_use_are_looked_at() -> None:
    three = [{**AT_WORK, "UUID": f"GPU-{i}"} for i in range(3)]
    assert [card.card for card in look(*three)] == ["nvml:0", "nvml:1", "nvml:2"]
    assert [card.card for card in look(*three, gpus="2")] == ["nvml:2"]
    assert [card.card for card in look(*three, environ={"CUDA_VISIBLE_DEVICES": "1,0"})] == ["nvml:0", "nvml:1"]
    assert [card.card for card in look({"is_lost": True}, three[1])] == ["nvml:1"]
    with pytest.raises(UsageError, match="--gpus 7"):
        look(*three, gpus="7")


def test_no_card_in_use_and_no_driver() -> None:
    nvml = FakeNvml([AT_WORK])
    with pytest.raises(MeterAbsentError, match="none of the GPUs is in use"):
        NvmlCards(nvml, None, {"CUDA_VISIBLE_DEVICES": "-1"})
    assert not nvml.is_open
    with pytest.raises(MeterAbsentError, match="Driver Not Loaded"):
        NvmlCards(FakeNvml([], driver=None), None, {})


def test_sources_that_are_not_there_are_passed_over_and_all_are_closed() -> None:
    nvml = FakeNvml([AT_WORK])

    def absent(_: str | None) -> NvmlCards:
        raise MeterAbsentError("no driver")

    kinds = [CardSourceKind("none", absent), CardSourceKind("nvml", lambda gpus: NvmlCards(nvml, gpus, {}))]
    with Cards(kinds) as cards:
        assert [card.card for card in cards.read()] == ["nvml:0"]
        assert nvml.is_open
    assert not nvml.is_open
