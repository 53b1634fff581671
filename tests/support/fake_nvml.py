"""A stand-in for the module `pynvml`: answers what it was given, and refuses the rest as NVML does."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any


class FakeNvml:
    """`cards` map the ends of function names, 'Name' of nvmlDeviceGetName, to answers."""

    NVML_SUCCESS = 0
    NVML_CLOCK_SM, NVML_CLOCK_MEM = 1, 2
    NVML_NVLINK_MAX_LINKS = 18
    NVML_FEATURE_ENABLED = 1
    NVML_DEVICE_MIG_ENABLE = 1

    class NVMLError(Exception):
        pass

    def __init__(self, cards: Sequence[Mapping[str, Any]], *, driver: str | None = "570.86.15") -> None:
        self._cards = cards
        self._driver = driver
        self.is_open = False

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's spelling
        if self._driver is None:
            raise self.NVMLError("Driver Not Loaded")
        self.is_open = True

    def nvmlShutdown(self) -> None:  # noqa: N802 - NVML's spelling
        self.is_open = False

    def nvmlSystemGetDriverVersion(self) -> str | None:  # noqa: N802 - NVML's spelling
        return self._driver

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - NVML's spelling
        return len(self._cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Mapping[str, Any]:  # noqa: N802 - NVML's spelling
        if self._cards[index].get("is_lost"):
            raise self.NVMLError("GPU is lost")
        return self._cards[index]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("nvmlDeviceGet"):
            raise AttributeError(name)

        def answer(card: Mapping[str, Any], *arguments: Any) -> Any:
            try:
                value = card[name.removeprefix("nvmlDeviceGet")]
                return value[arguments[0]] if arguments else value
            except (KeyError, IndexError):
                raise self.NVMLError("Not Supported") from None

        return answer


def memory(total_bytes: int, used_bytes: int = 0) -> SimpleNamespace:
    """What nvmlDeviceGetMemoryInfo returns."""
    return SimpleNamespace(total=total_bytes, free=total_bytes - used_bytes, used=used_bytes)


def process(pid: int, used_bytes: int | None = 2**30) -> SimpleNamespace:
    """One of what nvmlDeviceGetComputeRunningProcesses returns; Windows does not tell the memory."""
    return SimpleNamespace(pid=pid, usedGpuMemory=used_bytes, gpuInstanceId=0xFFFFFFFF, computeInstanceId=0xFFFFFFFF)


H100 = {
    "Name": "NVIDIA H100 80GB HBM3",
    "UUID": "GPU-6b2f3c1e-0000-0000-0000-000000000000",
    "PciInfo": SimpleNamespace(pciDeviceId=0x233010DE, busId="00000000:18:00.0"),
    "MemoryInfo": memory(80 * 2**30),
    "CudaComputeCapability": (9, 0),
    "EnforcedPowerLimit": 650_000,
    "PowerManagementDefaultLimit": 700_000,
    "CurrPcieLinkGeneration": 5,
    "MaxPcieLinkGeneration": 5,
    "CurrPcieLinkWidth": 16,
    "MaxPcieLinkWidth": 16,
    "NvLinkState": [1] * 17 + [0],
    "MigMode": [0, 0],
    "MaxClockInfo": {1: 1980, 2: 2619},
}

AT_WORK = {
    **H100,
    "MemoryInfo": memory(85_520_809_984, 71_437_385_728),
    "UtilizationRates": SimpleNamespace(gpu=97, memory=41),
    "Temperature": {0: 63},
    "ClockInfo": {1: 1755, 2: 2619},
    "PowerUsage": 648_312,
    "CurrentClocksEventReasons": 0x4,  # SwPowerCap, as nearly always where a card works at its limit
    "ComputeRunningProcesses": [process(4242, 70_866_960_384)],
}
