"""`aforo` as on a host with one NVIDIA card: `python on_a_gpu_host.py run …`. The card is made up and draws WATTS.

It warms up while the run lasts, and is at its limit of power from 62 °C on.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil

WATTS = 300.0
NAME = "Made Up 100"
MEMORY_BYTES, USED_BYTES = 80 * 2**30, 41 * 2**30
_FULL_MHZ, _CAPPED_MHZ, _MEMORY_MHZ = 1980, 1755, 2619
_COOL_C, _CAPPED_FROM_C, _HOT_C = 45, 62, 71
_WARMING_S = 12.0
_STARTED_S = time.monotonic()
_POWER_CAP = 0x4  # nvmlClocksEventReasonSwPowerCap


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


def _temperature_c() -> int:
    warmed = min(1.0, (time.monotonic() - _STARTED_S) / _WARMING_S)
    return round(_COOL_C + warmed * (_HOT_C - _COOL_C))


def _server_on_the_card() -> list[SimpleNamespace]:
    """The processes that compute on it: every llama-server that was started from here."""
    family = psutil.Process().children(recursive=True)
    return [SimpleNamespace(pid=one.pid, usedGpuMemory=USED_BYTES) for one in family if one.name() == "llama-server"]


def _answers() -> dict[str, Any]:
    power_mw = round(WATTS * 1_000)
    hot = _temperature_c() >= _CAPPED_FROM_C
    return {
        "UtilizationRates": lambda: SimpleNamespace(gpu=97, memory=41),
        "Temperature": lambda _: _temperature_c(),
        "ClockInfo": lambda kind: _MEMORY_MHZ if kind == _Nvml.NVML_CLOCK_MEM else _CAPPED_MHZ if hot else _FULL_MHZ,
        "CurrentClocksEventReasons": lambda: _POWER_CAP if hot else 0,
        "ComputeRunningProcesses": _server_on_the_card,
        "Name": lambda: NAME,
        "UUID": lambda: "GPU-0",
        "TotalEnergyConsumption": lambda: round(WATTS * _looked.last_ns / 1e6),
        "FieldValues": lambda fields: [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=power_mw))],
        "MemoryInfo": lambda: SimpleNamespace(total=MEMORY_BYTES, used=USED_BYTES),
        "EnforcedPowerLimit": lambda: 700_000,
    }


class _Nvml(ModuleType):
    """What the module `pynvml` would be."""

    NVMLError = _NotSupportedError
    NVML_SUCCESS = 0
    NVML_CLOCK_SM, NVML_CLOCK_MEM = 1, 2
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


def show_as_nvidia_smi(period_s: float = 0.5) -> None:
    """Print a line of what `nvidia-smi --query-gpu` would show, again and again, as tests/gpu asks for it."""
    while True:
        hot = _temperature_c() >= _CAPPED_FROM_C
        sm_mhz = _CAPPED_MHZ if hot else _FULL_MHZ
        print(f"97, {USED_BYTES // 2**20}, {_temperature_c()}, {sm_mhz}, {_MEMORY_MHZ}, {WATTS:.2f}", flush=True)
        time.sleep(period_s)


if __name__ == "__main__":
    if "--as-nvidia-smi" in sys.argv:
        show_as_nvidia_smi()
    sys.modules["pynvml"] = _Nvml("pynvml")
    from profiler.__main__ import main
    from profiler.energy import nvml
    from profiler.timing.clock import SystemClock

    SystemClock.monotonic_ns = _remember(SystemClock.monotonic_ns)  # type: ignore[method-assign]
    with tempfile.NamedTemporaryFile() as driver:
        nvml._DRIVER = Path(driver.name)
        sys.argv[0] = "aforo"
        main()
