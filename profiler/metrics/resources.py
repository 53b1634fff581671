"""What serving the model takes: time to load, memory, CPUs."""

from profiler.aggregation.observations import Observations
from profiler.metrics.population import ALL_SAMPLES, HOST_SAMPLES, WHOLE_RUN
from profiler.metrics.registry import NotMeasuredError, per_run
from profiler.metrics.roofline import kv_bytes_of
from profiler.metrics.shown import Shown
from profiler.models import kv_cache
from profiler.results.points import context_tokens
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


@per_run("KV cache per token", unit="bytes", group="resources", better="lower", over=WHOLE_RUN)
def kv_cache_per_token_bytes(seen: Observations) -> float:
    """Keys and values of one token in all layers, from the model's sizes and the type of the KV cache.

    Where layers keep a window only, or a state, less is taken than is said here.
    """
    return kv_bytes_of(seen.manifest.model, seen.manifest.engine)


@per_run("KV cache of the context", unit="bytes", group="resources", better="lower", over=WHOLE_RUN)
def kv_cache_bytes(seen: Observations) -> float:
    """kv_cache_per_token_bytes × context of each slot, rounded up to 256 tokens × slots: what llama.cpp sets aside.

    Not told of models whose layers keep a window, compressed keys or a state: they take less.
    """
    if (saving := seen.manifest.model.kv_cache_saving) is not None:
        raise NotMeasuredError(f"the model takes less than all tokens would: {saving}")
    engine, context = seen.manifest.engine, context_tokens(seen.point, seen.manifest.engine)
    if context is None:
        raise NotMeasuredError("the context of the server is not known")
    cells = kv_cache.cells(context) * (engine.slots or 1)
    return kv_bytes_of(seen.manifest.model, engine) * cells


@per_run("CPU cores used by the server", unit="cores", group="resources", better="neither", over=HOST_SAMPLES)
def server_cpu_cores(seen: Observations) -> float:
    """CPU cores that the server's process tree kept busy, mean of the samples in the steady windows."""
    busy = [s.server_cpu_cores for s in seen.steady_samples if s.server_cpu_cores is not None]
    if not busy:
        raise NotMeasuredError("no sample of the server's CPU use within the steady windows")
    return sum(busy) / len(busy)
