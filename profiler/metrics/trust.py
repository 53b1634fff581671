"""What tells how far the other numbers can be believed."""

from profiler.metrics.observations import Observations
from profiler.metrics.registry import NotMeasuredError, metric
from profiler.results.records import RequestRecord
from profiler.units import ns_to_ms, ns_to_us


@metric("per-run", unit="ratio", group="trust", better="lower")
def error_ratio(seen: Observations) -> float:
    """Measured requests with any outcome but ok / measured requests."""
    if not seen.requests:
        raise NotMeasuredError("no measured request ended")
    return 1 - len(seen.finished) / len(seen.requests)


@metric("per-request", unit="ms", group="trust", better="lower")
def send_lag_ms(request: RequestRecord) -> float:
    """Request handed to the kernel − moment it was due."""
    if request.sent_ns is None:
        raise NotMeasuredError("the request was never sent")
    return ns_to_ms(request.sent_ns - request.scheduled_ns)


@metric("pooled", unit="us", group="trust", better="lower")
def kernel_user_gap_us(request: RequestRecord) -> list[float]:
    """How much later than the kernel the load driver saw a read: the error that user-space stamps would have."""
    return [ns_to_us(lag_ns) for lag_ns in request.read_lag_ns if lag_ns is not None]


@metric("per-run", unit="ratio", group="trust", better="lower")
def coalesced_read_ratio(seen: Observations) -> float:
    """Token-bearing reads that held several tokens / token-bearing reads. Their gaps are not to be trusted."""
    reads = [tokens for request in seen.finished for tokens in request.read_tokens if tokens]
    if not reads:
        raise NotMeasuredError("no token arrived")
    return sum(tokens > 1 for tokens in reads) / len(reads)


@metric("per-run", unit="ratio", group="trust", better="lower")
def token_mismatch_ratio(seen: Observations) -> float:
    """Finished requests whose token count differs between client and server / those where both are known."""
    both = [
        (request.completion_tokens, request.completion_tokens_server)
        for request in seen.finished
        if request.completion_tokens_server is not None
    ]
    if not both:
        raise NotMeasuredError("the server did not say how many tokens it made")
    return sum(client != server for client, server in both) / len(both)


@metric("per-run", unit="cores", group="trust", better="lower")
def client_cpu_cores(seen: Observations) -> float:
    """Processor time of the load driver / duration of the measured phases."""
    used_ns = duration_ns = 0
    for phase in seen.manifest.phases:
        if phase.is_measured and phase.end_ns is not None and phase.client_cpu_ns is not None:
            used_ns += phase.client_cpu_ns
            duration_ns += phase.end_ns - phase.start_ns
    if not duration_ns:
        raise NotMeasuredError("no measured phase has ended")
    return used_ns / duration_ns


@metric("per-run", unit="us", group="trust", better="lower")
def clock_offset_width_us(seen: Observations) -> float:
    """Largest uncertainty of the conversion from the kernel's wall-clock stamps to the monotonic clock."""
    widths_ns = [r.clock_offset_width_ns for r in seen.finished if r.clock_offset_width_ns is not None]
    if not widths_ns:
        raise NotMeasuredError("no clock offset was sampled")
    return ns_to_us(max(widths_ns))
