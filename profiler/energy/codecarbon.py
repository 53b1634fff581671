"""codecarbon's estimate: its offline tracker as a meter of class `model`, and its own code on the facts of a host.

codecarbon runs in the profiler's process while the model server is another one, so the whole machine is tracked: its
process mode would count the server as nothing. What it knows of places and clouds is not used: the intensity is
set to 1000 g/kWh, so that its kilograms are kilowatt-hours, and nothing is saved, sent or looked up.
"""

import logging

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.scopes import MODEL_SCOPE
from profiler.errors import MissingExtraError
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import MeterFacts, PowerEstimate, Source
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock
from profiler.units import J_PER_KWH

NAME = "codecarbon"
_G_PER_KWH = 1_000.0  # 1 kg is then 1 kWh
_NEVER_S = 1e6  # it would measure in a thread of its own too, and count what `flush` counts at the same moment twice
_IDLE_SHARE = 0.1  # of the TDP, in its own load model: 0.1 + 0.9 × load³


class CodecarbonMeter:
    """codecarbon's offline tracker of the whole machine."""

    def __init__(self, clock: Clock) -> None:
        """Start the tracker, which takes a second or two. Raises `MeterAbsentError`."""
        self._clock = clock
        try:
            from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415 - an extra, and slow to import
        except ImportError as error:
            raise MeterAbsentError(str(MissingExtraError("codecarbon", "carbon"))) from error
        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # it talks before it reads its own log_level
        self._tracker = OfflineEmissionsTracker(
            country_iso_code="USA",  # it wants a place; the intensity below is what counts
            force_carbon_intensity_g_co2e_kwh=_G_PER_KWH,
            tracking_mode="machine",
            measure_power_secs=_NEVER_S,
            output_methods=[],
            output_handlers=[],
            emissions_endpoint=None,
            electricitymaps_api_token=None,
            pue=1.0,
            allow_multiple_runs=True,
            log_level="critical",
        )
        self._tracker.start()
        self._last_kwh = self._tracker.flush()  # the first time it also loads its tables, and answers late
        self.channels = [self._facts()]

    def read(self) -> list[EnergyReading]:
        """Make it measure now, and return what it has summed up to."""
        kwh = self._tracker.flush()
        if kwh is None or kwh == self._last_kwh:  # asked again within 50 ms it does not measure
            return []
        self._last_kwh = kwh
        return [EnergyReading(channel=NAME, t_ns=self._clock.monotonic_ns(), energy_j=kwh * J_PER_KWH)]

    def close(self) -> None:
        """Stop the tracker's threads."""
        self._tracker.stop()

    def _facts(self) -> MeterFacts:
        seen = self._tracker.get_detected_hardware()
        return MeterFacts(
            channel=NAME,
            meter=NAME,
            meter_class="model",
            scope=MODEL_SCOPE,
            device=str(seen.get("cpu_model") or "") or None,
            provenance=f"codecarbon {version()}, offline tracker in machine mode, which models CPUs and memory",
        )


def version() -> str:
    """Return codecarbon's version. Raises `MeterAbsentError`."""
    try:
        import codecarbon  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MeterAbsentError(str(MissingExtraError("codecarbon", "carbon"))) from error
    return str(codecarbon.__version__)


def estimate(host: HostFacts) -> PowerEstimate:
    """Ask codecarbon's own code what it would say of a host, idle and fully loaded.

    Raises `MeterAbsentError` without codecarbon, or where a fact that it needs is not known.
    """
    used = version()
    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE, TDP  # noqa: PLC0415
    from codecarbon.external.ram import B_TO_GB, RAM  # noqa: PLC0415

    threads, model, memory_bytes = host.cpu.logical_cpus, host.cpu.model_name, host.memory.total_bytes
    if not threads or not memory_bytes:
        raise MeterAbsentError("the number of CPUs, or the size of the memory, is not known")
    known_w = TDP._get_cpu_power_from_registry(TDP.__new__(TDP), model) if model else None
    cpu_w = float(known_w or threads * DEFAULT_POWER_PER_CORE)
    ram = RAM(tracking_mode="machine")
    ram.is_arm_cpu = host.machine in {"aarch64", "arm64"}
    ram_w = float(ram._calculate_ram_power(memory_bytes / B_TO_GB))
    how = f"TDP of {model}" if known_w else f"{DEFAULT_POWER_PER_CORE} W per thread, for it does not know the CPU"
    return PowerEstimate(
        name=NAME,
        idle_w=(cpu_w * _IDLE_SHARE + ram_w,) * 2,
        full_w=(cpu_w + ram_w,) * 2,
        method=f"{cpu_w:.3g} W ({how}) + {ram_w:.3g} W of memory; between idle and full with the cube of the load",
        sources=[
            Source(name=NAME, title=f"codecarbon {used}", licence="MIT", url="https://github.com/mlco2/codecarbon")
        ],
    )


KIND = MeterKind(NAME, lambda clock, _: CodecarbonMeter(clock))
