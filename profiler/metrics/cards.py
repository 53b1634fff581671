"""What the GPUs of the host showed while it served: memory, utilisation, heat, and what held their clocks down."""

from profiler.aggregation.cards import highest, mean, readings, slowed_ratio, together
from profiler.aggregation.observations import Observations
from profiler.metrics.population import ALL_SAMPLES, HOST_SAMPLES, STEADY_PEAK
from profiler.metrics.registry import NotMeasuredError, per_run
from profiler.metrics.shown import Shown
from profiler.results.records import CardReading


def _on_gpus(order: int) -> Shown:
    return Shown(order=order, is_optional=True)


@per_run(
    "Peak GPU memory",
    unit="bytes",
    group="resources",
    better="lower",
    over=ALL_SAMPLES,
    shown=Shown(order=121, headline="page", compared="shown", is_optional=True),
)
def peak_vram_bytes(seen: Observations) -> float:
    """Most memory in use on all GPUs in use together, among the samples: by every process, and by the driver itself.

    An engine that sets its KV cache aside beforehand, as vLLM does, uses what it was allowed to, not what it needs.
    """
    readings(seen, steady=False)
    sizes = together(seen.samples, lambda card: card.memory_used_bytes)
    if not sizes:
        raise NotMeasuredError("the driver does not tell how much memory of its GPUs is in use")
    return max(sizes)


@per_run("Fullest GPU memory", unit="ratio", group="resources", better="neither", over=ALL_SAMPLES, shown=_on_gpus(141))
def vram_used_ratio(seen: Observations) -> float:
    """Memory in use / memory of the GPU: the highest of any GPU and sample."""
    return highest(seen, _used_ratio, "how much memory of its GPUs is in use", steady=False)


@per_run("GPU utilisation", unit="ratio", group="resources", better="neither", over=HOST_SAMPLES, shown=_on_gpus(142))
def gpu_busy_ratio(seen: Observations) -> float:
    """Share of the time in which a GPU computed anything at all, mean of all GPUs and samples in the steady windows.

    As the driver tells it. One kernel on one of a hundred multiprocessors counts as busy.
    """
    return mean(seen, lambda card: card.busy_ratio, "the utilisation of its GPUs")


@per_run("GPU clock", unit="MHz", group="resources", better="neither", over=HOST_SAMPLES, shown=_on_gpus(143))
def gpu_sm_clock_mhz(seen: Observations) -> float:
    """Clock of the multiprocessors, mean of all GPUs and samples in the steady windows."""
    return mean(seen, lambda card: card.sm_clock_mhz, "the clocks of its GPUs")


@per_run("Hottest GPU", unit="°C", group="resources", better="lower", over=STEADY_PEAK, shown=_on_gpus(144))
def gpu_temperature_c(seen: Observations) -> float:
    """Highest temperature of any GPU in the steady windows."""
    return highest(seen, lambda card: card.temperature_c, "the temperature of its GPUs", steady=True)


@per_run("GPU slowed by heat", unit="ratio", group="trust", better="lower", over=STEADY_PEAK, shown=_on_gpus(145))
def gpu_slowed_by_heat_ratio(seen: Observations) -> float:
    """Share of a GPU's samples in which heat held its clocks down, in the steady windows; the highest of the GPUs."""
    return slowed_ratio(seen, "heat")


@per_run("GPU slowed by power", unit="ratio", group="trust", better="lower", over=STEADY_PEAK, shown=_on_gpus(146))
def gpu_slowed_by_power_ratio(seen: Observations) -> float:
    """As `gpu_slowed_by_heat_ratio`: a limit of power, or the brake of the power supply."""
    return slowed_ratio(seen, "power")


@per_run("GPU slowed otherwise", unit="ratio", group="trust", better="lower", over=STEADY_PEAK, shown=_on_gpus(147))
def gpu_slowed_otherwise_ratio(seen: Observations) -> float:
    """As `gpu_slowed_by_heat_ratio`: in step with another GPU, for reliability, or for a reason that is not told."""
    return slowed_ratio(seen, "other")


@per_run(
    "Other processes on the GPUs",
    unit="processes",
    group="trust",
    better="lower",
    over=STEADY_PEAK,
    shown=_on_gpus(148),
)
def gpu_other_processes(seen: Observations) -> float:
    """Most processes beside the server's that could compute on one of its GPUs, among the steady samples."""
    what = "which processes use its GPUs, or they have other numbers there than in this container"
    return highest(seen, lambda card: card.other_processes, what, steady=True)


def _used_ratio(card: CardReading) -> float | None:
    if card.memory_used_bytes is None or not card.memory_total_bytes:
        return None
    return card.memory_used_bytes / card.memory_total_bytes
