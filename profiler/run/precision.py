"""Has enough been measured? The stop rule of a workload that asks for a precision instead of a count."""

from math import ceil

from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import PerRequest
from profiler.results.records import Outcome, RequestRecord
from profiler.stats.intervals import BatchSums
from profiler.workloads.phases import is_measured
from profiler.workloads.schema import Until

_FIRST = 40  # values before the first look
_AGAIN = 1.1  # times as many before the next one, where the interval was too wide
_CONFIRMED = 1.5  # times as many before it is narrow enough for good


class Precision:
    """Follows one metric over the measured requests of a run.

    Who stops when an interval happens to be narrow stops with those that are too narrow: looked at after each request,
    "95 %" intervals cover 86 to 90 %. So there are few looks, and the interval has to be narrow twice, the second time
    with half as many values more: then they cover 91 to 95 % (simulated in tests/run/test_precision.py).
    """

    def __init__(self, until: Until | None) -> None:
        """Without a rule it is never reached."""
        self._until = until
        self._values = BatchSums()
        self._count = 0
        self._next_look = _FIRST
        self._was_narrow = False
        self.is_reached = False

    def take(self, request: RequestRecord) -> None:
        """Look at one more finished request."""
        if self._until is None or request.outcome is not Outcome.OK or not is_measured(request.phase):
            return
        spec = METRICS[self._until.metric]
        values = spec.values(request) if isinstance(spec, PerRequest) else []
        if not values:
            return
        self._values.add(values[0])
        self._count += 1
        if self._count >= self._next_look:
            self._look(self._until.half_width_ratio)

    def _look(self, ratio: float) -> None:
        half_width = self._values.half_width()
        is_narrow = half_width is not None and half_width <= ratio * self._values.mean
        self.is_reached = self.is_reached or (is_narrow and self._was_narrow)
        self._was_narrow = is_narrow
        self._next_look = ceil(self._count * (_CONFIRMED if is_narrow else _AGAIN))
