"""What does metering energy cost? Processor time of each meter at its default rate, each alone in a process.

    python benchmarks/meters.py                  # about 3 minutes
    python benchmarks/meters.py --save           # writes benchmarks/results/meters.*

A child process opens one meter, reads it as often as a run does for a while, and tells the processor time of the whole
process in that stretch, threads of the meter included; opening is told apart. A meter that this machine does not have
runs against an imitation that answers at once (a file tree in place of powercap, a module in place of NVML): then the
figure is the cost of Aforo's own part, and the page says so. "nothing" is the loop without a meter.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import machine

from profiler.energy import nvml
from profiler.energy.base import EnergyMeter, MeterAbsentError
from profiler.energy.codecarbon import CodecarbonMeter
from profiler.energy.nvml import NvmlMeter
from profiler.energy.polling import POLLS_PER_S
from profiler.energy.rapl import RaplMeter
from profiler.run.sampling import SAMPLES_PER_S
from profiler.timing.clock import SystemClock

_RESULTS = Path(__file__).parent / "results"
_LIMIT_CORES = 0.01
_CARDS = 8
_PACKAGES = 2
_IMITATION = "imitation"


@dataclass(frozen=True)
class Cost:
    """What one meter took."""

    meter: str
    kind: str  # real, imitation, or why there is no figure
    channels: int = 0
    open_cpu_s: float | None = None
    cores: float | None = None
    longest_read_ms: float | None = None


class _Nothing:
    channels: tuple[()] = ()

    def read(self) -> list[Any]:
        return []

    def close(self) -> None:
        pass


class _ImitatedNvml:
    """As many cards as a large machine has, whose answers cost nothing."""

    NVML_SUCCESS = 0

    class NVMLError(Exception):
        pass

    def __getattr__(self, name: str) -> Callable[..., Any]:
        answers: dict[str, Any] = {
            "nvmlDeviceGetCount": _CARDS,
            "nvmlDeviceGetMigMode": (0, 0),
            "nvmlDeviceGetName": "imitation",
            "nvmlDeviceGetUUID": "GPU-0",
            "nvmlDeviceGetTotalEnergyConsumption": 1,
            "nvmlDeviceGetFieldValues": [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=300_000))],
        }
        return lambda *_: answers.get(name)


def _open_nvml(is_imitated: bool) -> EnergyMeter:
    return NvmlMeter(SystemClock(), _ImitatedNvml() if is_imitated else nvml.load())


def _open_rapl(is_imitated: bool) -> EnergyMeter:
    if not is_imitated:
        return RaplMeter(SystemClock())
    root = Path(tempfile.mkdtemp())
    for number in range(_PACKAGES):
        for name, kind in ((f"intel-rapl:{number}", f"package-{number}"), (f"intel-rapl:{number}:0", "dram")):
            zone = root / "sys/class/powercap" / name
            zone.mkdir(parents=True)
            for file, text in (("name", kind), ("energy_uj", "1"), ("max_energy_range_uj", "262143328850")):
                (zone / file).write_text(text)
    return RaplMeter(SystemClock(), root)


def _open_codecarbon(is_imitated: bool) -> EnergyMeter:
    if is_imitated:
        raise MeterAbsentError("codecarbon is not installed")
    return CodecarbonMeter(SystemClock())


_OPENERS: dict[str, Callable[[bool], EnergyMeter]] = {
    "nothing": lambda _: _Nothing(),
    "rapl": _open_rapl,
    "nvml": _open_nvml,
    "codecarbon": _open_codecarbon,
}


def _measure(name: str, duration_s: float) -> Cost:
    """Open a meter in this process, or its imitation, and read it for a while."""
    try:
        meter, kind = _OPENERS[name](False), "real"
    except MeterAbsentError as reason:
        try:
            meter, kind = _OPENERS[name](True), f"{_IMITATION}: {reason}"
        except MeterAbsentError:
            return Cost(name, str(reason))
    opened_s = time.process_time()
    meter.read()  # what happens once, happens before the stretch
    start_cpu_s, start_s, longest_s = time.process_time(), time.perf_counter(), 0.0
    while time.perf_counter() - start_s < duration_s:
        time.sleep(1 / SAMPLES_PER_S)
        before_s = time.perf_counter()
        meter.read()
        longest_s = max(longest_s, time.perf_counter() - before_s)
    cores = (time.process_time() - start_cpu_s) / (time.perf_counter() - start_s)
    meter.close()
    return Cost(name, kind, len(meter.channels), opened_s, cores, 1_000 * longest_s)


def _in_a_process(name: str, duration_s: float) -> Cost:
    command = [sys.executable, __file__, "--child", name, "--duration", str(duration_s)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def page(found: dict[str, Any], costs: list[Cost]) -> str:
    """Return the figures as a page."""
    lines = [
        "# What metering energy costs",
        "",
        machine.sentence(found),
        "",
        f"Processor time while a meter is read {SAMPLES_PER_S} times a second, as a run does, NVML polled",
        f"{POLLS_PER_S} times a second beside that; wanted is less than {_LIMIT_CORES:.0%} of one core.",
        "",
        "| meter | channels | of one core | longest read | to open | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for cost in costs:
        if cost.cores is None:
            lines.append(f"| {cost.meter} | – | – | – | – | {cost.kind} |")
            continue
        verdict = "" if cost.meter == "nothing" else ("kept" if cost.cores < _LIMIT_CORES else "**not kept**")
        lines.append(
            f"| {cost.meter} | {cost.channels} | {cost.cores:.2%} | {cost.longest_read_ms:.1f} ms | "
            f"{cost.open_cpu_s:.1f} s | {', '.join(filter(None, [verdict, cost.kind]))} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every meter in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--duration", type=float, default=40.0, help="seconds for each meter")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/meters.*")
    parser.add_argument("--child", choices=list(_OPENERS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(asdict(_measure(asked.child, asked.duration))))
        return
    found = machine.describe()
    costs = [_in_a_process(name, asked.duration) for name in _OPENERS]
    text = page(found, costs)
    print(text, end="")
    if asked.save:
        data = {"machine": found, "duration_s": asked.duration, "meters": [asdict(cost) for cost in costs]}
        (_RESULTS / "meters.json").write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
        (_RESULTS / "meters.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
