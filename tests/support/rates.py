"""Rates recomputed from the times that a run recorded, whatever the machine did meanwhile."""

import statistics
from collections.abc import Sequence

from profiler.results.records import RequestRecord


def of_one_slot(requests: Sequence[RequestRecord], tokens: int, until_ns: int | None = None) -> float:
    """Return tokens per second where each request of one slot has so many; pauses between them are included.

    Little's law: tokens / window, less Tin's correction: the variance of the durations relative to their squared mean,
    / n, whole up to 5 % and fading to none at 10 %. The window ends with the last request, or when the one after it
    was sent.
    """
    durations_ns = [request.ended_ns - request.begun_ns for request in requests]
    end_ns = until_ns or max(request.ended_ns for request in requests)
    window_s = (end_ns - min(request.begun_ns for request in requests)) / 1e9
    bias = statistics.variance(durations_ns) / statistics.fmean(durations_ns) ** 2 / len(requests)
    return len(requests) * tokens / window_s * (1 - bias * min(1, max(0, 2 - bias / 0.05)))
