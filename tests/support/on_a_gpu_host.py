"""`aforo` as on a host with one NVIDIA card: `python on_a_gpu_host.py run …`. The card is made up and draws WATTS."""

import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

WATTS = 300.0
NAME = "Made Up 100"


class _NotSupportedError(Exception):
    pass


class _Looked(threading.local):
    """When this thread looked at its clock last: the counter stands where it stood then, however long ago that is."""

    last_ns = 0


_looked = _Looked()


def _remember(monotonic_ns: Callable[[Any], int]) -> Callable[[Any], int]:
    def remembered(clock: Any) -> int:
        _looked.last_ns = monotonic_ns(clock)
        return _looked.last_ns

    return remembered


def _answers() -> dict[str, Any]:
    power_mw = round(WATTS * 1_000)
    return {
        "Name": lambda: NAME,
        "UUID": lambda: "GPU-0",
        "TotalEnergyConsumption": lambda: round(WATTS * _looked.last_ns / 1e6),
        "FieldValues": lambda fields: [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=power_mw))],
        "MemoryInfo": lambda: SimpleNamespace(total=80 * 2**30),
        "EnforcedPowerLimit": lambda: 700_000,
    }


class _Nvml(ModuleType):
    """What the module `pynvml` would be."""

    NVMLError = _NotSupportedError
    NVML_SUCCESS = 0
    NVML_CLOCK_SM = NVML_CLOCK_MEM = 1
    NVML_NVLINK_MAX_LINKS = 0

    def __getattr__(self, name: str) -> Any:
        plain = {
            "nvmlInit": None,
            "nvmlShutdown": None,
            "nvmlDeviceGetCount": 1,
            "nvmlSystemGetDriverVersion": "570.86",
        }
        if name in plain:
            return lambda: plain[name]
        if name == "nvmlDeviceGetHandleByIndex":
            return lambda index: index
        answer = _answers().get(name.removeprefix("nvmlDeviceGet"))
        if answer is None:
            raise AttributeError(name) if not name.startswith("nvml") else _NotSupportedError(name)
        return lambda handle, *arguments: answer(*arguments)


if __name__ == "__main__":
    sys.modules["pynvml"] = _Nvml("pynvml")
    from profiler.__main__ import main
    from profiler.energy import nvml
    from profiler.timing.clock import SystemClock

    SystemClock.monotonic_ns = _remember(SystemClock.monotonic_ns)  # type: ignore[method-assign]
    with tempfile.NamedTemporaryFile() as driver:
        nvml._DRIVER = Path(driver.name)
        sys.argv[0] = "aforo"
        main()
