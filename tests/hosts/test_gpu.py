"""NVIDIA GPUs, as NVML or nvidia-smi tells of them."""

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from support.fake_nvml import H100, FakeNvml, memory

from profiler.hosts import gpu
from profiler.results.host_facts import GpuFacts


def silent() -> None:
    return None


def test_a_card_is_described_whole() -> None:
    nvml = FakeNvml([H100])

    found = gpu.look(nvml, silent)

    assert found.note is None
    assert found.cards == (
        GpuFacts(
            index=0,
            source="nvml",
            name="NVIDIA H100 80GB HBM3",
            pci_id="10de:2330",
            memory_total_bytes=80 * 2**30,
            driver="570.86.15",
            compute_capability="9.0",
            power_limit_w=650.0,
            power_limit_default_w=700.0,
            pcie_generation=5,
            pcie_generation_max=5,
            pcie_width=16,
            pcie_width_max=16,
            nvlinks_active=17,
            mig_mode=False,
            max_memory_clock_mhz=2619,
            max_sm_clock_mhz=1980,
        ),
    )
    assert not nvml.is_open


def test_a_card_that_tells_little_has_gaps() -> None:
    (card,) = gpu.look(FakeNvml([{"Name": b"Tesla T4", "MemoryInfo": memory(2**34)}]), silent).cards

    assert (card.name, card.memory_total_bytes) == ("Tesla T4", 2**34)
    assert (card.power_limit_w, card.nvlinks_active, card.mig_mode, card.max_sm_clock_mhz) == (None, None, None, None)


@pytest.mark.parametrize(
    "answer",
    [
        {"PciInfo": SimpleNamespace(busId="00000000:18:00.0")},
        {"PciInfo": SimpleNamespace(pciDeviceId=None)},
        {"MemoryInfo": SimpleNamespace(used=1)},
        {"MemoryInfo": SimpleNamespace(total=None)},
        {"MemoryInfo": memory(2**64 - 1)},  # "not available", as of a card that shares the machine's memory
        {"MigMode": ()},
        {"CudaComputeCapability": None},
        {"CudaComputeCapability": ()},
    ],
)
def test_a_field_that_an_answer_lacks_is_not_known_and_the_others_are(answer: dict[str, Any]) -> None:
    (whole,), (card,) = (gpu.look(FakeNvml([each]), silent).cards for each in (H100, {**H100, **answer}))

    field = {"PciInfo": "pci_id", "MemoryInfo": "memory_total_bytes", "MigMode": "mig_mode"}
    unknown = field.get(next(iter(answer)), "compute_capability")
    assert card == whole.model_copy(update={unknown: None})


def test_a_lost_card_is_counted_but_not_described() -> None:
    found = gpu.look(FakeNvml([{"is_lost": True}, {**H100, "MigMode": [1, 1]}]), silent)

    assert found.cards[0] == GpuFacts(index=0, source="nvml")
    assert found.cards[1].mig_mode is True


def test_a_driver_without_cards_and_no_driver_at_all() -> None:
    assert gpu.look(FakeNvml([]), silent) == gpu.Gpus((), "the NVIDIA driver knows no GPU")
    assert "no NVIDIA driver" in (gpu.look(FakeNvml([], driver=None), silent).note or "")


SMI = (
    "0, NVIDIA A10G, 535.183.01, 23028, 300.00, 300.00, 1, 4, 8, 16, [N/A], 6251, 1710\n"
    "1, NVIDIA A100-SXM4-40GB, 535.183.01, 40960, 400.00, 400.00, 4, 4, 16, 16, Enabled, 1215, 1410\n"
)


def test_without_a_driver_library_nvidia_smi_is_asked() -> None:
    found = gpu.look(FakeNvml([], driver=None), lambda: SMI)

    assert [card.name for card in found.cards] == ["NVIDIA A10G", "NVIDIA A100-SXM4-40GB"]
    first, second = found.cards
    assert (first.memory_total_bytes, first.power_limit_w, first.source) == (23028 * 2**20, 300.0, "nvidia-smi")
    assert (first.pcie_generation, first.pcie_generation_max, first.pcie_width) == (1, 4, 8)
    assert (first.mig_mode, second.mig_mode) == (None, True)
    assert "aforo[gpu]" in (found.note or "")


@pytest.mark.parametrize("answer", ["", "No devices were found\n", "a, b\n", ", , , , , , , , , , , , \n"])
def test_what_is_no_card_is_passed_over(answer: str) -> None:
    assert gpu.look(FakeNvml([], driver=None), lambda: answer).cards == ()


@pytest.mark.parametrize(
    "error", [FileNotFoundError("nvidia-smi"), subprocess.CalledProcessError(9, "x"), subprocess.TimeoutExpired("x", 1)]
)
def test_an_nvidia_smi_that_is_missing_or_fails_is_no_gpu(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("profiler.hosts.gpu.subprocess.check_output", fail)

    assert gpu.look(FakeNvml([], driver=None)).cards == ()


def test_an_nvidia_smi_on_the_path_is_asked_for_what_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "nvidia-smi"
    script.write_text(f"#!/bin/sh\ncase \"$1\" in --query-gpu=index,name,*) ;; *) exit 2 ;; esac\nprintf '{SMI}'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    assert len(gpu.look(FakeNvml([], driver=None)).cards) == 2
