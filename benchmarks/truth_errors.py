"""How far a client's records are from the truth: pure functions of paired requests."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from clients import Seen
from truth import Sent

from profiler.stats.quantiles import quantile
from profiler.units import NS_PER_S, ns_to_us

QUANTITIES = {
    "ttft": "TTFT",
    "mean_itl": "mean ITL per request",
    "gap": "single gaps",
    "e2e": "E2E",
    "start": "start of the request",
    "lag": "send behind schedule",
}


class Spread(NamedTuple):
    """Absolute errors in microseconds."""

    n: int
    p50_us: float
    p99_us: float
    max_us: float


def spread(errors_ns: Sequence[float]) -> Spread | None:
    """Summarise errors of either sign; `None` where there are none."""
    if not errors_ns:
        return None
    ordered = sorted(ns_to_us(abs(error_ns)) for error_ns in errors_ns)
    return Spread(len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.99), ordered[-1])


def steady(pairs: Sequence[tuple[Seen, Sent]], skip_s: float) -> list[tuple[Seen, Sent]]:
    """Leave out what did not succeed, and what arrived in the first seconds, when connections are made."""
    start_ns = min((sent.arrived_ns for _, sent in pairs), default=0) + skip_s * NS_PER_S
    return [
        (seen, sent)
        for seen, sent in pairs
        if seen.ttft_ns is not None and sent.is_complete and sent.arrived_ns >= start_ns
    ]


def errors_ns(pairs: Sequence[tuple[Seen, Sent]]) -> dict[str, list[float]]:
    """Return reported − true per quantity.

    True are: for the TTFT, first chunk into send() − request arrived at the server's kernel; for E2E the same with the
    last chunk; for a gap, next chunk into send() − this one; for the mean ITL, first to last chunk / (tokens − 1);
    for the start of a request, its arrival.
    """
    found: dict[str, list[float]] = {"ttft": [], "mean_itl": [], "gap": [], "e2e": [], "start": []}
    for seen, sent in pairs:
        if seen.ttft_ns is None or seen.e2e_ns is None:
            continue
        first_ns, last_ns = sent.chunk_ns[0], sent.chunk_ns[-1]
        found["ttft"].append(seen.ttft_ns - (first_ns - sent.arrived_ns))
        found["e2e"].append(seen.e2e_ns - (last_ns - sent.arrived_ns))
        if seen.mean_itl_ns is not None and sent.tokens > 1:
            found["mean_itl"].append(seen.mean_itl_ns - (last_ns - first_ns) / (sent.tokens - 1))
        if seen.sent_ns is not None:
            found["start"].append(seen.sent_ns - sent.arrived_ns)
        found["gap"] += _gap_errors_ns(seen, sent)
    return found


def _gap_errors_ns(seen: Seen, sent: Sent) -> Iterator[float]:
    """Compare gaps between chunks, each by the arrival of its first event; nothing where events were lost."""
    if seen.events_ns is None:
        return
    arrivals_ns = seen.events_ns[:: sent.events_per_chunk]
    if len(arrivals_ns) != len(sent.chunk_ns):
        return
    for (a_ns, b_ns), (c_ns, d_ns) in zip(pairwise(arrivals_ns), pairwise(sent.chunk_ns), strict=True):
        yield (b_ns - a_ns) - (d_ns - c_ns)


def lags_ns(sent: Sequence[Sent], rate_rps: float, skip_s: float) -> list[float]:
    """How far each request of a constant open loop arrived behind the beat that the punctual ones set."""
    arrived_ns = sorted(record.arrived_ns for record in sent)
    if not arrived_ns:
        return []
    behind_ns = [at_ns - index * NS_PER_S / rate_rps for index, at_ns in enumerate(arrived_ns)]
    start_ns = arrived_ns[0] + skip_s * NS_PER_S
    counted = [late_ns for at_ns, late_ns in zip(arrived_ns, behind_ns, strict=True) if at_ns >= start_ns]
    return [late_ns - min(counted) for late_ns in counted]
