"""What serving the model takes: time to load, memory, CPUs."""

from profiler.aggregation.observations import Observations
from profiler.metrics.population import ALL_SAMPLES, HOST_SAMPLES, WHOLE_RUN
from profiler.metrics.registry import NotMeasuredError, per_run
from profiler.metrics.shown import Shown
from profiler.units import ns_to_s


@per_run(
    "Model load", unit="s", group="resources", better="lower", over=WHOLE_RUN, shown=Shown(order=110, headline="page")
)
def model_load_s(seen: Observations) -> float:
    """Server ready − server process started: the engine's own start-up and loading the model."""
    for phase in seen.manifest.phases:
        if phase.name == "start-server" and phase.end_ns is not None:
            return ns_to_s(phase.end_ns - phase.start_ns)
    raise NotMeasuredError("the start of the server was not part of what was observed")


@per_run(
    "Peak memory (RSS)",
    unit="bytes",
    group="resources",
    better="lower",
    over=ALL_SAMPLES,
    short="Peak memory",
    shown=Shown(order=120, headline="page", compared="shown"),
)
def peak_rss_bytes(seen: Observations) -> float:
    """Largest resident memory of the server's process tree among the samples.

    Memory that several processes share counts once for each.
    """
    sizes = [sample.server_rss_bytes for sample in seen.samples if sample.server_rss_bytes is not None]
    if not sizes:
        raise NotMeasuredError("no sample of the server's memory")
    return max(sizes)


@per_run("CPU cores used by the server", unit="cores", group="resources", better="neither", over=HOST_SAMPLES)
def server_cpu_cores(seen: Observations) -> float:
    """CPU cores that the server's process tree kept busy, mean of the samples in the steady windows."""
    busy = [s.server_cpu_cores for s in seen.samples if seen.is_steady(s.t_ns) and s.server_cpu_cores is not None]
    if not busy:
        raise NotMeasuredError("no sample of the server's CPU use within the steady windows")
    return sum(busy) / len(busy)
