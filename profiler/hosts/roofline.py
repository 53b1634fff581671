"""The measured limits of this host: memory bandwidth and arithmetic peaks.

S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for multicore
architectures", CACM 52(4), 2009. Measured, not looked up: a guest has a share of a machine whose data sheet
speaks of the whole.
"""

import math
import platform

from profiler import __version__
from profiler.hosts import bandwidth, gpu_peak, peak, roofline_cache
from profiler.hosts.check import OtherLoad, Steal, look
from profiler.hosts.usable_cpus import usable_cpus
from profiler.progress import Progress
from profiler.results.host_facts import GpuRoofFacts, HostFacts, PeakFacts, RooflineFacts
from profiler.timing.clock import Clock


def measure(host: HostFacts, progress: Progress, clock: Clock) -> RooflineFacts:
    """Measure this host, which takes about fifteen seconds and all of its processors."""
    threads = thread_count(host)
    found = RooflineFacts(
        fingerprint=host.fingerprint,
        measured_utc=clock.utc().strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool_version=__version__,
        threads=threads,
        memory_bytes_per_s=None,
        peaks={},
        notes=_notes(host, clock),
    )
    if host.virtualisation.emulated:
        reason = f"the host is emulated: {host.virtualisation.emulated_reason}"
        nothing = {name: PeakFacts(operations_per_s=None, reason=reason) for name in peak.TYPES}
        return found.model_copy(update={"memory_reason": reason, "peaks": nothing})
    progress.stage("Measuring memory bandwidth", total=1)
    found = found.model_copy(update=_memory(host, threads, progress, clock))
    progress.stage("Measuring arithmetic peaks", total=1)
    found = found.model_copy(update={"peaks": peak.peaks(threads, progress.advance)})
    return found.model_copy(update={"gpus": _gpus(host, progress)})


def _gpus(host: HostFacts, progress: Progress) -> list[GpuRoofFacts]:
    if host.gpus:
        progress.stage("Measuring GPUs", total=1)
    return gpu_peak.roofs(host.gpus, progress.advance)


def measure_and_keep(host: HostFacts, progress: Progress, clock: Clock) -> RooflineFacts:
    """Measure this host and keep the result for later runs. Raises `RecordError` where it cannot be kept."""
    found = measure(host, progress, clock)
    roofline_cache.write(found)
    return found


def thread_count(host: HostFacts) -> int:
    """Return one thread for each CPU that this process may use, a quota rounded up."""
    share = host.limits.share_cores or host.cpu.usable_cpus or host.cpu.logical_cpus or 1
    return max(1, math.ceil(share))


def _memory(host: HostFacts, threads: int, progress: Progress, clock: Clock) -> dict[str, object]:
    share_bytes = host.limits.share_memory_bytes or host.memory.total_bytes
    bytes_each = bandwidth.buffer_bytes(host.cpu.caches, share_bytes, threads)
    try:
        rate = bandwidth.read_bytes_per_s(_cpus(threads), bytes_each, clock, progress.advance)
    except (OSError, MemoryError) as error:
        return {"memory_reason": f"{threads} buffers of {bytes_each} bytes could not be had: {error}"}
    library = " ".join(platform.libc_ver()).strip() or "the C library"
    how = f"memchr of {library}, {threads} threads, {bytes_each / 2**20:,.0f} MiB each, best of a dozen passes"
    return {"memory_bytes_per_s": rate, "memory_how": how}


def _cpus(threads: int) -> list[int | None]:
    """Choose a CPU for each thread; where a system does not let one choose, `None`."""
    allowed = sorted(usable_cpus() or ())
    return [None] * threads if not allowed else [allowed[number % len(allowed)] for number in range(threads)]


def _notes(host: HostFacts, clock: Clock) -> list[str]:
    """Look for a second at who else uses the processors; a busy host measures too little."""
    seen = look(host, clock)
    return [
        f"The host was busy while its limits were measured ({knob.name}: {knob.show(seen)}), so they may be higher. "
        "Repeat when it is quiet: aforo host roofline --refresh"
        for knob in (OtherLoad(), Steal())
        if knob.advice(seen)
    ]
