"""Has enough been measured? The stop rule of a workload that asks for a precision instead of a count."""

from profiler.metrics.catalogue import METRICS
from profiler.metrics.registry import NotMeasuredError
from profiler.results.records import Outcome, RequestRecord
from profiler.stats.intervals import BatchSums
from profiler.workloads.schema import Until


class Precision:
    """Follows one metric over the measured requests of a run."""

    def __init__(self, until: Until | None) -> None:
        """Without a rule it is never reached."""
        self._until = until
        self._values = BatchSums()
        self.is_reached = False

    def take(self, request: RequestRecord) -> None:
        """Look at one more finished request."""
        if (
            self._until is None
            or request.outcome is not Outcome.OK
            or not request.phase.rpartition("/")[2].startswith("repeat-")
        ):
            return
        try:
            self._values.add(METRICS[self._until.metric].compute(request))
        except NotMeasuredError:
            return
        half_width = self._values.half_width()
        if half_width is not None and half_width <= self._until.half_width_ratio * self._values.mean:
            self.is_reached = True
